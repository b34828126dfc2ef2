"""Which parameters matter, by hand-made studies."""

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import optuna
import pytest
from optuna.distributions import FloatDistribution
from optuna.importance import PedAnovaImportanceEvaluator
from optuna.trial import create_trial

from search.report.blocks import Paragraph
from search.report.findings import importances
from search.report.findings.importances import Importance, Importances, PedAnova
from search.report.scoring import After
from tests.report import report_fakes as fakes


def importances_of(fake: fakes.Fake) -> Importances:
    found = Importances.of(fake.evidence())
    assert found is not None
    return found


def rising(points: Sequence[dict[str, Any]]) -> fakes.Fake:
    """Return trials with these parameters, each better than the one before."""
    return fakes.study_of(points, [0.2 + i / 100 for i in range(len(points))])


def test_importances_find_the_parameter_that_matters() -> None:
    """A score made of x alone gives x nearly everything, and the shares add up to 1."""
    points = [{"x": i / 20, "y": (7 * i % 20) / 20} for i in range(20)]
    fake = fakes.study_of(points, [p["x"] for p in points])
    info = importances_of(fake)
    assert info.parameters[0].name == "x"
    assert info.parameters[0].importance > 0.8
    assert sum(one.importance for one in info.parameters) == pytest.approx(1)
    assert (info.n_trials, info.quantile, info.reason) == (20, 0.25, None)


@pytest.mark.parametrize(
    ("points", "scores", "reason"),
    [
        ([], [], "at least five"),
        ([{"x": 0.1}, {"x": 0.9}] * 2, [0.4, 0.5] * 2, "at least five"),
        ([{"x": 0.1}, {"x": 0.9}] * 3, [0.5, 0.5] * 3, "same score"),
        ([{}, {}] * 3, [0.4, 0.5] * 3, "no parameter was varied"),
        ([{"fixed": 3}, {"fixed": 3}] * 3, [0.4, 0.5] * 3, "no parameter was varied"),
    ],
)
def test_importances_give_a_reason_where_there_are_none(
    points: list[dict[str, Any]], scores: list[float], reason: str
) -> None:
    """A degenerate study is told in words, never by a traceback."""
    info = importances_of(fakes.study_of(points, scores))
    assert info.parameters == ()
    assert reason in str(info.reason)


def test_importances_leave_out_trials_without_a_score_of_their_own() -> None:
    """Diverged and pruned trials do not count."""
    trials = [
        fakes.complete_trial(0, [0.5], params={"x": 0.1}),
        fakes.other_trial(1, "complete", value=0.1, diverged=True, params={"x": 0.2}),
        fakes.other_trial(2, "pruned", value=0.2, params={"x": 0.3}),
    ]
    study = fakes.optuna_study(trials, [{"x": fakes.RANGES["x"]}] * 3)
    record = fakes.study_record(trials, recipe={"with_baseline": False})
    assert importances_of(fakes.Fake(record, study)).n_trials == 1


def test_importances_reach_parameters_that_only_pruned_trials_had() -> None:
    """Where pruned trials are compared too, their conditional parameters count as well."""
    trials, known = [], []
    for i in range(12):
        name = "x" if i < 3 else "y"
        params = {name: i / 12}
        curve = [0.1 + i / 20, 0.9]
        known.append({name: fakes.RANGES["x"]})
        trials.append(
            fakes.complete_trial(i, curve, params=params)
            if i < 3
            else fakes.other_trial(
                i, "pruned", value=curve[0], params=params, history=fakes.history([curve[:1]])
            )
        )
    record = fakes.study_record(trials, recipe={"with_baseline": False})
    info = importances_of(fakes.Fake(record, fakes.optuna_study(trials, known)))
    assert (info.n_trials, info.after) == (12, After(epoch=1))
    assert info.reason is None
    assert "y" in [one.name for one in info.parameters]


def test_importance_beyond_chance_is_told_apart() -> None:
    """Where the score is x alone, x is beyond chance and y, which means nothing, is not."""
    generator = np.random.default_rng(3)
    points = [{"x": i / 40, "rate": 10 ** -(4 * r)} for i, r in enumerate(generator.random(40))]
    info = importances_of(rising(points))
    assert info.beyond_chance == ("x",)
    assert len(info.sentences()) == 2
    assert "By importance, only x stands out from noise" in info.sentences()[1]


def test_an_importance_equal_but_for_rounding_is_not_beyond_chance() -> None:
    """The same sum, taken in another order, is no difference."""
    rounded = Importance(name="a", importance=0.1 + 0.2, chance=0.3)
    assert rounded.importance > rounded.chance
    assert not rounded.beyond_chance
    assert Importance(name="b", importance=0.301, chance=0.3).beyond_chance


def test_few_trials_warn_of_their_ranking() -> None:
    """Under twenty trials the ranking is said to be chance perhaps, the same at every look."""
    points = [{"x": math.modf(7 * i / 9)[0], "kind": ("sgd", "adam")[i % 2]} for i in range(8)]
    fake = rising(points)
    info = importances_of(fake)
    assert any("8 trials are few for that" in one for one in info.sentences())
    assert len(info.sentences()) == 1
    assert importances_of(fake) == info


def test_importances_stand_before_what_chance_reaches() -> None:
    """Chart and figure have a bar for chance behind each parameter's, in another colour beyond."""
    generator = np.random.default_rng(3)
    points = [{"x": i / 40, "y": float(y)} for i, y in enumerate(generator.random(40))]
    info = importances_of(rising(points))
    (plot,) = fakes.plots(info)
    assert plot.page is not None
    chance, importance = plot.page().figure.data
    assert (chance.name, importance.name) == ("by chance at most", "importance")
    assert list(chance.x) == [one.chance for one in info.parameters]
    assert chance.width > importance.width
    assert importance.y == chance.y
    assert len(set(importance.marker.color)) == 2


def test_importances_that_chance_explains_are_not_drawn() -> None:
    """A sentence says it; long bars would say the opposite."""
    generator = np.random.default_rng(5)
    points = [{"x": float(x), "y": float(y)} for x, y in generator.random((40, 2))]
    scores = generator.random(40).tolist()
    info = importances_of(fakes.study_of(points, scores))
    assert info.beyond_chance == ()
    assert fakes.plots(info) == []
    assert len(info.parameters) == 2
    (asked,) = info.all_plots()  # it is drawn for who asks, pale
    assert asked.page is not None
    _, importance = asked.page().figure.data
    assert len(set(importance.marker.color)) == 1
    assert info.sentences()[0].startswith(
        "None of 2 parameters separates the best 12% of 40 trials"
    )


def prepared(n_prepared: int, n_drawn: int, **recipe: Any) -> fakes.Fake:
    """Return a study whose best trials are prepared and alike in x; y alone helps the others."""
    known = [{"x": 0.05, "y": 0.9 + i / 1000} for i in range(n_prepared)]
    drawn = [{"x": math.modf(7 * i / 11)[0], "y": i / n_drawn} for i in range(n_drawn)]
    scores = [0.9 + i / 1000 for i in range(n_prepared)]
    fake = fakes.study_of([*known, *drawn], [*scores, *(0.3 + i / 100 for i in range(n_drawn))])
    stored = fake.record.recipe.model_copy(update=recipe)
    return fake._replace(record=replace(fake.record, n_first=n_prepared, recipe=stored))


def test_prepared_candidates_are_no_evidence_for_a_parameter() -> None:
    """They are good and alike; only drawn trials are compared."""
    info = importances_of(prepared(8, 40))
    assert (info.n_trials, info.n_comparable) == (40, 40)
    assert info.beyond_chance == ("y",)


def test_too_few_drawn_trials_claim_nothing() -> None:
    """Nor with a learning sampler, whose trials were not drawn at random."""
    info = importances_of(prepared(9, 6))
    assert (info.parameters, info.n_trials, info.untested) == ((), 6, True)
    assert info.sentences()[0].startswith("Not shown: 6 of 15 trials were drawn at random")
    learned = importances_of(prepared(9, 1, sampler="tpe"))
    assert "1 of 10 trials was proposed by the sampler" in learned.sentences()[0]


def test_a_sampler_that_learns_is_told_to_break_the_test() -> None:
    random, learning = (
        importances_of(prepared(0, 40)),
        importances_of(prepared(0, 40, sampler="tpe")),
    )
    assert random.beyond_chance == learning.beyond_chance == ("y",)
    assert len(learning.sentences()) == len(random.sentences()) + 1
    assert sum("TPE search" in one for one in learning.sentences()) == 1


def test_few_trials_do_not_unsay_what_is_beyond_chance() -> None:
    """Beside what stands out, only the rest is left open."""
    info = importances_of(prepared(0, 19))
    assert info.beyond_chance == ("y",)
    assert not any("may well be chance" in one for one in info.sentences())
    assert info.sentences()[-1] == "19 trials are few: others may matter and not stand out."


def test_bars_that_are_left_out_are_told() -> None:
    """All parameters were checked, though the first fifteen are drawn."""
    names = [f"p{i}" for i in range(20)]
    parts = [Importance(name=name, importance=0.05, chance=0.01) for name in names]
    (plot,) = Importances(parameters=tuple(parts), n_trials=40, quantile=0.1).all_plots()
    assert plot.page is not None
    assert len(plot.page().figure.data[0].y) == 15
    assert "The first 15 of 20 are drawn." in plot.caption
    (few,) = Importances(parameters=tuple(parts[:15]), n_trials=40, quantile=0.1).all_plots()
    assert "are drawn" not in few.caption


@pytest.mark.slow
def test_parameters_are_sorted_by_their_excess_over_chance() -> None:
    """A longer bar may be less evidence; what exceeds chance stands first, nothing last."""
    generator = np.random.default_rng(3)
    points = [{"y": float(y), "x": i / 40} for i, y in enumerate(generator.random(40))]
    info = importances_of(rising(points))
    assert [one.name for one in info.parameters] == ["x", "y"]
    few = importances_of(fakes.realistic(16))
    shares = [one.importance / one.chance for one in few.parameters if one.chance > 0]
    assert few.beyond_chance == ()
    assert shares == sorted(shares, reverse=True)


@pytest.mark.slow
def test_chance_rarely_passes_for_importance() -> None:
    """Of studies in which nothing matters, at most a few name any of eight parameters."""
    generator = np.random.default_rng(1)
    names = [f"p{i}" for i in range(8)]
    range_ = FloatDistribution(0.0, 1.0)
    claimed = 0
    for _ in range(20):
        trials = [
            create_trial(
                value=0.0,
                params=dict(zip(names, row.tolist(), strict=True)),
                distributions=dict.fromkeys(names, range_),
            )
            for row in generator.random((24, 8))
        ]
        losses = generator.random(24).tolist()
        anova = PedAnova(trials, names, 0.25)
        levels, found = anova.chance_levels(losses), anova.importances(losses)
        claimed += any(found[name] > levels[name] for name in names)
    assert claimed <= 2  # of 20; 0.2 are expected, one a parameter's own test would find 4


@pytest.mark.slow
def test_of_very_many_trials_some_are_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """The parameter that matters is found in them, and the report says how many there were."""
    monkeypatch.setattr(importances, "_MOST", 25)
    points = [{"x": i / 60, "y": (7 * i % 60) / 60} for i in range(60)]
    fake = fakes.study_of(points, [p["x"] for p in points])
    found = importances_of(fake)
    assert (found.n_trials, found.n_comparable) == (25, 60)
    assert found.beyond_chance == ("x",)
    told = " ".join(one.text for one in found.blocks() if isinstance(one, Paragraph))
    assert "25 trials (picked at random from 60)" in told
    assert importances_of(fake) == found


def test_equal_distributions_are_compared_once() -> None:
    """Optuna's importances are the same with distributions that are one object."""
    points = [{"x": i / 20, "y": (7 * i % 20) / 20} for i in range(20)]
    fake = fakes.study_of(points, [p["x"] for p in points])
    trials = list(fake.evidence().frozen_trials().values())
    anova = PedAnova(trials, ["x", "y"], 0.25)
    losses = [float(i) for i in range(20)]
    study = optuna.create_study()
    study.add_trials(
        [
            create_trial(value=one, params=trial.params, distributions=trial.distributions)
            for one, trial in zip(losses, trials, strict=True)
        ]
    )
    plain = PedAnovaImportanceEvaluator(target_quantile=0.25).evaluate(study)
    assert anova.importances(losses) == pytest.approx(plain)
