"""One trial of a study, and how two trials differ."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, SupportsIndex, final, overload

from search import text
from search.catalog.studies import find_trial
from search.errors import UserError
from search.metric import Metric
from search.progress.words import describe_end, describe_number
from search.study.frames import new_frame
from search.study.html import table
from search.tuning.records import StudyRecord, TrialKind, TrialRecord
from spaces.candidate import Candidate, candidate_differences, describe_candidate

if TYPE_CHECKING:
    import pandas as pd


@final
@dataclass(frozen=True)
class Difference:
    """One setting in which two candidates differ, in words; "-": it has no such setting."""

    setting: str
    first: str
    second: str


@final
class Differences(Sequence[Difference]):
    """What distinguishes two trials: a sequence, readable in a terminal and in a notebook."""

    def __init__(self, names: tuple[str, str], found: Sequence[Difference]) -> None:
        self._names, self._found = names, tuple(found)

    @overload
    def __getitem__(self, index: int) -> Difference: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[Difference]: ...

    def __getitem__(self, index: int | slice) -> Difference | Sequence[Difference]:
        return self._found[index]

    def __len__(self) -> int:
        return len(self._found)

    def to_dataframe(self) -> "pd.DataFrame":
        """Return one row a setting; the columns are the trials with their scores.

        Raises UserError if pandas is not installed.
        """
        return new_frame(self._rows(), ("setting", *self._names), index="setting")

    def __repr__(self) -> str:
        if not self._found:
            return f"{self._names[0]} and {self._names[1]} have the same settings"
        return "\n".join(text.aligned([("setting", *self._names), *self._rows()]))

    def _repr_html_(self) -> str:
        return table(("setting", *self._names), self._rows()) if self._found else repr(self)

    def _rows(self) -> list[tuple[str, str, str]]:
        return [(one.setting, one.first, one.second) for one in self._found]


def _parameter_differences(
    first: Mapping[str, Any], second: Mapping[str, Any]
) -> Iterator[tuple[str, str, str]]:
    for name in dict.fromkeys([*first, *second]):
        values = (str(first.get(name, "-")), str(second.get(name, "-")))
        if values[0] != values[1]:
            yield name, *values


@final
class Trial:
    """One trial as stored: its candidate, its scores, its learning curve.

    Scores are those of the study's metric: an accuracy is a fraction.
    """

    def __init__(self, study: StudyRecord, record: TrialRecord) -> None:
        self._study, self.record = study, record

    @property
    def number(self) -> int:
        """Its number in the study, from 0."""
        return self.record.number

    @property
    def state(self) -> TrialKind:
        """How it ended: "complete", "pruned", "diverged", "failed", ..."""
        return self.record.kind

    @property
    def score(self) -> float | None:
        """The mean over folds at its best epoch; the last report of a pruned trial."""
        return self.record.value if self.record.mean is None else self.record.mean

    @property
    def std(self) -> float | None:
        """Standard deviation of the score over folds, of a sample; None with one fold."""
        return self.record.fold_deviation

    @property
    def folds(self) -> tuple[float, ...]:
        """The score of each fold; empty unless complete."""
        return self.record.fold_scores

    @property
    def best_epoch(self) -> int | None:
        """The epoch, from 1, at which the mean curve over folds is best; None unless complete."""
        return self.record.best_epoch

    @property
    def epochs(self) -> int:
        """How many epochs it was trained."""
        return len(self.record.history.epochs)

    @property
    def curve(self) -> list[float]:
        """The validation score after each epoch, as a mean over folds."""
        return list(self.record.history.mean_curve(self._metric))

    @property
    def params(self) -> dict[str, Any]:
        """The values of the space's parameters."""
        return dict(self.record.params)

    @property
    def candidate(self) -> Candidate | None:
        """Everything that decides how its network is built and trained."""
        return self.record.candidate

    @property
    def n_parameters(self) -> int | None:
        """How many parameters its network has."""
        return self.record.n_parameters

    @property
    def seconds(self) -> float:
        """How long it was trained, summed over folds."""
        return self.record.seconds

    @property
    def reason(self) -> str | None:
        """Why it failed, diverged or was not trained."""
        return self.record.reason

    def diff(self, other: "Trial | SupportsIndex") -> Differences:
        """Return the settings of its candidate that differ from another trial's.

        Where one of them was not trained, such as a network that is too large, these are the
        parameters of the space that differ.

        Args:
            other: A trial, or the number of one of the same study.

        Raises:
            UserError: It is neither, or one of the two has no settings yet.
        """
        if not isinstance(other, Trial):
            other = Trial(self._study, find_trial(self._study, other))
        for one in (self, other):
            if one.candidate is None and not one.params:
                raise UserError(
                    f"trial {one.number} is {one.state} and has no settings yet; accepted: a trial "
                    "that was begun"
                )
        if self.candidate is None or other.candidate is None:  # one was not trained
            found = tuple(_parameter_differences(self.params, other.params))
        else:
            found = candidate_differences(self.candidate, other.candidate)
        return Differences((self._title(), other._title()), [Difference(*one) for one in found])

    def _title(self) -> str:
        score = self.score
        shown = self.state if score is None else text.score(score, self._metric)
        return f"trial {self.number} ({shown})"

    def as_row(self) -> Mapping[str, Any]:
        """Return its row in `Study.to_dataframe`."""
        record = self.record
        return {
            "trial": record.number,
            "index": record.plan,
            "state": self.state,
            "score": self.score,
            "std": self.std,
            **{f"fold_{i}": score for i, score in enumerate(self.folds)},
            "best_epoch": record.best_epoch,
            "epochs": self.epochs,
            "parameters": record.n_parameters,
            "seconds": record.seconds,
            "started": record.started,
            "finished": record.finished,
            "same_as": record.same_as,
            "reason": record.reason,
            **{f"params_{name}": value for name, value in record.params.items()},
        }

    @property
    def _metric(self) -> Metric:
        return self._study.metric

    def _end(self) -> str:
        return describe_end(self.record, self._study.recipe, self._metric)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Trial) and self.record == other.record

    def __hash__(self) -> int:
        return hash((self._study.name, self.number))

    def __repr__(self) -> str:
        candidate = self.candidate
        what = "" if candidate is None else f"\n  {describe_candidate(candidate)}"
        return f"<{describe_number(self.record).capitalize()}: {self._end()}{what}>"

    def _repr_html_(self) -> str:
        return table(("", describe_number(self.record)), list(self._rows()))

    def _rows(self) -> Iterator[tuple[str, str]]:
        yield "ended", self._end()
        if len(self.folds) > 1:
            yield "folds", ", ".join(text.score(one, self._metric) for one in self.folds)
        if self.candidate is not None:
            yield "candidate", describe_candidate(self.candidate)
        if self.n_parameters is not None:
            yield "parameters", f"{self.n_parameters:,}"
        yield "trained", f"{text.plural(self.epochs, 'epoch')}, {text.duration(self.seconds)}"
