"""The candidates whose curves are recorded: drawn once and stored, so that they never change.

The first is the hand-tuned network. Of the next ones every second one is drawn uniformly from the
built-in space, as random search does, and every second one from `_PRIOR`, a first guess of what
works, so that good candidates are in the table too. The last ones are designed: what practice
recommends, with one or two settings changed at a time.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, cast, final

import numpy as np
from optuna.distributions import BaseDistribution

from cifar_models import count_parameters, multiply_adds
from spaces import Candidate, Space
from spaces.parameters import OfflineTrial, ParamValue, draw

_DESIGNED: Mapping[str, tuple[Mapping[str, ParamValue], ...]] = {  # changes to the first of each
    "cnn": (
        {
            "base_width": 48,
            "growth": 2.0,
            "kernel_size": 3,
            "activation": "gelu",
            "pooling": "overlapping_max",
            "pool_first": True,
            "conv_dropout": 0.0,
            "head": "flatten",
            "head_dropout": 0.2,
            "optimizer": "adamw",
            "adamw_lr": 3e-3,
            "adamw_weight_decay": 0.05,
            "schedule": "one_cycle",
            "batch_size": 64,
            "label_smoothing": 0.05,
            "augmentation": "flip_crop",
            "test_time_flip": True,
        },
        {"optimizer": "sgd", "sgd_lr": 0.05},
        {"augmentation": "none", "test_time_flip": False},
        {"optimizer": "sgd", "sgd_lr": 0.05, "augmentation": "none", "test_time_flip": False},
        {"batch_size": 32, "adamw_lr": 2e-3},
        {"batch_size": 128},
        {"base_width": 32},
        {"base_width": 24},
        {"base_width": 56, "head": "global_average"},
        {"augmentation": "flip"},
        {"activation": "silu", "schedule": "cosine"},
        {
            "activation": "relu",
            "pooling": "max",
            "optimizer": "sgd",
            "sgd_lr": 0.1,
            "batch_size": 128,
        },
        {"conv_dropout": 0.1, "head_dropout": 0.4},
        {
            "augmentation": "none",
            "test_time_flip": False,
            "conv_dropout": 0.1,
            "head_dropout": 0.4,
            "batch_size": 32,
        },
        {"base_width": 56, "growth": 1.5, "optimizer": "sgd", "sgd_lr": 0.05},
        {"adamw_lr": 6e-3, "adamw_weight_decay": 0.2},
    ),
    "mlp": (
        {
            "hidden_width_1": 1024,
            "hidden_width_2": 512,
            "activation": "gelu",
            "batch_norm": True,
            "dropout_mode": "shared",
            "dropout": 0.2,
            "optimizer": "adamw",
            "adamw_lr": 2e-3,
            "adamw_weight_decay": 0.05,
            "schedule": "one_cycle",
            "batch_size": 64,
            "label_smoothing": 0.05,
            "augmentation": "flip_crop",
            "test_time_flip": True,
        },
        {"optimizer": "sgd", "sgd_lr": 0.05},
        {"augmentation": "none", "test_time_flip": False},
        {"optimizer": "sgd", "sgd_lr": 0.05, "augmentation": "none", "test_time_flip": False},
        {"batch_size": 32},
        {"batch_size": 128},
        {"hidden_width_1": 512, "hidden_width_2": 256},
        {"hidden_width_1": 2048, "hidden_width_2": 1024},
        {"dropout": 0.0},
        {"dropout": 0.4},
        {"augmentation": "flip"},
        {"activation": "silu", "schedule": "cosine"},
        {"augmentation": "none", "test_time_flip": False, "dropout": 0.4, "batch_size": 32},
        {
            "augmentation": "none",
            "test_time_flip": False,
            "hidden_width_1": 2048,
            "hidden_width_2": 1024,
        },
        {"adamw_lr": 5e-4},
        {"adamw_lr": 6e-3, "adamw_weight_decay": 0.2},
    ),
}
_SGD: Mapping[str, ParamValue] = {
    "sgd_momentum": 0.9,
    "sgd_nesterov": True,
    "sgd_weight_decay": 5e-4,
}

COUNTS = {"mlp": 160, "cnn": 64}
MOST_PARAMETERS = {"mlp": 10_000_000, "cnn": 300_000}
MOST_WORK = {"cnn": 30_000_000}  # multiply-adds an image of 32 x 32 pixels
_SHAPE, _CLASSES = (3, 32, 32), 10

_PRIOR: Mapping[str, Any] = {  # weights of choices, or low and high of a range
    "activation": {"relu": 3, "leaky_relu": 2, "gelu": 3, "silu": 3, "elu": 1},
    "batch_norm": {True: 8, False: 1},
    "hidden_width_1": (256, 2048),
    "hidden_width_2": (96, 1024),
    "dropout": (0.05, 0.5),
    "dropout_1": (0.0, 0.5),
    "dropout_2": (0.0, 0.5),
    "base_width": (16, 56),
    "growth": (1.25, 2.0),
    "kernel_size": {3: 4, 5: 1},
    "pooling": {"max": 2, "overlapping_max": 1, "average": 1},
    "conv_dropout": (0.0, 0.15),
    "head": {"flatten": 2, "global_average": 2, "global_max": 1},
    "head_dropout": (0.0, 0.4),
    "optimizer": {"sgd": 2, "adam": 1, "adamw": 2},
    "sgd_lr": (0.01, 0.2),
    "sgd_momentum": (0.85, 0.95),
    "sgd_nesterov": {True: 3, False: 1},
    "sgd_weight_decay": (1e-5, 3e-3),
    "adam_lr": (7e-4, 1e-2),
    "adamw_lr": (7e-4, 1e-2),
    "schedule": {"plateau": 1, "cosine": 4, "one_cycle": 5, "constant": 1},
    "batch_size": {32: 3, 64: 4, 128: 2, 256: 0, 512: 0},
    "label_smoothing": (0.0, 0.15),
    "augmentation": {"none": 1, "flip": 1, "flip_crop": 2},
}


@final
class _Draw(OfflineTrial):
    def __init__(self, rng: np.random.Generator, *, informed: bool) -> None:
        super().__init__()
        self._rng, self._informed = rng, informed

    def choose(self, name: str, distribution: BaseDistribution) -> ParamValue:
        guess = _PRIOR.get(name) if self._informed else None
        if isinstance(guess, dict):
            weights = np.array(list(guess.values()), dtype=float)
            place = int(self._rng.choice(len(weights), p=weights / weights.sum()))
            return cast("ParamValue", list(guess)[place])
        while True:
            value = draw(distribution, self._rng)
            if guess is None or guess[0] <= cast("float", value) <= guess[1]:
                return value


def draw_candidates(space: Space, count: int) -> list[dict[str, ParamValue]]:
    """Return the parameters of `count` affordable candidates of a built-in space."""
    rng = np.random.default_rng(0)
    chosen = [dict(space.baseline_params or {})]
    while len(chosen) < count:
        trial = _Draw(rng, informed=len(chosen) % 2 == 0)
        if is_affordable(space.name, space.suggest(trial)):
            chosen.append(trial.params)
    return [*chosen, *_designed(space)]


def _designed(space: Space) -> Iterator[dict[str, ParamValue]]:
    first, *changes = _DESIGNED[space.name]
    for change in ({}, *changes):
        params = {**first, **change}
        if params["optimizer"] == "sgd":
            others = {name: params[name] for name in params if not name.startswith("adamw_")}
            params = {**others, **_SGD}
        space.candidate(params)  # raises ValueError where it is none
        yield params


def is_affordable(space: str, candidate: Candidate) -> bool:
    network = candidate.model, _SHAPE, _CLASSES
    small = count_parameters(*network) <= MOST_PARAMETERS[space]
    return small and (space not in MOST_WORK or multiply_adds(*network) <= MOST_WORK[space])


def read_candidates(path: Path) -> list[dict[str, ParamValue]]:
    """Return stored candidates' parameters, in their order."""
    with path.open(encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def write_candidates(path: Path, candidates: Sequence[Mapping[str, ParamValue]]) -> None:
    """Write candidates' parameters, one JSON object a line."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(one) + "\n" for one in candidates), encoding="utf-8")
