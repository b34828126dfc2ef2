"""The finding of nested cross-validation: mean, interval, and who won."""

from dataclasses import replace

import numpy as np
import pytest

from search.report.evidence import Evidence
from search.report.findings.nested import LostRepetitions, Nested


def test_its_interval_is_wider_than_that_of_independent_scores(kfold_evidence: Evidence) -> None:
    """Nadeau and Bengio's factor: for 5 repetitions sqrt(1/5 + 1/4) instead of sqrt(1/5)."""
    test = kfold_evidence.record.test
    assert test is not None
    scores = [0.70, 0.72, 0.74, 0.76, 0.78]
    nested = tuple(
        replace(kfold_evidence.record, name=f"n{i}", test=replace(test, accuracy=value))
        for i, value in enumerate(scores)
    )
    found = Nested.of(replace(kfold_evidence, nested=nested))
    assert found is not None
    assert found.mean == pytest.approx(0.74)
    reach = 2.776 * np.std(scores, ddof=1) * np.sqrt(1 / 5 + 1 / 4)
    assert found.interval == pytest.approx((0.74 - reach, 0.74 + reach), abs=1e-4)
    assert found.n_winners == 1
    assert "chose the same candidate" in " ".join(found.sentences())
    assert Nested.of(replace(kfold_evidence, nested=nested[:1])) is None


def test_equal_scores_do_not_make_it_certain(kfold_evidence: Evidence) -> None:
    """Where no repetition differs, the images' own luck is left: Wilson's interval for all."""
    record, test = kfold_evidence.record, kfold_evidence.record.test
    assert test is not None
    equal = replace(
        record, test=replace(test, accuracy=0.75), dataset=replace(record.dataset, n_test=20)
    )
    nested = tuple(replace(equal, name=f"n{i}") for i in range(2))
    found = Nested.of(replace(kfold_evidence, nested=nested))
    assert found is not None
    assert found.std == 0
    assert found.interval == pytest.approx((0.5981, 0.8581), abs=1e-4)  # of 30 of 40


def test_a_lost_repetition_is_told(kfold_evidence: Evidence) -> None:
    """The result is not shown then; it does not go without a word."""
    record = replace(kfold_evidence.record, nested=("n0", "n1"))
    lost = LostRepetitions.of(replace(kfold_evidence, record=record))
    assert lost is not None
    (words,) = lost.sentences()
    assert all(part in words for part in ("n0", "n1", f"nested {record.name}"))
    whole = tuple(replace(record, name=name, nested=()) for name in record.nested)
    assert LostRepetitions.of(replace(kfold_evidence, record=record, nested=whole)) is None
    assert LostRepetitions.of(kfold_evidence) is None
