"""The path between two candidates: which change comes when, and what is trained."""

from collections.abc import Collection, Sequence

import pytest

from cifar_models import CNNConfig, MLPConfig
from search.ablation.changes import Change, changed
from search.ablation.path import AblationPath, Step, find_path, most_trainings
from search.metric import ACCURACY, LOSS
from spaces import Candidate, SGDConfig
from spaces.families import Families

START = Candidate(
    model=CNNConfig(), optimizer=SGDConfig(learning_rate=0.1), batch_size=64, label_smoothing=0.0
)
END = START.model_copy(update={"batch_size": 32, "label_smoothing": 0.1, "test_time_flip": True})


class Scores:
    """Scores candidates by what each of the changed settings is worth."""

    def __init__(self, batch: float, smoothing: float, flip: float) -> None:
        self._worth = batch, smoothing, flip
        self.trained: list[Candidate] = []

    def __call__(self, candidates: Sequence[Candidate]) -> list[float | None]:
        self.trained += candidates
        return [self._score(one) for one in candidates]

    def _score(self, one: Candidate) -> float:
        made = one.batch_size == 32, one.label_smoothing == 0.1, one.test_time_flip
        return 0.5 + sum(worth for worth, has in zip(self._worth, made, strict=True) if has)


def test_the_best_change_comes_first() -> None:
    """Then the best of the others; the last leads to the other candidate."""
    scores = Scores(0.01, -0.02, 0.1)
    path = find_path(START, END, scores, ACCURACY)
    assert [one.change.name for one in path.steps] == [
        "test_time_flip", "batch_size", "label_smoothing",
    ]  # fmt: skip
    assert path.start == 0.5
    assert [one.score for one in path.steps] == pytest.approx([0.6, 0.61, 0.59])
    assert [one.alone for one in path.steps] == pytest.approx([0.6, 0.51, 0.48])
    assert [gain for _, gain in path.gains()] == pytest.approx([0.1, 0.01, -0.02])
    assert scores.trained[0] == START
    assert scores.trained[-1] == END
    assert path.trained == len(scores.trained) == most_trainings(3) == 7


def test_of_a_loss_the_lowest_is_best() -> None:
    """The direction is the metric's."""
    path = find_path(START, END, Scores(0.01, -0.02, 0.1), LOSS)
    assert path.steps[0].change.name == "label_smoothing"


def test_a_change_that_diverges_comes_last() -> None:
    """It has no score; what it brings is unknown."""

    def train_all(candidates: Sequence[Candidate]) -> list[float | None]:
        return [None if one.batch_size == 32 else 0.5 for one in candidates]

    path = find_path(START, END, train_all, ACCURACY)
    assert path.steps[-1].change.name == "batch_size"
    assert [gain for _, gain in path.gains()] == [0.0, 0.0, None]


def test_between_equal_candidates_there_is_no_step() -> None:
    """One training says what both are worth."""
    path = find_path(START, START, Scores(0, 0, 0), ACCURACY)
    assert path == AblationPath(0.5, (), 1)
    assert most_trainings(0) == 1


def test_changes_that_do_not_go_together_are_made_together(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Where no remaining one is possible alone."""

    def picky(
        start: Candidate, end: Candidate, changes: Collection[Change], families: Families = ()
    ) -> Candidate | None:
        alone = {one.name for one in changes} & {"batch_size", "test_time_flip"}
        return None if len(alone) == 1 else changed(start, end, changes, families)

    monkeypatch.setattr("search.ablation.path.changed", picky)
    path = find_path(START, END, Scores(0.01, 0.02, 0.1), ACCURACY)
    assert [one.change.name for one in path.steps] == [
        "label_smoothing", "batch_size, test_time_flip",
    ]  # fmt: skip
    assert path.steps[-1].score == pytest.approx(0.63)


def test_a_path_between_networks_of_two_kinds() -> None:
    """The network is one step."""
    mlp = START.model_copy(update={"model": MLPConfig(hidden_widths=(8,), dropouts=(0.1,))})
    path = find_path(START, mlp, lambda some: [0.1 for _ in some], ACCURACY)
    assert [one.change.name for one in path.steps] == ["model"]
    assert path.steps == (Step(path.steps[0].change, 0.1, 0.1),)
