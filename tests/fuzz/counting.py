"""Counts the inputs that were tried, and says at the end how many."""

from collections.abc import Generator

import pytest

_NAME = "fuzzed inputs"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    fuzzed = getattr(getattr(item, "obj", None), "hypothesis", None)
    if fuzzed is not None and call.when == "call":
        report.user_properties.append((_NAME, vars(fuzzed.inner_test).get("tried", 0)))
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    tried, failed = _tried(terminalreporter, "passed"), _tried(terminalreporter, "failed")
    if tried or failed:
        n_properties = len(tried) + len(failed)
        words = f"{sum(tried + failed):,} fuzzed inputs in {n_properties} properties"
        terminalreporter.write_line(f"{words}, {len(failed)} failed")


def _tried(terminalreporter: pytest.TerminalReporter, outcome: str) -> list[int]:
    """Return how many inputs each property with this outcome was tried on."""
    return [
        int(str(value))
        for report in terminalreporter.getreports(outcome)
        for name, value in getattr(report, "user_properties", ())
        if name == _NAME
    ]
