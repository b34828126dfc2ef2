"""The validation predictions that a study keeps: of the best complete trials, in bounded room."""

from collections.abc import Sequence
from typing import final

from search.data.predictions import TrialPredictions, load_fold_predictions
from search.errors import MachineError
from search.metric import Metric
from search.paths import RunPaths
from search.tuning.records import StudyRecord, TrialRecord

MOST_BYTES = 200 * 2**20
"""The most that a study keeps; the worst trials lose theirs first."""
MOST_READ = 50
"""The most trials, the best ones, whose predictions are read again."""


@final
class KeptPredictions:
    """Stores a trial's predictions when it is complete, and gives up those of the worst trials.

    Args:
        paths: Of the study.
        metric: What trials are scored by.
        earlier: The trials of earlier runs.
        most_bytes: The most that is kept.
    """

    def __init__(
        self,
        paths: RunPaths,
        metric: Metric,
        earlier: Sequence[TrialRecord] = (),
        most_bytes: int = MOST_BYTES,
    ) -> None:
        self._paths, self._metric, self._most_bytes = paths, metric, most_bytes
        self._scores = {one.plan: one.mean for one in earlier if one.mean is not None}
        known = {plan: paths.trial_predictions(plan) for plan in self._scores}
        self._sizes = {plan: path.stat().st_size for plan, path in known.items() if path.exists()}

    def keep(self, number: int, plan: int, epoch: int, score: float) -> None:
        """Store what the fold groups of a trial have left, if they have.

        Args:
            number: The trial's number in Optuna.
            plan: Its index in the study's plan.
            epoch: The epoch that it is scored at, counted from 1.
            score: Its score.

        Raises:
            OSError: The disk is full, or the study's folder is out of reach.
            MachineError: What was left is damaged.
        """
        try:
            folds = load_fold_predictions(self._paths.all_fold_predictions(number))
        except ValueError as error:
            raise MachineError(
                f"the predictions of trial {number} in {self._paths.trial_dir(number)} are "
                f"damaged: {error}; run the same command again to repeat its last epochs"
            ) from error
        if not folds:
            return
        self._scores[plan] = score
        predictions = TrialPredictions.of(folds.values(), epoch)
        path = self._paths.trial_predictions(plan)
        predictions.save(path)
        self._sizes[plan] = path.stat().st_size
        while len(self._sizes) > 1 and sum(self._sizes.values()) > self._most_bytes:
            self._give_up_the_worst()

    def _give_up_the_worst(self) -> None:
        sign = -1.0 if self._metric.higher_is_better else 1.0
        worst = max(self._sizes, key=lambda plan: sign * self._scores[plan])
        self._paths.trial_predictions(worst).unlink(missing_ok=True)
        del self._sizes[worst]


def read_kept(record: StudyRecord, paths: RunPaths) -> dict[int, TrialPredictions]:
    """Return the predictions of the best complete trials by number, best first.

    A duplicate has none of its own.

    Raises:
        MachineError: A file is damaged.
    """
    best = [one for one in record.complete() if one.same_as is None][:MOST_READ]
    found = {one.number: TrialPredictions.load(paths.trial_predictions(one.plan)) for one in best}
    return {number: one for number, one in found.items() if one is not None}
