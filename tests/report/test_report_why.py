"""What the best trials share, what importances are by chance, and the weakest classes."""

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any

import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution

from search.report.info.shared import shared_info
from search.report.statistics import as_narrow, at_least
from search.report.words.why import shared_words
from tests.report import report_fakes as fakes

KNOWN = {
    "kind": CategoricalDistribution(("sgd", "adam")),
    "rate": FloatDistribution(1e-4, 1.0, log=True),
    "x": FloatDistribution(0.0, 1.0),
}


def study_of(points: Sequence[Mapping[str, Any]]) -> fakes.Fake:
    """Return trials with these parameters, each better than the one before."""
    trials = [
        fakes.complete_trial(i, [0.2 + i / 100], params=dict(point))
        for i, point in enumerate(points)
    ]
    known = [{name: KNOWN[name] for name in point} for point in points]
    return fakes.Fake(fakes.study_record(trials), fakes.optuna_study(trials, known))


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
    info = shared_info(study_of(points).evidence())
    assert (info.best, info.others) == (10, 15)
    (trait,) = info.traits
    assert (trait.parameter, trait.value, trait.n_best, trait.n_others) == ("kind", "adam", 9, 1)
    heading, line = shared_words(info)
    assert "The best 10 of 25 trials" in heading
    assert line == "kind = adam: 9 of the best 10, 1 of the other 15."


def test_what_all_trials_have_is_not_shared() -> None:
    """A choice that is as frequent among the others says nothing of the best."""
    info = shared_info(study_of([{"kind": "sgd"}] + [{"kind": "adam"}] * 29).evidence())
    assert info.traits == ()
    assert "nothing in common" in shared_words(info)[0]


def test_a_narrow_range_is_shared() -> None:
    """The best ten in a tenth of a log range, which few others meet, are told with the range."""
    rates = [10 ** -(4 * i / 19) for i in range(20)] + [0.01 + 0.001 * i for i in range(10)]
    info = shared_info(study_of([{"rate": rate} for rate in rates]).evidence())
    (trait,) = info.traits
    assert (trait.value, trait.searched) == ("0.01 to 0.019", "0.0001 to 1 (log)")
    assert trait.n_best == 10
    assert trait.n_others < 3


def test_a_rare_parameter_is_not_shared() -> None:
    """What fewer than eight of the best ten have at all cannot be common to them."""
    points = [{"x": i / 20} for i in range(20)] + [{"rate": 0.5}] * 5 + [{"x": 0.5}] * 5
    assert shared_info(study_of(points).evidence()).traits == ()


def test_few_trials_share_nothing() -> None:
    """Under ten trials that can be compared a reason stands in place of traits."""
    words = shared_words(shared_info(study_of([{"x": 0.1}] * 9).evidence()))
    assert words == ("Nothing can be told: that takes at least 10 trials that can be compared.",)
