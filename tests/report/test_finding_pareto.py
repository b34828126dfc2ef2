"""The Pareto front of a study with several objectives."""

import math
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from search.plotting import paper_style
from search.report.blocks import Table
from search.report.findings.margin import Margin
from search.report.findings.pareto import ParetoFront, pareto_front
from search.tuning.endings import why_no_winner
from search.tuning.records import StudyRecord, TrialRecord
from tests.report import report_fakes as fakes

SCORES = {0: (0.90, 300_000), 1: (0.85, 100_000), 2: (0.80, 50_000), 3: (0.84, 120_000)}


def study(choose: str | None = None, objective: str = "accuracy,parameters") -> StudyRecord:
    """Return four trials, of which 1 dominates 3."""
    trials = [
        replace(
            fakes.complete_trial(number, [score]),
            costs={"parameters": float(size), "latency": size / 50_000},
        )
        for number, (score, size) in SCORES.items()
    ]
    return fakes.study_record(trials, recipe={"objective": objective, "choose": choose})


def front_of(record: StudyRecord) -> ParetoFront:
    found = ParetoFront.of(fakes.evidence(record))
    assert found is not None
    return found


def test_dominated_trials_are_not_on_the_front() -> None:
    found = front_of(study())
    assert [one.trial for one in found.front] == [0, 1, 2]
    assert found.n_trials == 4
    assert [(one.name, one.direction) for one in found.objectives] == [
        ("accuracy", "maximize"),
        ("parameters", "minimize"),
    ]


@pytest.mark.parametrize(
    ("choose", "winner"),
    [
        (None, 0),
        ("best accuracy under 200k", 1),
        ("best parameters over 82% accuracy", 1),
        ("best parameters", 2),
        ("best accuracy under 10k", None),
    ],
)
def test_the_stated_rule_chooses_the_winner(choose: str | None, winner: int | None) -> None:
    """The finding, the record and its words agree."""
    record = study(choose)
    won = record.winner()
    assert (None if won is None else won.number) == front_of(record).winner == winner
    told = front_of(record).summary()[0]
    assert (f"chooses trial {winner}" in told) is (winner is not None)
    assert (choose or "best accuracy") in told


def test_a_rule_that_nothing_keeps_to_is_told_as_that() -> None:
    """In one line, with what can be done: the trials stay as they are."""
    record = study("best accuracy under 10k")
    assert "none of 4 complete trials meets choose 'best accuracy under 10k'" in (
        why_no_winner(replace(record, recipe=record.recipe.model_copy(update={"trials": 4})))
    )
    assert [one.allowed for one in front_of(record).front] == [False] * 3


def test_a_single_objective_has_no_front() -> None:
    record = fakes.study_record([fakes.complete_trial(0, [0.5])])
    assert ParetoFront.of(fakes.evidence(record)) is None
    assert ParetoFront.of(fakes.evidence(replace(study(), trials=()))) is None


def test_leads_are_not_told_where_the_winner_need_not_have_the_best_score() -> None:
    assert Margin.of(fakes.evidence(study("best parameters"))) is None


def test_the_table_has_values_in_their_units_and_marks_the_winner() -> None:
    found = front_of(study("best accuracy under 200k parameters", "accuracy,parameters,latency"))
    (table,) = (block for block in found.blocks() if isinstance(block, Table))
    assert table.header == ("Trial", "Accuracy", "Parameters", "Latency", "")
    assert table.rows[0] == ("0", "90.00%", "300,000", "6 ms", "beyond a limit of the rule")
    assert table.rows[1] == ("1", "85.00%", "100,000", "2 ms", "winner")


@pytest.mark.slow
@pytest.mark.parametrize("objective", ["accuracy,parameters", "accuracy,parameters,latency"])
def test_there_is_a_plot_for_each_cost(objective: str) -> None:
    """On paper and on the page, with the winner marked."""
    plots = front_of(study(None, objective)).plots()
    assert len(plots) == objective.count(",")
    for plot in plots:
        with paper_style():
            assert plot.paper is not None
            assert plot.paper().axes
        assert plot.page is not None
        names = [trace.name for trace in plot.page().figure.data]
        assert names == ["complete trial", "Pareto front", "winner"]


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4), st.integers(0, 4)), min_size=1))
def test_a_front_is_what_its_definition_says(points: list[tuple[int, int, int]]) -> None:
    """Whoever is left out is dominated by somebody on the front, who is dominated by nobody."""

    def dominates(one: tuple[int, ...], other: tuple[int, ...]) -> bool:
        return one != other and all(a <= b for a, b in zip(one, other, strict=True))

    front = pareto_front(points)
    best = [point for point, on in zip(points, front.tolist(), strict=True) if on]
    assert best
    for point, on in zip(points, front.tolist(), strict=True):
        assert on is not any(dominates(other, point) for other in best)


def test_ties_are_both_on_the_front() -> None:
    assert pareto_front([(1.0, 2.0), (1.0, 2.0), (1.0, 3.0)]).tolist() == [True, True, False]
    assert pareto_front([(0.0, math.inf)]).tolist() == [True]


def winner_of(trials: list[TrialRecord], **recipe: Any) -> TrialRecord | None:
    return fakes.study_record(trials, recipe=recipe).winner()


def test_a_tie_goes_to_the_first_of_the_plan() -> None:
    trials = [replace(fakes.complete_trial(n, [0.5]), costs={"parameters": 7.0}) for n in (1, 0)]
    won = winner_of(trials, objective="accuracy,parameters", choose="best parameters")
    assert won is not None
    assert won.plan == 0
