"""Loss, accuracy and logits of a network on given images, without transfers inside the loop."""

import math
import statistics
import time
from typing import final

import torch
from torch import nn
from torch.nn.functional import cross_entropy

from cifar_models import ModelConfig
from search.data.dataset import ChannelStatistics, TrainSplit
from search.errors import describe_error
from search.metric import ACCURACY, MeanOver, Metric
from search.training.history import Confusion
from search.training.settings import TrainingSettings
from spaces.candidate import Candidate
from spaces.user_code import place_in_user_code

MOST_CONFUSED_CLASSES = 100  # a matrix of more is too large to keep, and to look at


@final
class Normalizer:
    """Turns uint8 images into floats of mean 0 and standard deviation 1 per channel."""

    def __init__(self, statistics: ChannelStatistics, device: str) -> None:
        mean, std = torch.tensor([statistics.mean, statistics.safe_std], dtype=torch.float64)
        self._scale = (1 / std).float().view(1, -1, 1, 1).to(device)
        self._shift = (-mean / std).float().view(1, -1, 1, 1).to(device)

    def __call__(self, images: torch.Tensor) -> torch.Tensor:
        """Return (N, C, H, W) float32, contiguous, on the images' device."""
        floats = images.to(torch.float32, memory_format=torch.contiguous_format, copy=True)
        return floats.mul_(self._scale).add_(self._shift)


def normalization_of(model: ModelConfig, measured: ChannelStatistics) -> ChannelStatistics:
    """Return how a network's images are normalized: its own way, or by the measured statistics."""
    own = model.input_normalization
    return measured if own is None else ChannelStatistics(own.mean, own.std)


@final
class MetricAccumulator:
    """Sums of losses and correct predictions, in tensors that stay at their addresses.

    With `n_classes`, up to MOST_CONFUSED_CLASSES, it also counts the confusion matrix.
    Logits are only kept for a `metric` that is not recorded anyway, or if `keeps_logits`.
    """

    def __init__(
        self,
        device: str,
        mean_over: MeanOver = "images",
        n_classes: int = 0,
        metric: Metric = ACCURACY,
        *,
        keeps_logits: bool = False,
    ) -> None:
        self._keeps_logits = keeps_logits or metric.recorded is None
        self._n_classes = n_classes if n_classes <= MOST_CONFUSED_CLASSES else 0
        self._pairs = torch.zeros(self._n_classes**2, dtype=torch.int64, device=device)
        self._loss = torch.zeros((), dtype=torch.float64, device=device)
        self._cross_entropy = torch.zeros_like(self._loss)
        self._is_plain = True
        self._correct = torch.zeros((), dtype=torch.int64, device=device)
        self._mean_over, self._metric = mean_over, metric
        self._kept: list[tuple[torch.Tensor, torch.Tensor]] = []  # labels and logits
        self._images = self._losses = 0

    def reset(self, images: int, batches: int) -> None:
        """Start again at zero, for this many images in this many batches."""
        self._loss.zero_()
        self._cross_entropy.zero_()
        self._correct.zero_()
        self._pairs.zero_()
        self._kept.clear()
        self._images = images
        self._losses = images if self._mean_over == "images" else batches

    def add(
        self,
        mean_loss: torch.Tensor,
        logits: torch.Tensor,
        labels: torch.Tensor,
        cross_entropy: torch.Tensor | None = None,
    ) -> None:
        """Add one batch: its mean loss, logits (N, classes) and labels (N,).

        `cross_entropy` is the mean cross entropy, if that is not the loss.
        """
        count = len(labels) if self._mean_over == "images" else 1
        self._loss += mean_loss * count
        if cross_entropy is not None:
            self._cross_entropy += cross_entropy * count
            self._is_plain = False
        predicted = logits.argmax(1)
        self._correct += (predicted == labels).sum()
        if self._n_classes:  # counts are integers, so the order of additions does not matter
            self._pairs.index_add_(
                0, labels * self._n_classes + predicted, torch.ones_like(predicted)
            )
        if self._keeps_logits:
            self._kept.append((labels, logits))

    def mean_loss(self) -> float:
        """Return the mean loss, over images or batches as requested."""
        return float(self._loss) / self._losses

    def mean_cross_entropy(self) -> float | None:
        """Return the mean cross entropy, None if it is the loss itself."""
        return None if self._is_plain else float(self._cross_entropy) / self._losses

    def accuracy(self) -> float:
        """Return the fraction of images whose class was predicted correctly."""
        return int(self._correct) / self._images

    def measures(self) -> dict[str, float]:
        """Return the metric's value by its name; nothing if it is recorded anyway, or diverged."""
        if self._metric.recorded is not None or not math.isfinite(self.mean_loss()):
            return {}
        labels = torch.cat([part for part, _ in self._kept])
        probabilities = self.probabilities()
        try:
            value = self._metric.measure(labels.cpu().numpy(), probabilities.cpu().numpy())
        except Exception as error:  # of a user's function
            what = f"{describe_error(error)}{place_in_user_code(error)}"
            raise RuntimeError(f"metric {str(self._metric)!r}: {what}") from error
        return {self._metric.name: value}

    def probabilities(self) -> torch.Tensor:
        """Return the kept images' probabilities, float64 (N, classes), on their device."""
        return torch.softmax(torch.cat([logits for _, logits in self._kept]).double(), dim=1)

    def confusion(self) -> Confusion | None:
        """Return the confusion matrix, None if it was not requested."""
        if not self._n_classes:
            return None
        return tuple(map(tuple, self._pairs.view(self._n_classes, -1).tolist()))


@final
class HorizontalFlipTTA(nn.Module):
    """Averages the logits of images (N, C, H, W) and their mirror images."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self._network = network

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return the mean of both logits (N, classes)."""
        logits: torch.Tensor = (self._network(images) + self._network(images.flip(3))) / 2
        return logits


def with_test_time_augmentation(network: nn.Module, candidate: Candidate) -> nn.Module:
    """Return the network with the test-time augmentation that the candidate asks for."""
    return HorizontalFlipTTA(network) if candidate.test_time_flip else network


@torch.inference_mode()
def evaluate(
    model: nn.Module,
    data: TrainSplit,
    indices: torch.Tensor,
    normalize: Normalizer,
    settings: TrainingSettings,
    n_classes: int = 0,
    metric: Metric = ACCURACY,
    *,
    keeps_logits: bool = False,
) -> MetricAccumulator:
    """Evaluate a network on some images.

    Args:
        model: The network; put into evaluation mode.
        data: The images.
        indices: Which of them, int64 (N,).
        normalize: Applied to each batch.
        settings: Device, precision and batch size.
        n_classes: If given, the confusion matrix is counted too.
        metric: What is measured besides loss and accuracy, if it is another figure.
        keeps_logits: Whether probabilities are asked for.

    Returns:
        Cross entropy without label smoothing, and accuracy.
    """
    batches = torch.split(indices.to(data.images.device), settings.evaluation_batch)
    metrics = MetricAccumulator(
        settings.device, settings.mean_over, n_classes, metric, keeps_logits=keeps_logits
    )
    metrics.reset(len(indices), len(batches))
    model.eval()
    for batch in batches:
        logits = settings.forward(model, normalize(data.images.index_select(0, batch)))
        labels = data.labels.index_select(0, batch)
        metrics.add(cross_entropy(logits, labels), logits, labels)
    return metrics


@torch.inference_mode()
def predict_logits(
    model: nn.Module, images: torch.Tensor, normalize: Normalizer, settings: TrainingSettings
) -> torch.Tensor:
    """Return float32 logits (N, classes), on the CPU, of uint8 images (N, C, H, W)."""
    model.eval()
    parts = torch.split(images, settings.evaluation_batch)
    logits = [settings.forward(model, normalize(part.to(settings.device))) for part in parts]
    return torch.cat(logits).cpu()


_TIMED_RUNS, _WARM_RUNS = 30, 5


@torch.inference_mode()
def inference_milliseconds(
    model: nn.Module, data: TrainSplit, normalize: Normalizer, settings: TrainingSettings
) -> float:
    """Return the median time in milliseconds that the network takes for one of the images."""
    model.eval()
    image, seconds = data.images[:1].to(settings.device), []
    for _ in range(_WARM_RUNS + _TIMED_RUNS):
        start = time.perf_counter()
        settings.forward(model, normalize(image)).cpu()  # waits for a GPU
        seconds.append(time.perf_counter() - start)
    return 1000 * statistics.median(seconds[_WARM_RUNS:])
