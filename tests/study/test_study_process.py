"""Settings of processes: what a worker starts with, and what the coordinator keeps."""

import os
import signal
from concurrent.futures import ProcessPoolExecutor

import pytest

from search.study.process import openmp_settings, quiet_resource_tracker, start_server


def _settings() -> dict[str, str | None]:
    return {name: os.environ.get(name) for name in openmp_settings(1)}


def test_starting_the_server_leaves_this_process_as_it_was() -> None:
    """Neither its environment nor its answer to Ctrl-C is changed."""
    before, handler = dict(os.environ), signal.getsignal(signal.SIGINT)
    start_server(1)
    assert dict(os.environ) == before
    assert signal.getsignal(signal.SIGINT) is handler


def test_forked_processes_have_torch_and_the_settings() -> None:
    """OpenMP's settings reach a worker, where torch is there before anything was asked of it."""
    with ProcessPoolExecutor(1, mp_context=start_server(1)) as pool:
        assert pool.submit(_settings).result(60) == openmp_settings(1)
        assert "torch" in pool.submit(_modules).result(60)


def _modules() -> set[str]:
    import sys  # noqa: PLC0415  # in the forked process

    return set(sys.modules)


def test_resource_trackers_are_quieted_beside_other_rules(monkeypatch: pytest.MonkeyPatch) -> None:
    """Warnings that the user has turned off or on stay as they are."""
    monkeypatch.setenv("PYTHONWARNINGS", "error::FutureWarning")
    quiet_resource_tracker()
    first, *rules = os.environ["PYTHONWARNINGS"].split(",")
    assert first == "error::FutureWarning"
    assert {rule.rpartition(".")[2] for rule in rules} == {"resource_tracker"}
