"""Why it won, in a sentence: whether it leads, and what stands out."""

from dataclasses import replace

import pytest

from search.metric import ACCURACY
from search.report.blocks import Code
from search.report.evidence import Evidence
from search.report.findings.ablation import Ablated
from search.report.findings.common_traits import CommonTraits, Trait
from search.report.findings.explanation import Explanation
from search.report.findings.importances import Importance, Importances
from search.report.findings.margin import Margin
from search.report.findings.winner import SearchBaseline
from search.tuning.after_search import Finalist


def explained(
    evidence: Evidence,
    *,
    error: float | None = 0.5,
    traits: tuple[str, ...] = (),
    mattering: tuple[str, ...] = (),
    reason: str | None = None,
    level: tuple[int, ...] = (),
) -> Explanation | None:
    """Return what is made of a lead of two points with this error and of these parameters."""
    margin = Margin.of(evidence)
    assert margin is not None
    assert margin.runner_up is not None
    second = margin.runner_up.model_copy(update={"error": error, "gap": 0.02, "n_folds": 1})
    other = replace(evidence)
    other._known.update(evidence._known)
    other._known[Margin.of] = margin.model_copy(update={"runner_up": second, "level": level})
    shared = tuple(map(trait, traits))
    other._known[CommonTraits.of] = CommonTraits(traits=shared, reason=reason)
    parameters = (*(part(name, 0.9) for name in mattering), part("quiet", 0.1))
    other._known[Importances.of] = Importances(parameters=parameters, reason=reason)
    return Explanation.of(other)


ABLATED = Ablated(
    start="trial 0",
    start_score=0.5,
    steps=(),
    n_trained=1,
    gain=None,
    noise=None,
    trial=2,
    metric=ACCURACY,
)


def trait(name: str) -> Trait:
    return Trait(parameter=name, value="a", searched=None, n_best=9, n_others=1, p_value=0.001)


def part(name: str, importance: float) -> Importance:
    return Importance(name=name, importance=importance, chance=0.5)


def test_where_nothing_stands_out_the_trials_cannot_tell(kfold_evidence: Evidence) -> None:
    found = explained(kfold_evidence)
    assert found is not None
    assert (found.leads, found.settings) == (False, ())
    answer, *others = found.sentences()
    assert answer == found.answer
    assert "cannot tell why" in answer
    commands = [one.text for one in found.blocks() if isinstance(one, Code)]
    assert len(others) == len(commands)
    assert all(" ablate " in one for one in commands)


@pytest.mark.parametrize(("error", "leads"), [(0.001, True), (0.5, False)])
def test_a_lead_beyond_noise_is_told_apart(
    kfold_evidence: Evidence, error: float, *, leads: bool
) -> None:
    """What stands out is named either way, and once, however it was found."""
    alone = explained(kfold_evidence, error=error)
    both = explained(kfold_evidence, error=error, traits=("rate", "width"), mattering=("width",))
    assert alone is not None
    assert both is not None
    assert alone.leads is both.leads is leads
    assert both.settings == ("width", "rate")
    assert "width stands out from chance by importance" in both.answer
    assert "the best trials share settings of rate and width" in both.answer
    assert "stand" not in alone.answer or not leads


def test_a_level_winner_has_no_lead(kfold_evidence: Evidence) -> None:
    """It is told to be level, whatever stands out."""
    for mattering in ((), ("width",)):
        found = explained(kfold_evidence, level=(7,), mattering=mattering)
        assert found is not None
        assert not found.leads
        assert "level with the runner-up" in found.answer
        assert "lead over" not in found.answer


@pytest.mark.parametrize(("beaten", "ablated"), [(True, False), (True, True), (False, False)])
def test_a_clear_victory_over_the_hand_tuned_network_is_told(
    kfold_evidence: Evidence, *, beaten: bool, ablated: bool
) -> None:
    """Though not by which setting, unless an ablation has shown that."""
    evidence = replace(kfold_evidence)
    baseline = SearchBaseline(number=0, mean=0.5, outcome="behind", beaten=beaten)
    evidence._known[SearchBaseline.of] = baseline
    path = ABLATED if ablated else None
    evidence._known[Ablated.of] = path
    found = explained(evidence)
    assert found is not None
    assert found.answer.startswith("It beats the hand-tuned") is (beaten and not ablated)


def test_at_most_three_settings_are_named(kfold_evidence: Evidence) -> None:
    found = explained(kfold_evidence, traits=("a", "b", "c", "d"))
    assert found is not None
    assert len(found.settings) == 4
    assert "a, b and c" in found.answer


def test_there_is_no_answer_where_nothing_was_checked(kfold_evidence: Evidence) -> None:
    """Nor where the noise of the lead is not known."""
    assert explained(kfold_evidence, reason="too few trials") is None
    assert explained(kfold_evidence, error=None) is None


@pytest.mark.parametrize(("first", "second", "leads"), [(0.95, 0.70, True), (0.701, 0.70, False)])
def test_finalists_tell_whether_the_winner_is_the_best(
    kfold_evidence: Evidence, first: float, second: float, *, leads: bool
) -> None:
    """By their probability, as there is no lead of single scores then."""
    best = kfold_evidence.record.best_different(2)
    scores = [tuple(mean + step for step in (-0.01, 0.0, 0.01)) for mean in (first, second)]
    finalists = tuple(Finalist(t.number, one) for t, one in zip(best, scores, strict=True))
    evidence = replace(kfold_evidence, record=replace(kfold_evidence.record, finalists=finalists))
    assert Margin.of(evidence) is None
    found = Explanation.of(evidence)
    assert found is not None
    assert found.leads is leads
    assert "best finalist" in found.answer
    assert ("cannot tell why" in found.answer) is not leads
