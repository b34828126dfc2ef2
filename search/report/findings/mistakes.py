"""What do the most confident mistakes look like?"""

import base64
import io
from collections.abc import Iterator
from typing import Self, final

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure
from PIL import Image

from search.errors import MachineError
from search.plotting import new_figure, short
from search.report.blocks import Block, Pictures, Plot
from search.report.evidence import Evidence
from search.report.finding import FAILURES, Finding, Unlisted
from search.text import percent

MOST = 24
MOST_PIXELS = 128
_COLUMNS = 6
_NAME = "mistakes"


@final
class Mistakes(Finding):
    """The test images that the model got wrong with the highest confidence."""

    key = "test.mistakes"
    section = FAILURES
    title = "The most confident mistakes"
    folded = True
    figures = (_NAME,)

    images: Unlisted[npt.NDArray[np.uint8]]  # (M, 3, H, W)
    true_names: Unlisted[tuple[str, ...]]
    predicted_names: Unlisted[tuple[str, ...]]
    probabilities: Unlisted[tuple[float, ...]]

    @classmethod
    def of(cls, evidence: Evidence) -> Self | None:
        """Show at most 24 mistakes; None without a test, images or mistakes.

        Raises MachineError if images and mistakes do not belong together.
        """
        test, images = evidence.record.test, evidence.mistakes
        if test is None or images is None or not test.mistakes:
            return None
        if len(images) != len(test.mistakes):
            raise MachineError(
                f"mistakes: {len(images)} images are stored for {len(test.mistakes)} recorded "
                "mistakes; the study is kept, delete its mistakes.npy and build the report again"
            )
        names = [result.name for result in test.classes]
        shown = test.mistakes[:MOST]
        return cls(
            images=images[:MOST],
            true_names=tuple(names[mistake.true_class] for mistake in shown),
            predicted_names=tuple(names[mistake.predicted_class] for mistake in shown),
            probabilities=tuple(mistake.probability for mistake in shown),
        )

    def blocks(self) -> Iterator[Block]:
        labels = zip(self.true_names, self.predicted_names, self.probabilities, strict=True)
        yield Pictures(
            tuple(map(_data_uri, self.images)),
            tuple(
                (
                    true,
                    f"predicted as {predicted}, {percent(probability, 0)} confident",
                    f"Test image of class {true}, predicted as {predicted}",
                )
                for true, predicted, probability in labels
            ),
        )
        yield Plot(_NAME, self.title, self.draw)

    def draw(self) -> Figure:
        """Draw the images, six in a row."""
        rows = -(-len(self.images) // _COLUMNS)
        figure = new_figure(1.5 * rows, width=7.1)
        for i, image in enumerate(self.images):
            axes = figure.add_subplot(rows, _COLUMNS, i + 1)
            axes.imshow(image.transpose(1, 2, 0), interpolation="nearest")
            axes.set_xticks([])
            axes.set_yticks([])
            axes.spines[:].set_visible(False)
            predicted = f"as {short(self.predicted_names[i], 14)}, {self.probabilities[i]:.0%}"
            axes.set_title(f"{short(self.true_names[i])}\n{predicted}", fontsize=6.5)
        return figure


def _data_uri(image: npt.NDArray[np.uint8]) -> str:
    """A uint8 image (3, H, W) as a PNG data URI, at most 128 pixels a side."""
    picture = Image.fromarray(np.ascontiguousarray(image.transpose(1, 2, 0)))
    picture.thumbnail((MOST_PIXELS, MOST_PIXELS))
    buffer = io.BytesIO()
    picture.save(buffer, format="PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")
