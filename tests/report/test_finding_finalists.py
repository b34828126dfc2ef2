"""The finalists: their scores, and how likely each is the best."""

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest

from search.report.blocks import Table, flattened
from search.report.evidence import Evidence
from search.report.findings import finalists
from search.report.findings.finalists import Finalists, probabilities_of_being_best
from search.report.findings.margin import Margin
from search.report.scoring import image_worth
from search.report.seed_spread import pooled_spread
from search.text import chance
from search.tuning.after_search import Finalist
from spaces.candidate import Candidate
from spaces.cnn import CNN_SPACE
from tests.report import report_fakes as fakes


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
    (table,) = (block for block in flattened(found.blocks()) if isinstance(block, Table))
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
    assert max(one or 0.0 for one in high) < 1


def test_equal_repeats_are_no_certainty() -> None:
    """Two equal scores of 288 images are equal to within an image; those of a loss tell nothing."""
    tied = [(277 / 288, 277 / 288), (279 / 288, 279 / 288)]
    first, second = probabilities_of_being_best(tied, higher_is_better=True, least_spread=1 / 288)
    assert 0.05 < (first or 0.0) < 0.3
    assert (first or 0.0) + (second or 0.0) == pytest.approx(1)
    assert probabilities_of_being_best(tied, higher_is_better=False) == [None, None]


def test_the_spread_of_seeds_is_pooled() -> None:
    """One candidate's equal repeats do not hide how much those of the others differ."""
    repeats = [(0.80, 0.80), (0.79, 0.81), (0.78, 0.82)]
    spread = pooled_spread(repeats, 0.0)
    assert spread is not None
    assert spread.freedom == 3
    assert spread.std == pytest.approx(np.sqrt((0 + 0.0002 + 0.0008) / 3))
    floor = pooled_spread(repeats, 0.5)
    assert floor is not None
    assert (floor.std, floor.measured) == (0.5, spread.std)
    assert pooled_spread([(0.8,), (0.7, None)], 0.01) is None


@pytest.mark.parametrize("name", ["accuracy", "loss"])
def test_the_record_tells_what_an_image_is_worth(kfold_evidence: Evidence, name: str) -> None:
    """With folds all training images are counted; a loss has no such steps."""
    record = kfold_evidence.record
    recipe = record.recipe.model_copy(update={"metric": name})
    worth = image_worth(replace(record, recipe=recipe))
    assert worth == (0.0 if name == "loss" else pytest.approx(1 / 50_000))


@pytest.mark.parametrize(
    ("scores", "words"),
    [
        ((0.90001, 0.90), "they were level, with 90.00%"),
        ((0.91, 0.90), "trial 0 was ahead, with 91.00%"),
    ],
)
def test_a_lead_in_the_search_is_told_as_it_is_shown(
    scores: tuple[float, float], words: str
) -> None:
    trials = [
        fakes.complete_trial(n, [one], candidate=replace_batch(n)) for n, one in enumerate(scores)
    ]
    record = replace(
        fakes.study_record(trials), finalists=(Finalist(0, (0.8, 0.81)), Finalist(1, (0.85, 0.86)))
    )
    found = Finalists.of(Evidence(record))
    assert found is not None
    assert found.winner == 1
    assert words in found.sentences()[0]
    assert ("ahead" in found.sentences()[0]) is ("ahead" in words)


def replace_batch(number: int) -> Candidate:
    """Return a candidate that differs from those of other numbers."""
    baseline = CNN_SPACE.baseline()
    assert baseline is not None
    return baseline.model_copy(update={"batch_size": 32 * (number + 1)})


def test_no_probability_is_shown_as_certain() -> None:
    assert [chance(p) for p in (0.0, 0.004, 0.01, 0.5, 0.99, 0.996, 1.0)] == [
        "under 1%", "under 1%", "1%", "50%", "99%", "over 99%", "over 99%",
    ]  # fmt: skip


def _score(chances: list[float], best: int) -> float:
    """Return the logarithmic score: 0 is best, and certainty that is wrong costs the most."""
    return float(np.log(max(chances[best], 1e-6)))


def _each_by_itself(scores: npt.NDArray[np.float64]) -> list[float]:
    """Return the probabilities from each candidate's own deviation, however few its repeats."""
    errors = scores.std(axis=1, ddof=1) / np.sqrt(scores.shape[1])
    drawn = np.random.default_rng(0).standard_t(scores.shape[1] - 1, (500, len(scores)))
    values = scores.mean(axis=1) + errors * drawn
    wins = values == values.max(axis=1, keepdims=True)
    return [float(one) for one in (wins / wins.sum(axis=1, keepdims=True)).mean(axis=0)]


def test_discrete_scores_of_few_repeats_are_told_with_as_much_doubt_as_they_deserve(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Of 2,000 studies of 3 finalists with 2 repeats each, scored by 288 images.

    Truths and seeds both scatter by one image. The best is named as often as is said, and rightly
    nearly always where it is said to be sure. A candidate's own deviation tells it worse.
    """
    monkeypatch.setattr(finalists, "_DRAWS", 500)
    rng, n = np.random.default_rng(0), 288
    said, right, gained = [], [], []
    for _ in range(2000):
        truth = 275 + rng.normal(0, 1, 3)
        scores = np.round(truth[:, None] + rng.normal(0, 1, (3, 2))) / n
        chances = [
            one or 0.0
            for one in probabilities_of_being_best(
                scores.tolist(), higher_is_better=True, least_spread=1 / n
            )
        ]
        best = int(truth.argmax())
        said.append(max(chances))
        right.append(int(np.argmax(chances)) == best)
        gained.append(_score(chances, best) - _score(_each_by_itself(scores), best))
    assert np.mean(right) == pytest.approx(np.mean(said), abs=0.06)
    sure = np.array(said) > 0.9
    assert np.mean(np.array(right)[sure]) > 0.87
    assert np.mean(gained) > 0.05


def test_equally_good_candidates_are_seldom_said_to_differ(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Where seeds make less than an image, repeats are often equal: nobody is surely best then."""
    monkeypatch.setattr(finalists, "_DRAWS", 500)
    rng, n = np.random.default_rng(0), 288
    sure = {"pooled": 0, "each": 0}
    for _ in range(1000):
        scores = np.round(275 + rng.uniform(-0.5, 0.5) + rng.normal(0, 0.4, (2, 2))) / n
        chances = probabilities_of_being_best(
            scores.tolist(), higher_is_better=True, least_spread=1 / n
        )
        sure["pooled"] += max(one or 0.0 for one in chances) > 0.95
        sure["each"] += max(_each_by_itself(scores)) > 0.95
    assert sure["pooled"] == 0
    assert sure["each"] > 50


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
