"""Ranks of several ways to search: who is one, what is a task, and what is beyond chance."""

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from search.report.comparison import compare
from search.report.ranking import Ranking, critical_difference
from search.report.render.side_by_side import (
    comparison_markdown,
    comparison_page,
    comparison_plots,
)
from search.tuning.records import StudyRecord
from tests.report import baseline_fakes
from tests.report import report_fakes as fakes
from tests.report.comparison_fakes import compared

_TEST = baseline_fakes.tested(fakes.study_record(()), 0)


def study(task: int, accuracy: float, **recipe: Any) -> StudyRecord:
    """Return a search on the data of a task, with that test accuracy."""
    record = fakes.study_record((), name=f"s{task}")
    data = replace(record.dataset, fingerprint=f"{task:02x}" * 32)
    settings = record.recipe.model_copy(update=recipe)
    return replace(record, recipe=settings, dataset=data, test=replace(_TEST, accuracy=accuracy))


def of_samplers(results: Mapping[str, list[float]]) -> Ranking:
    """Return the ranking of samplers with so many accuracies, one a dataset."""
    records = [
        study(task, accuracy, sampler=sampler)
        for sampler, accuracies in results.items()
        for task, accuracy in enumerate(accuracies)
    ]
    found = Ranking.of(records)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("n_methods", "quantile"), [(2, 1.960), (3, 2.343), (4, 2.569), (5, 2.728), (10, 3.164)]
)
def test_critical_differences_are_those_of_the_literature(n_methods: int, quantile: float) -> None:
    """Table 5 of Demsar (2006)."""
    expected = quantile * math.sqrt(n_methods * (n_methods + 1) / (6 * 14))
    assert critical_difference(n_methods, 14) == pytest.approx(expected, rel=1e-3)


def test_the_better_method_has_the_lower_rank() -> None:
    """Ranks are means over tasks, ties shared."""
    found = of_samplers({"random": [0.5, 0.6, 0.7], "tpe": [0.6, 0.6, 0.9]})
    assert [one.name for one in found.methods] == ["sampler tpe", "sampler random"]
    assert [one.mean_rank for one in found.methods] == pytest.approx([3.5 / 3, 5.5 / 3])
    assert found.methods[0].mean == pytest.approx(0.7)
    assert (found.n_tasks, found.n_incomplete, found.p_value) == (3, 0, None)
    assert "No difference can be told from chance with 3 tasks" in found.sentences()[0]


def test_a_clear_lead_is_told() -> None:
    """Nine datasets on which one is always best; the others alternate."""
    turns = [0.5, 0.6, 0.7] * 3
    found = of_samplers({"random": turns, "grid": [0.55] * 9, "tpe": [0.9] * 9})
    assert found.methods[0].name == "sampler tpe"
    assert "“sampler tpe” is clearly ahead of" in found.sentences()[0]
    assert (found.p_value or 1.0) < 0.01
    (group,) = found.groups()
    assert {one.name for one in group} == {"sampler random", "sampler grid"}


def test_seeds_make_tasks_and_settings_make_methods() -> None:
    """Names have the settings that differ; machine and data are none; a budget's plan is not."""
    records = [
        study(0, accuracy, seed=seed, budget=budget, trials=trials, workers=seed + 1)
        for seed in range(3)
        for budget, trials, accuracy in ((600.0, 5 + seed, 0.5), (3600.0, 50 + seed, 0.6))
    ]
    found = Ranking.of(records)
    assert found is not None
    assert [one.name for one in found.methods] == ["budget 1 h 00 min", "budget 10 min 00 s"]


def test_tasks_without_all_methods_are_left_out() -> None:
    """They are counted; with fewer than three others there is no ranking."""
    both = [study(i, 0.5, sampler=one) for i in range(3) for one in ("random", "tpe")]
    found = Ranking.of([*both, study(9, 0.9, sampler="tpe")])
    assert found is not None
    assert (found.n_tasks, found.n_incomplete) == (3, 1)
    assert found.p_value is None
    assert "1 task is left out" in found.sentences()[1]
    assert Ranking.of(both[:-1]) is None
    assert Ranking.of([one for one in both if one.recipe.sampler == "tpe"]) is None
    untested = replace(both[0], test=None)
    assert Ranking.of([untested, *both[1:]]) is None


def test_names_have_few_settings() -> None:
    """As many as tell the ways apart, not all in which they differ."""
    ways = ({"sampler": "random"}, {"sampler": "tpe", "batch": 4, "pruner": "none"},
            {"sampler": "random", "epochs": 3})  # fmt: skip
    found = Ranking.of([study(i, 0.5, **way) for i in range(3) for way in ways])
    assert found is not None
    assert all(one.name.count(",") <= 1 for one in found.methods)
    assert len({one.name for one in found.methods}) == 3


def test_why_there_is_no_ranking() -> None:
    """It is said where studies search in several ways, but on too few tasks."""
    few = [study(i, 0.5, sampler=one) for i in range(2) for one in ("random", "tpe")]
    assert "2 have a test of all these" in (Ranking.why_none(few) or "")
    assert Ranking.why_none(few[::2]) is None
    assert Ranking.why_none([*few, *(replace(one, recipe=one.recipe) for one in few)]) is not None
    assert (
        Ranking.why_none([study(i, 0.5, sampler=s) for i in range(3) for s in ("a", "b")]) is None
    )


def test_repeated_studies_count_once() -> None:
    """Their mean is the result of the task."""
    both = [study(i, 0.5, sampler=one) for i in range(3) for one in ("random", "tpe")]
    found = Ranking.of([*both, study(0, 0.7, sampler="tpe")])
    assert found is not None
    assert found.methods[0].name == "sampler tpe"
    assert found.methods[0].mean == pytest.approx((0.6 + 0.5 + 0.5) / 3)


@given(table=st.lists(st.lists(st.integers(0, 9), min_size=3, max_size=3), min_size=3, max_size=6))
def test_ranks_add_up(table: list[list[int]]) -> None:
    """Whatever the results, mean ranks add up to those of 1, 2, 3; groups differ by less."""
    names = ("random", "tpe", "grid")
    found = of_samplers({name: [row[i] / 10 for row in table] for i, name in enumerate(names)})
    assert sum(one.mean_rank for one in found.methods) == pytest.approx(6)
    assert 0 <= (found.p_value or 0) <= 1
    for group in found.groups():
        assert len(group) > 1
        assert group[-1].mean_rank - group[0].mean_rank < found.critical_difference


def test_the_comparison_shows_it() -> None:
    """As a chapter with a figure for page and paper; without three tasks there is none."""
    records = [
        replace(study(i, 0.5 + rise, sampler=one), name=f"{one}-{i}")
        for i in range(3)
        for one, rise in (("random", 0.0), ("tpe", 0.1))
    ]
    info = compare([compared(one) for one in records])
    assert "Which way to search is better" in comparison_page(info, "command")
    assert "mean-ranks" in {plot.name for plot in comparison_plots(info)}
    few = compare([compared(one) for one in records[:2]])
    assert few.ranking is None
    assert "mean-ranks" not in {plot.name for plot in comparison_plots(few)}
    assert "| sampler tpe | 1.00 | 60.00% |" in comparison_markdown(info, "command")
    assert "are ranked on 3 tasks or more" in comparison_markdown(few, "command")
