"""What a report is made from."""

from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeVar, final

import numpy as np
import numpy.typing as npt
import optuna
from optuna.trial import FrozenTrial

from search.ablation.path import Ablation
from search.catalog.openings import DatasetAccess
from search.data.predictions import TrialPredictions
from search.data.training_images import TrainingImages
from search.evaluation.test_results import TestPredictions
from search.tuning.records import StudyRecord
from spaces import BUILT_IN
from spaces.cnn import CNN_SPACE

_T = TypeVar("_T")


@final
@dataclass(frozen=True, eq=False)
class TestedStudy:
    """A study with its best model's predictions on the test images; None if not kept."""

    __test__ = False  # not a test case, despite its name

    record: StudyRecord
    predictions: TestPredictions | None = None


@final
@dataclass(frozen=True, eq=False)
class Evidence:
    """All that is known of a study.

    Args:
        record: The study as stored.
        study: Optuna's study, for the distributions of the parameters; None if no finding that
        needs them will be computed.
        mistakes: Images of the recorded mistakes, in their order, uint8 (M, 3, H, W).
        predictions: The predictions of the study's best model on the test images.
        baseline: The baseline study to compare with.
        ablation: The path to a winner, if that was looked for.
        earlier: Other studies' accesses to the test set before; None if they are not known.
        validation: What the best complete trials predicted of their validation images, best first.
        training_images: The images that were trained on; None if their cache is gone.
        nested: The studies that repeat the search on parts of its images, all tested; or none.
    """

    record: StudyRecord
    study: optuna.Study | None = None
    mistakes: npt.NDArray[np.uint8] | None = None
    predictions: TestPredictions | None = None
    baseline: TestedStudy | None = None
    ablation: Ablation | None = None
    earlier: tuple[DatasetAccess, ...] | None = None
    validation: Mapping[int, TrialPredictions] = field(default_factory=dict)
    training_images: TrainingImages | None = None
    nested: tuple[StudyRecord, ...] = ()
    _known: dict[Hashable, Any] = field(default_factory=dict, init=False, repr=False)

    def once(self, compute: Callable[["Evidence"], _T]) -> _T:
        """Compute a pure function of the evidence, once."""
        if compute not in self._known:
            self._known[compute] = compute(self)
        found: _T = self._known[compute]
        return found

    def frozen_trials(self) -> dict[int, FrozenTrial]:
        """Optuna's trials by number; raises ValueError without Optuna's study."""
        if self.study is None:
            raise ValueError(f"Optuna's study of {self.record.name!r} is needed")
        return {trial.number: trial for trial in self.study.get_trials(deepcopy=False)}

    def tested(self) -> TestedStudy:
        """The study with its predictions."""
        return TestedStudy(self.record, self.predictions)


def model_kind(record: StudyRecord) -> str | None:
    """Return the winner's kind of network, None if nothing has won."""
    winner = record.winner()
    return None if winner is None or winner.candidate is None else winner.candidate.model.kind


def hand_tuned_kind(kind: str) -> str:
    """The kind of hand-tuned network to compare with: the convolutional one where there is none."""
    space = BUILT_IN.get(kind)
    has_baseline = space is not None and space.baseline_params is not None
    return kind if has_baseline else CNN_SPACE.name


_NEVER = datetime.min.replace(tzinfo=UTC)


def choose_baseline(record: StudyRecord, stored: Iterable[StudyRecord]) -> StudyRecord | None:
    """The baseline study to compare a search with; None if there is none.

    It has a test result on the same data, of the same kind of network or, if nobody has tuned one
    of this kind by hand, of the convolutional network. A baseline that was refitted on all training
    images, as the winner is, is preferred to a replication of the hand-tuned report, which has
    fewer; then the most trainings, then the newest test. A baseline study itself has none.
    """
    kind = model_kind(record)
    if not record.recipe.protocol.is_search or kind is None:
        return None
    fitting = [
        one
        for one in stored
        if not one.recipe.protocol.is_search
        and one.test is not None
        and one.dataset.fingerprint == record.dataset.fingerprint
    ]
    for wanted in (kind, hand_tuned_kind(kind)):
        of_kind = [one for one in fitting if model_kind(one) == wanted]
        if of_kind:
            return max(of_kind, key=_rank)
    return None


def _rank(study: StudyRecord) -> tuple[bool, int, datetime]:
    newest = max((opening.time for opening in study.openings), default=_NEVER)
    return study.recipe.protocol.refits, len(study.complete()), newest
