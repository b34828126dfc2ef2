"""A candidate as a scikit-learn classifier, by way of skorch.

skorch looks at the holdout after every epoch (`predefined_split`), so that every epoch is recorded
although scikit-learn itself asks for the last one only.
"""

import math
from typing import Any, Self, final
from zlib import crc32

import numpy as np
import numpy.typing as npt
import torch
from sklearn.base import BaseEstimator
from skorch import NeuralNetClassifier
from skorch.callbacks import Callback, LRScheduler
from skorch.helper import predefined_split
from torch import nn
from torch.optim.lr_scheduler import CosineAnnealingLR, OneCycleLR, ReduceLROnPlateau

from cifar_models import build_model
from spaces import Candidate, CosineConfig, OneCycleConfig, PlateauConfig
from tests.benchmarks.peers.plain import (
    EVALUATION_BATCH,
    Images,
    build_transform,
    preset,
    validation_images,
)
from tests.benchmarks.peers.task import Arrays, Task


@final
class CandidateClassifier(BaseEstimator):  # type: ignore[misc]  # scikit-learn is untyped
    """Classifies images, given by their rows in the task's arrays."""

    def __init__(self, task: Task, candidate: str = "", max_epochs: int = 1) -> None:
        self.task, self.candidate, self.max_epochs = task, candidate, max_epochs

    def fit(self, rows: npt.NDArray[np.int64], labels: npt.NDArray[np.int64]) -> Self:
        """Train on the rows."""
        arrays, candidate = self.task.load(), Candidate.from_json(self.candidate)
        transform = build_transform(preset(candidate), arrays)
        torch.manual_seed(self.task.seed)
        self.net_ = self._net(candidate, arrays, len(rows))
        self.net_.fit(Images(arrays.images[rows], labels, transform), None)
        return self

    def score(self, rows: npt.NDArray[np.int64], labels: npt.NDArray[np.int64]) -> float:
        """Return the accuracy on the rows."""
        arrays = self.task.load()
        images = Images(arrays.images[rows], labels, build_transform("none", arrays))
        return float((self.net_.predict(images) == labels).mean())

    def _net(self, candidate: Candidate, arrays: Arrays, n_train: int) -> Any:
        steps = self.max_epochs * math.ceil(n_train / candidate.batch_size)
        return NeuralNetClassifier(
            build_model(candidate.model, arrays.input_shape, arrays.n_classes),
            criterion=nn.CrossEntropyLoss,
            criterion__label_smoothing=candidate.label_smoothing,
            max_epochs=self.max_epochs,
            iterator_train__batch_size=candidate.batch_size,
            iterator_train__shuffle=True,
            iterator_valid__batch_size=EVALUATION_BATCH,
            classes=list(range(arrays.n_classes)),
            train_split=predefined_split(validation_images(arrays)),
            callbacks=[*_schedules(candidate, steps), _Reporting(self.task, self.candidate)],
            verbose=0,
            **_optimizer_settings(candidate),
        )


@final
class _Reporting(Callback):  # type: ignore[misc]  # skorch is untyped
    """Records the accuracy of every epoch; ends a fit whose loss is not finite any more."""

    def __init__(self, task: Task, candidate: str) -> None:
        self.task, self.candidate = task, candidate

    def on_epoch_end(self, net: Any, **_kwargs: object) -> None:
        last = net.history[-1]
        trial = crc32(self.candidate.encode())  # the same in every rung
        self.task.recorder().add(f"{trial:x}", last["epoch"], last["valid_acc"])
        if not math.isfinite(last["valid_loss"]):
            raise KeyboardInterrupt  # as skorch's own EarlyStopping ends a fit


def _optimizer_settings(candidate: Candidate) -> dict[str, Any]:
    config = candidate.optimizer
    own = {f"optimizer__{name}": value for name, value in config.arguments().items()}
    return {"lr": config.learning_rate, "optimizer": config.torch_class} | own


def _schedules(candidate: Candidate, steps: int) -> list[Any]:
    each_batch: dict[str, Any] = {"step_every": "batch", "event_name": None}
    match candidate.schedule:
        case PlateauConfig(factor=factor, patience=patience):
            policy, monitor = ReduceLROnPlateau, "valid_loss"
            return [LRScheduler(policy, monitor, factor=factor, patience=patience)]
        case CosineConfig():
            return [LRScheduler(CosineAnnealingLR, T_max=steps, **each_batch)]
        case OneCycleConfig(warmup=warmup):
            peak: dict[str, Any] = {"max_lr": candidate.optimizer.learning_rate}
            shape = {"total_steps": steps, "pct_start": warmup, "cycle_momentum": False}
            return [LRScheduler(OneCycleLR, **peak, **shape, **each_batch)]
        case _:
            return []
