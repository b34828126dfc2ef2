"""What a report answers: one file a question, listed here in the order of the page."""

from search.report.evidence import Evidence
from search.report.findings.base import Finding
from search.report.findings.importances import Importances
from search.report.findings.margin import Margin
from search.report.findings.weakest_classes import WeakestClasses

FINDINGS: tuple[type[Finding], ...] = (
    Margin,
    Importances,
    WeakestClasses,
)


def find_all(evidence: Evidence) -> tuple[Finding, ...]:
    """Answer every question that applies, in the order of the page.

    Raises MachineError where parts of the evidence do not belong together.
    """
    found = (evidence.once(one.of) for one in FINDINGS)
    return tuple(one for one in found if one is not None)
