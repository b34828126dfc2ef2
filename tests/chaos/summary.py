"""What the scenarios found, in words. Pure."""

from collections.abc import Sequence

from tests.chaos.bits import BitsReport
from tests.chaos.cluster import ClusterReport
from tests.chaos.disk import DiskReport
from tests.chaos.kill import MOST_IN_VAIN, Survival
from tests.chaos.slurm import SlurmReport


def describe_survival(one: Survival) -> str:
    """Return one killed search as a line."""
    ordeal = one.ordeal
    return (
        f"killed {ordeal.workers_killed} workers, {ordeal.coordinators_killed} coordinators; "
        f"trials failed {one.failed}, interrupted {one.interrupted}; epochs {one.trained}, "
        f"again {one.again}, cut off at most {ordeal.cut_short}: in vain at most "
        f"{one.in_vain():.1%}; longest {ordeal.orphan} {ordeal.orphan_seconds:.1f} s; "
        f"{_verdict(one.problems)}"
    )


def describe_all(survivals: Sequence[Survival]) -> str:
    """Return all killed searches together as a line."""
    ordeals = [one.ordeal for one in survivals]
    n_workers = sum(ordeal.workers_killed for ordeal in ordeals)
    n_coordinators = sum(ordeal.coordinators_killed for ordeal in ordeals)
    sound = sum(not one.problems for one in survivals)
    return (
        f"{len(survivals)} searches, {n_workers} workers and {n_coordinators} coordinators killed: "
        f"{sound} ended as the undisturbed one, epochs in vain at most {in_vain(survivals):.1%}"
    )


def in_vain(survivals: Sequence[Survival]) -> float:
    """Return the share of all epochs that were trained again or cut off, at most."""
    cut_short = sum(one.ordeal.cut_short for one in survivals)
    trained = sum(one.trained for one in survivals) + cut_short
    return (sum(one.again for one in survivals) + cut_short) / max(trained, 1)


def all_survived(survivals: Sequence[Survival]) -> bool:
    """Return whether all is as it should be."""
    return not any(one.problems for one in survivals) and in_vain(survivals) <= MOST_IN_VAIN


def describe_disk(report: DiskReport) -> str:
    """Return a search on a disk that filled up as a few lines."""
    lines = [
        f"disk full after {report.filled_after} epochs: {' / '.join(report.ending.errors)}",
        f"started without room: {' / '.join(report.ending_without_room.errors)}",
        f"with room again: {_verdict(report.problems)}",
    ]
    return "\n".join(lines)


def describe_cluster(report: ClusterReport) -> str:
    """Return a search on a cluster as a line."""
    if report.left_out is not None:
        return f"{report.scenario} is left out: {report.left_out}"
    return (
        f"{report.scenario}: {report.seconds:.0f} s; trials failed or interrupted {report.failed}; "
        f"{_verdict(report.problems)}"
    )


def describe_slurm(report: SlurmReport) -> str:
    """Return a search on SLURM as a line."""
    return (
        f"{report.jobs} jobs of SLURM, {report.cancelled} cancelled, the others ended before their "
        f"walltime; trials failed {report.failed}; {_verdict(report.problems)}"
    )


def describe_bits(report: BitsReport) -> str:
    """Return what became of damaged checkpoints as a line."""
    return (
        f"{report.flips} flipped bits: torch alone loads {report.silent} silently, caught "
        f"{report.caught}; {report.truncations} truncations: caught {report.truncations_caught}; "
        f"fell back to the checkpoint before {report.fallen_back} times"
    )


def _verdict(problems: Sequence[str]) -> str:
    return "; ".join(problems) if problems else "the same results"
