"""What the best trials have in common."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import combinations
from typing import Any

import numpy as np
import pytest

from search.report.findings.common_traits import CommonTraits, as_narrow, at_least, holm
from tests.report import report_fakes as fakes


def traits_of(points: Sequence[Mapping[str, Any]]) -> CommonTraits:
    """Return what the best of these trials share, each trial being better than the one before."""
    fake = fakes.study_of(points, [0.2 + i / 100 for i in range(len(points))])
    found = CommonTraits.of(fake.evidence())
    assert found is not None
    return found


def test_chance_of_a_draw_by_counting() -> None:
    """Both chances agree with counting every draw."""
    marks = [1, 0, 1, 0, 0, 1, 1]
    places = [0.0, 0.1, 0.15, 0.4, 0.7, 0.75, 1.0]
    draws = list(combinations(range(7), 3))
    found = sum(sum(marks[i] for i in draw) >= 2 for draw in draws) / len(draws)
    assert at_least(2, 3, 4, 7) == pytest.approx(found)
    spans = [max(places[i] for i in d) - min(places[i] for i in d) for d in draws]
    narrow = sum(span <= 0.35 for span in spans) / len(draws)
    assert as_narrow(places, 3, 0.35) == pytest.approx(narrow)


def test_a_choice_of_the_best_is_shared_where_others_lack_it() -> None:
    """Nine of the best ten against one of fifteen is told, with both counts."""
    points = [{"kind": "sgd"}] * 14 + [{"kind": "adam"}] * 10 + [{"kind": "sgd"}]
    info = traits_of(points)
    assert (info.best, info.others) == (10, 15)
    (trait,) = info.traits
    assert (trait.parameter, trait.value, trait.n_best, trait.n_others) == ("kind", "adam", 9, 1)
    heading, line = info.sentences()
    assert "The best 10 of 25 trials" in heading
    assert line == "kind = adam: 9 of the best 10, 1 of the other 15."


def test_what_all_trials_have_is_not_shared() -> None:
    """A choice that is as frequent among the others says nothing of the best."""
    info = traits_of([{"kind": "sgd"}] + [{"kind": "adam"}] * 29)
    assert info.traits == ()
    assert "nothing in common" in info.sentences()[0]


def test_what_prepared_candidates_share_is_no_trait() -> None:
    """They were made alike; of the drawn ones none has it."""
    points = [{"kind": "adam"}] * 9 + [{"kind": "sgd"}] * 16
    fake = fakes.study_of(points, [0.9 - i / 100 for i in range(25)])
    every = CommonTraits.of(fake.evidence())
    assert every is not None
    assert [one.value for one in every.traits] == ["adam"]
    record = replace(fake.record, n_first=9)
    found = CommonTraits.of(fake._replace(record=record).evidence())
    assert found is not None
    assert (found.traits, found.best + found.others) == ((), 16)
    few = CommonTraits.of(fake._replace(record=replace(record, n_first=19)).evidence())
    assert few is not None
    assert str(few.reason).startswith("6 of 25 trials were drawn at random")


def test_a_sampler_that_learns_is_told_to_break_the_test() -> None:
    points = [{"kind": "sgd"}] * 14 + [{"kind": "adam"}] * 10 + [{"kind": "sgd"}]
    fake = fakes.study_of(points, [0.2 + i / 100 for i in range(25)])
    recipe = fake.record.recipe.model_copy(update={"sampler": "tpe"})
    found = CommonTraits.of(fake._replace(record=replace(fake.record, recipe=recipe)).evidence())
    assert found is not None
    assert len(found.traits) == 1
    assert sum("TPE search" in one for one in found.sentences()) == 1


def test_a_narrow_range_is_shared() -> None:
    """The best ten in a tenth of a log range, which few others meet, are told with the range."""
    rates = [10 ** -(4 * i / 19) for i in range(20)] + [0.01 + 0.001 * i for i in range(10)]
    info = traits_of([{"rate": rate} for rate in rates])
    (trait,) = info.traits
    assert (trait.value, trait.searched) == ("0.01 to 0.019", "0.0001 to 1 (log)")
    assert trait.n_best == 10
    assert trait.n_others < 3


def test_a_rare_parameter_is_not_shared() -> None:
    """What fewer than eight of the best ten have at all cannot be common to them."""
    points = [{"x": i / 20} for i in range(20)] + [{"rate": 0.5}] * 5 + [{"x": 0.5}] * 5
    assert traits_of(points).traits == ()


def test_few_trials_share_nothing() -> None:
    """Under ten trials that can be compared a reason stands in place of traits."""
    info = traits_of([{"x": 0.1}] * 9)
    assert info.traits == ()
    assert "at least 10 trials" in str(info.reason)
    assert str(info.reason) in info.sentences()[0]


def test_holm_by_hand() -> None:
    """The least is multiplied by their number, the next by one less, and none falls below it."""
    assert holm([0.04, 0.01, 0.03]) == pytest.approx([0.06, 0.03, 0.06])
    assert holm([0.9, 0.8]) == [1.0, 1.0]
    assert holm([]) == []


@pytest.mark.slow
def test_scores_at_random_seldom_have_traits() -> None:
    """However many parameters were checked, hardly a study without any effect lists one."""
    generator = np.random.default_rng(2)
    listed = 0
    for _ in range(60):
        points = [
            {"x": float(a), "y": float(b), "rate": 10 ** (-4 * float(c)), "kind": "sgd"}
            for a, b, c in generator.random((30, 3))
        ]
        listed += bool(traits_of(points).traits)
    assert listed <= 3  # 0.75 are expected
