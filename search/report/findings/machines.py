"""On which machines of a cluster did the trials run?"""

from collections.abc import Iterator
from typing import Self, final

from search.report.blocks import Block, Table
from search.report.evidence import Evidence
from search.report.finding import REPRODUCE, Finding, Number, ReportPart, Text
from search.text import count, duration


@final
class MachinePart(ReportPart):
    """One machine; a trial that moved counts for each that it ran on."""

    host: Text
    """The machine's name."""
    trials: tuple[int, ...]
    """Numbers of the trials that ran on it, whatever became of them."""
    seconds: Number
    """Seconds that these trials trained, here or elsewhere."""


@final
class Machines(Finding):
    """The machines of a cluster that trials ran on; null if they ran on the coordinator's."""

    key = "machines"
    section = REPRODUCE
    listed = "machines"
    narrow = True

    machines: tuple[MachinePart, ...]
    """Each machine, by name."""

    @classmethod
    def of(cls, evidence: Evidence) -> Self | None:
        trials = [trial for trial in evidence.record.trials if trial.hosts]
        if not trials:
            return None
        parts = []
        for host in sorted({host for trial in trials for host in trial.hosts}):
            here = [trial for trial in trials if host in trial.hosts]
            numbers = tuple(trial.number for trial in here)
            parts.append(
                MachinePart(host=host, trials=numbers, seconds=sum(one.seconds for one in here))
            )
        return cls(machines=tuple(parts))

    def blocks(self) -> Iterator[Block]:
        rows = tuple(
            (one.host, count(len(one.trials)), duration(one.seconds)) for one in self.machines
        )
        header = ("Machine", "Trials", "Training time")
        yield Table("Machines of the cluster", header, rows, "lrr")
