"""Whether a search elsewhere than in this machine's processes ended as the undisturbed one."""

from collections.abc import Iterator

from tests.chaos.kill import Reference
from tests.chaos.results import results_hash, wrong_plans
from tests.chaos.searches import Search


def problems_of(search: Search, reference: Reference, status: int) -> Iterator[str]:
    """Yield what is not as it should be, given the exit status."""
    if status != 0:
        yield f"exit status {status}: {' / '.join(search.errors())}"
        return
    if wrong := wrong_plans(search.record(), search.plans):
        yield f"plan indices without exactly one ended trial: {wrong}"
    if results_hash(search) != reference.results:
        yield "other results than the undisturbed search"
    if not (search.paths.report_dir / "report.html").exists():
        yield "no report"
    if search.errors():
        yield f"said on standard error: {search.errors()[-1]}"


def n_failed(search: Search) -> int:
    """Return how many trials ended as failed, interrupted ones included."""
    return sum(trial.state == "failed" for trial in search.record().trials)
