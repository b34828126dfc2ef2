"""The ensemble's finding: how it compares with the winner alone, and what it says of that."""

from dataclasses import replace

import pytest

from search.report.blocks import Table, flattened
from search.report.evidence import Evidence
from search.report.findings import summaries
from search.report.findings.ensemble import EnsembleResult
from search.report.paired import compare_counts
from search.tuning.after_search import EnsembleRecord, RepeatResult


def _with_ensemble(
    evidence: Evidence, *, gained: int, lost: int, left_out: tuple[int, ...] = ()
) -> Evidence:
    """Return it with an ensemble of two networks, which rights and spoils so many images."""
    record = evidence.record
    record = replace(
        record, recipe=record.recipe.model_copy(update={"ensemble": 2 + len(left_out)})
    )
    winner, other = record.ensemble_members()[:2]
    test = record.test
    assert test is not None
    right = round(test.accuracy * test.n_images)
    together = replace(test, accuracy=(right + gained - lost) / test.n_images)
    members = tuple(
        RepeatResult(one.number, test.accuracy, test.interval, test.loss) for one in (winner, other)
    )
    found = EnsembleRecord(
        trials=(winner.number, other.number),
        left_out=left_out,
        test=together,
        members=members,
        both=right - lost,
        only_ensemble=gained,
        only_winner=lost,
        agreeing=test.n_images // 2,
    )
    return replace(evidence, record=replace(record, ensemble=found))


@pytest.mark.parametrize(
    ("gained", "lost", "words"),
    [(30, 2, "more than the winner alone ("), (2, 30, "less than the winner alone (")],
)
def test_a_clear_difference_is_told(
    gained: int, lost: int, words: str, kfold_evidence: Evidence
) -> None:
    """With its interval, which is that of paired proportions."""
    evidence = _with_ensemble(kfold_evidence, gained=gained, lost=lost)
    found = EnsembleResult.of(evidence)
    assert found is not None
    test = evidence.record.test
    assert test is not None
    assert found.gain == pytest.approx((gained - lost) / test.n_images)
    right = round(test.accuracy * test.n_images)
    expected = compare_counts(right - lost, gained, lost, test.n_images)
    assert found.gain_interval == expected.interval
    assert found.agreement == pytest.approx(0.5, abs=0.01)
    assert words in found.sentences()[0]
    assert found.summary()[0] in summaries(evidence.record)


@pytest.mark.parametrize(
    ("gained", "lost", "words"),
    [
        (3, 2, "which may be chance"),
        (5, 0, "which may be chance"),  # the interval leaves zero out, but McNemar's p is 0.06
        (2, 2, "as many as the winner alone"),
    ],
)
def test_chance_is_called_so(gained: int, lost: int, words: str, kfold_evidence: Evidence) -> None:
    """A difference whose interval includes zero is no claim."""
    found = EnsembleResult.of(_with_ensemble(kfold_evidence, gained=gained, lost=lost))
    assert found is not None
    assert words in found.sentences()[0]


def test_its_table_has_each_network_and_all_together(kfold_evidence: Evidence) -> None:
    """The winner's first."""
    found = EnsembleResult.of(_with_ensemble(kfold_evidence, gained=5, lost=0))
    assert found is not None
    (table,) = (block for block in flattened(found.blocks()) if isinstance(block, Table))
    names = [f"trial {one}" for one in found.trials]
    assert [row[0] for row in table.rows] == [*names, "together"]
    sizes = {one.number: one.n_parameters for one in kfold_evidence.record.trials}
    assert found.n_parameters == sum(sizes[one] or 0 for one in found.trials)


def test_there_is_none_without_one(kfold_evidence: Evidence) -> None:
    """Neither before it is tested, nor once other trials are the best."""
    assert EnsembleResult.of(kfold_evidence) is None
    evidence = _with_ensemble(kfold_evidence, gained=5, lost=0)
    record = evidence.record
    assert record.ensemble is not None
    others = replace(record.ensemble, trials=(98, 99))
    stale = replace(evidence, record=replace(record, ensemble=others))
    assert stale.record.lacks_ensemble()
    assert EnsembleResult.of(stale) is None


def test_networks_that_are_missing_are_named(kfold_evidence: Evidence) -> None:
    """One of three diverged when it was retrained."""
    members = [one.number for one in kfold_evidence.record.best_different(3)]
    evidence = _with_ensemble(kfold_evidence, gained=5, lost=0, left_out=tuple(members[2:]))
    found = EnsembleResult.of(evidence)
    if len(members) < 3:
        pytest.fail("the evidence needs three different candidates")
    assert found is not None
    assert f"diverged when retrained: trial {members[2]}." in " ".join(found.sentences())
