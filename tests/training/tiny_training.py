"""A tiny training: images of noise, and a candidate trained on most of them."""

import torch

from search.data.dataset import TrainSplit, channel_statistics
from search.training.settings import TrainingSettings
from search.training.trainer import FoldState, FoldTask, FoldTraining
from spaces.candidate import Candidate


def noise_images() -> TrainSplit:
    """Return 40 images of noise in two classes."""
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (40, 3, 8, 8), dtype=torch.uint8, generator=generator)
    return TrainSplit(images, torch.arange(40) % 2)


def tiny_training(
    candidate: Candidate,
    data: TrainSplit,
    epochs: int,
    resume: FoldState | None = None,
    *,
    keeps_predictions: bool = False,
) -> FoldTraining:
    """Return a training on the first 30 images, validated on the others."""
    train = torch.arange(30)
    task = FoldTask(
        train=train,
        validation=torch.arange(30, 40),
        statistics=channel_statistics(data.images, train),
        schedule=candidate.schedule.build(candidate.optimizer.learning_rate, epochs),
        seed=7,
    )
    settings = TrainingSettings(epochs)
    return FoldTraining(
        candidate, task, data, 2, settings, resume=resume, keeps_predictions=keeps_predictions
    )
