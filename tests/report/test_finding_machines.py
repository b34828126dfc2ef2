"""The machines that trials ran on."""

from dataclasses import replace
from datetime import UTC, datetime

from search.report.evidence import Evidence
from search.report.findings.machines import Machines
from search.report.findings.trials import trial_facts


def test_a_study_of_one_machine_has_none(kfold_evidence: Evidence) -> None:
    """As where it ran is its hardware."""
    assert Machines.of(kfold_evidence) is None


def test_each_machine_has_its_trials(kfold_evidence: Evidence) -> None:
    """A trial that moved counts for both; the time is that of whole trials."""
    record = kfold_evidence.record
    hosts = {0: ("b",), 1: ("a", "b")}
    trials = tuple(replace(one, hosts=hosts.get(one.number, ())) for one in record.trials)
    found = Machines.of(replace(kfold_evidence, record=replace(record, trials=trials)))
    assert found is not None
    seconds = [one.seconds for one in trials]
    assert [(one.host, one.trials, one.seconds) for one in found.machines] == [
        ("a", (1,), seconds[1]),
        ("b", (0, 1), seconds[0] + seconds[1]),
    ]
    moved = replace(trials[1], started=datetime(2026, 1, 2, tzinfo=UTC))
    assert dict(trial_facts(moved, record.metric))["ran"] == "2026-01-02 00:00:00 on a and b"
