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
    reports = [one for kind in ("passed", "failed") for one in terminalreporter.getreports(kind)]
    counts = [
        int(str(value))
        for one in reports
        for name, value in getattr(one, "user_properties", ())
        if name == _NAME
    ]
    if counts:
        failed = len(terminalreporter.getreports("failed"))
        words = f"{sum(counts):,} fuzzed inputs in {len(counts)} properties, {failed} failed"
        terminalreporter.write_line(words)
