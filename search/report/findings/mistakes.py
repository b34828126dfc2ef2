"""What do the most confident mistakes look like?"""

from collections.abc import Iterator
from typing import Self, final

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure

from search.errors import MachineError
from search.report.blocks import Block, Paragraph, Pictures, Plot
from search.report.evidence import Evidence
from search.report.finding import FAILURES, Finding, Unlisted
from search.report.pictures import data_uri, draw_pictures
from search.text import percent

MOST = 24
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
    whole: Unlisted[bool] = False  # whether these are all mistakes

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
            whole=test.n_images - round(test.accuracy * test.n_images) <= len(shown),
        )

    def blocks(self) -> Iterator[Block]:
        if self.whole:
            yield Paragraph("These are all its mistakes, the most confident first.", "quiet")
        labels = zip(self.true_names, self.predicted_names, self.probabilities, strict=True)
        yield Pictures(
            tuple(map(data_uri, self.images)),
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
        names = self.true_names, self.predicted_names, self.probabilities
        return draw_pictures(self.images, list(zip(*names, strict=True)))
