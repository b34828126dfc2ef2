"""The finalists: their scores, and how likely each is the best."""

from dataclasses import replace

import numpy as np
import pytest

from search.report.blocks import Table
from search.report.evidence import Evidence
from search.report.findings.finalists import Finalists, probabilities_of_being_best
from search.report.findings.margin import Margin
from search.tuning.after_search import Finalist


def _with_finalists(evidence: Evidence, *scores: tuple[float | None, ...]) -> Evidence:
    best = evidence.record.best_different(len(scores))
    found = tuple(Finalist(t.number, one) for t, one in zip(best, scores, strict=True))
    return replace(evidence, record=replace(evidence.record, finalists=found))


def test_the_winner_is_the_one_with_the_best_mean(kfold_evidence: Evidence) -> None:
    """It stands in the first sentence, with who was ahead; the margin's finding is gone."""
    evidence = _with_finalists(kfold_evidence, (0.70, 0.72, 0.71), (0.74, 0.75, 0.73))
    found = Finalists.of(evidence)
    assert found is not None
    first, second = found.finalists
    assert found.winner == second.trial
    assert second.mean == pytest.approx(0.74)
    assert second.std == pytest.approx(0.01)
    assert (second.is_best or 0.0) > 0.9
    sentence = found.sentences()[0]
    assert f"trial {second.trial} is best: 74.00%" in sentence
    assert f"In the search trial {first.trial} was ahead" in sentence
    (table,) = (block for block in found.blocks() if isinstance(block, Table))
    assert table.rows[1][2:6] == ("74.00%", "1.00 points", "73.00%", "75.00%")
    assert Margin.of(evidence) is None


def test_without_finalists_there_is_nothing(kfold_evidence: Evidence) -> None:
    """The margin over the runner-up is told instead."""
    assert Finalists.of(kfold_evidence) is None
    assert Margin.of(kfold_evidence) is not None


def test_a_finalist_that_diverged_is_shown(kfold_evidence: Evidence) -> None:
    """Without a mean, and nobody's probability is known."""
    evidence = _with_finalists(kfold_evidence, (0.9, None), (0.74, 0.75))
    found = Finalists.of(evidence)
    assert found is not None
    assert [one.is_best for one in found.finalists] == [None, None]
    assert found.finalists[0].mean is None
    assert list(found.blocks())


def test_probabilities_of_being_best() -> None:
    """Equal ones are equally likely; the direction is the metric's; they add up to 1."""
    equal = [(0.5, 0.6, 0.7)] * 4
    assert probabilities_of_being_best(equal, higher_is_better=True) == pytest.approx(
        [0.25] * 4, abs=0.01
    )
    clear = [(0.5, 0.51, 0.49), (0.9, 0.91, 0.89)]
    high = probabilities_of_being_best(clear, higher_is_better=True)
    low = probabilities_of_being_best(clear, higher_is_better=False)
    assert high[1] == pytest.approx(low[0], abs=0.01)
    assert (high[1] or 0.0) > 0.99
    assert sum(one or 0.0 for one in high) == pytest.approx(1)
    same = probabilities_of_being_best([(0.5, 0.5), (0.5, 0.5)], higher_is_better=True)
    assert same == [0.5, 0.5]


@pytest.mark.slow
def test_the_probability_is_calibrated() -> None:
    """Of many made-up pairs, the one that is said to be best with p is the best in about p."""
    rng = np.random.default_rng(0)
    said, right = [], []
    for _ in range(150):
        truth = rng.normal(0, 1, 2)
        scores = truth[:, None] + rng.normal(0, 1, (2, 4))
        chances = probabilities_of_being_best(scores.tolist(), higher_is_better=True)
        values = [one or 0.0 for one in chances]
        said.append(max(values))
        right.append(int(np.argmax(values)) == int(np.argmax(truth)))
    assert np.mean(right) == pytest.approx(np.mean(said), abs=0.08)
