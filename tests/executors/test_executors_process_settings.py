"""Settings of processes: what a worker starts with, and what the coordinator keeps."""

import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest

from search.executors.process_settings import (
    openmp_settings,
    quiet_resource_tracker,
    start_server,
    worker_settings,
)


def test_starting_the_server_leaves_this_process_as_it_was() -> None:
    """Neither its environment nor its answer to Ctrl-C is changed."""
    before, handler = dict(os.environ), signal.getsignal(signal.SIGINT)
    start_server(1)
    assert dict(os.environ) == before
    assert signal.getsignal(signal.SIGINT) is handler


@pytest.mark.slow
def test_forked_processes_have_torch_and_the_settings() -> None:
    """OpenMP's settings reach a worker, where torch is there before anything was asked of it."""
    with ProcessPoolExecutor(1, mp_context=start_server(1)) as pool:
        for name, value in openmp_settings(1).items():
            assert pool.submit(os.getenv, name).result(60) == value
        assert pool.submit(eval, "'torch' in __import__('sys').modules").result(60)


_STARTER = """
import os, signal
from multiprocessing import forkserver
from search.executors.process_settings import start_server
start_server(1)
print(forkserver._forkserver._forkserver_pid, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="other systems wait for the imports' end")
def test_the_server_does_not_outlive_who_started_it() -> None:
    """Killed while the server still imports, its owner leaves nothing that signals cannot end."""
    told = subprocess.run([sys.executable, "-c", _STARTER], stdout=subprocess.PIPE, check=False)
    stat = Path(f"/proc/{int(told.stdout)}/stat")
    deadline = time.monotonic() + 60
    while stat.exists() and ") Z " not in stat.read_text() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert time.monotonic() < deadline


def test_resource_trackers_are_quieted_beside_other_rules(monkeypatch: pytest.MonkeyPatch) -> None:
    """Warnings that the user has turned off or on stay as they are."""
    monkeypatch.setenv("PYTHONWARNINGS", "error::FutureWarning")
    quiet_resource_tracker()
    first, *rules = os.environ["PYTHONWARNINGS"].split(",")
    assert first == "error::FutureWarning"
    assert {rule.rpartition(".")[2] for rule in rules} == {"resource_tracker"}


def test_workers_are_not_restarted_for_their_size() -> None:
    """Loky reads its limit from the environment; no training reaches this one."""
    code = "from loky import process_executor as p; print(p._MAX_MEMORY_LEAK_SIZE)"
    told = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | worker_settings(1),
        capture_output=True,
        text=True,
        check=True,
    )
    assert int(told.stdout) >= 1 << 40
