"""The simulation of reports that have nothing to claim."""

import math

import numpy as np
import optuna
import pytest

from tests.benchmarks.honesty import (
    DESIGNS,
    OF_BASELINE,
    VERDICTS,
    Design,
    coverages,
    false_claims,
    selection_coverages,
    simulate,
)


@pytest.fixture(autouse=True)
def _quiet() -> None:
    optuna.logging.set_verbosity(optuna.logging.ERROR)


@pytest.mark.slow
@pytest.mark.parametrize("design", DESIGNS, ids=lambda design: design.name)
def test_simulated_studies_are_those_of_their_design(design: Design) -> None:
    """Folds, halving and the share of pruned trials are as named; the winner is complete."""
    one = simulate(design, np.random.default_rng(3))
    record = one.evidence.record
    kinds = [trial.kind for trial in record.trials]
    assert record.recipe.n_folds == design.n_folds
    assert ("pruned" in kinds) is design.halving
    winner = record.winner()
    assert winner is not None
    assert len(winner.fold_scores) == design.n_folds
    assert record.test is not None
    assert one.evidence.baseline is not None
    assert len(one.evidence.baseline.record.repeats) == 3
    assert len(one.unchosen.record.trials) == 1


@pytest.mark.slow
def test_every_verdict_is_counted() -> None:
    found = false_claims(DESIGNS[0], studies=1)
    assert list(found) == [*VERDICTS, "any of these", *OF_BASELINE]
    assert set(found.values()) <= {0.0, 1.0}
    assert found == false_claims(DESIGNS[0], studies=1)


@pytest.mark.slow
def test_what_is_there_is_claimed() -> None:
    """Verdicts that never claim anything would be honest and useless."""
    generator = np.random.default_rng(4)
    matters = VERDICTS["a parameter matters"]
    assert sum(matters(simulate(DESIGNS[0], generator, effect=0.4)) for _ in range(3)) >= 2


@pytest.mark.slow
def test_intervals_cover_what_they_promise() -> None:
    n = 400
    slack = 4 * math.sqrt(0.95 * 0.05 / n)
    assert all(abs(share - 0.95) < slack for share in coverages(n).values())


@pytest.mark.slow
def test_the_interval_of_the_best_trial_is_cautious() -> None:
    assert all(share >= 0.85 for share in selection_coverages(8).values())
