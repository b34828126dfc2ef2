"""What a report is made from, beside the study's own record."""

from dataclasses import dataclass
from typing import final

import numpy as np
import numpy.typing as npt

from search.evaluation.measuring import TestPredictions
from search.tuning.records import StudyRecord


@final
@dataclass(frozen=True, eq=False)
class TestedStudy:
    """A study with what its best model made of the test images, None where that was not kept."""

    __test__ = False  # no test case, whatever its name begins with

    record: StudyRecord
    predictions: TestPredictions | None = None


@final
@dataclass(frozen=True, eq=False)
class Evidence:
    """What there is of it, and nothing by default.

    `mistakes` are uint8 images (M, 3, H, W) in the order of the test's mistakes, `predictions`
    those of the study's best model, `baseline` is the study to set beside it.
    """

    mistakes: npt.NDArray[np.uint8] | None = None
    predictions: TestPredictions | None = None
    baseline: TestedStudy | None = None
