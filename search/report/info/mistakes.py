"""The test images that the model got wrong with most confidence. Pure."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from search.errors import MachineError
from search.training.metrics import TestResult

MOST = 24


class MistakesInfo(NamedTuple):
    """uint8 images (M, 3, H, W), their true and predicted classes, and the probability given."""

    images: npt.NDArray[np.uint8]
    true_names: tuple[str, ...]
    predicted_names: tuple[str, ...]
    probabilities: tuple[float, ...]


def mistakes_info(
    test: TestResult | None, images: npt.NDArray[np.uint8] | None
) -> MistakesInfo | None:
    """Return at most 24 mistakes, or None without a test, images or mistakes.

    `images` (M, 3, H, W) follow the order of `test.mistakes`. Raises MachineError where the two
    do not belong together.
    """
    if test is None or images is None or not test.mistakes:
        return None
    if len(images) != len(test.mistakes):
        raise MachineError(
            f"mistakes: {len(images)} images are stored for {len(test.mistakes)} recorded "
            "mistakes; the study is kept, delete its mistakes.npy and build the report again"
        )
    names = [result.name for result in test.classes]
    shown = test.mistakes[:MOST]
    return MistakesInfo(
        images=images[:MOST],
        true_names=tuple(names[mistake.true_class] for mistake in shown),
        predicted_names=tuple(names[mistake.predicted_class] for mistake in shown),
        probabilities=tuple(mistake.probability for mistake in shown),
    )
