"""Which GPU a worker gets, and that a run keeps to hardware of one kind."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from search.executors.cluster import devices
from search.executors.cluster.agent import Greeting, own_versions
from search.executors.cluster.devices import Gpu, gpu_settings, hardware_kind, visible_gpus
from search.executors.cluster.session import Session
from tests.executors.conftest import LocalCluster

_DRIVER = """#!/bin/sh
[ "$1" = "--query-gpu=index,uuid,name" ] || exit 1
echo "0, GPU-aaa, Tesla A"
echo "1, GPU-bbb, Tesla A"
echo "2, GPU-ccc, Tesla B"
"""
_GPUS = [
    Gpu("0", "GPU-aaa", "Tesla A"),
    Gpu("1", "GPU-bbb", "Tesla A"),
    Gpu("2", "GPU-ccc", "Tesla B"),
]


@pytest.fixture
def driver(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put a driver's program on the path, and hide what this machine has."""
    program = tmp_path / "nvidia-smi"
    program.write_text(_DRIVER, encoding="utf-8")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    return program


def test_each_worker_gets_a_gpu_of_its_own(driver: Path) -> None:
    """By its UUID, whatever order CUDA counts in; more workers share them."""
    assert visible_gpus() == _GPUS
    given = [gpu_settings(number)["CUDA_VISIBLE_DEVICES"] for number in range(4)]
    assert given == ["GPU-aaa", "GPU-bbb", "GPU-ccc", "GPU-aaa"]


@pytest.mark.parametrize(
    ("visible", "numbers"), [("2,0", [2, 0]), ("GPU-bbb", [1]), ("", []), ("7", [])]
)
def test_only_visible_gpus_are_used(
    visible: str, numbers: list[int], driver: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a queueing system grants them to a job, in that order."""
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    assert visible_gpus() == [_GPUS[number] for number in numbers]


def test_without_a_driver_there_is_no_gpu(driver: Path) -> None:
    """Nor with one that finds no device."""
    driver.write_text("#!/bin/sh\nexit 9\n", encoding="utf-8")
    assert gpu_settings(0) == {}
    driver.unlink()
    assert gpu_settings(0) == {}


def test_the_kind_of_hardware_is_processor_and_gpus(
    driver: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each model once."""
    monkeypatch.setattr(devices, "processor_name", lambda: "EPYC")
    assert hardware_kind() == "EPYC, Tesla A, Tesla B"
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1")
    assert hardware_kind() == "EPYC, Tesla A"


@pytest.fixture
def mixed(
    cluster: LocalCluster, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., Session]]:
    """Return what connects with a cluster whose workers say that they are of several kinds."""
    kinds = dict[str, str]()

    def greet(self: Session, address: str, *_: object) -> Any:
        kind = kinds.setdefault(address, f"kind {len(kinds)}")
        return Greeting(Path(), Path(), own_versions(), f"host-{kind[-1]}", 7, kind)

    monkeypatch.setattr(Session, "call", greet)
    opened: list[Session] = []

    def connect(**settings: Any) -> Session:
        opened.append(Session(replace(cluster.settings, **settings), threads=1))
        return opened[-1]

    yield connect
    for session in opened:
        session.close()


@pytest.mark.slow
def test_a_run_keeps_to_one_kind(mixed: Callable[..., Session]) -> None:
    """The first worker's; others are refused, with both named."""
    session = mixed(worker_timeout=0.2)
    first = session.acquire(lambda: None)
    assert first.greeting.host == "host-0"
    stopped = iter([None, None, None, None])

    def check() -> None:
        if next(stopped, "stop") == "stop":
            raise InterruptedError

    with pytest.raises(InterruptedError):
        session.acquire(check)
    (news,) = session.take_news()
    assert "has kind 1, others of this run kind 0" in news
    assert "accept_mixed_hardware" in news
    assert session.n_workers() == 1


@pytest.mark.slow
def test_several_kinds_can_be_accepted(mixed: Callable[..., Session]) -> None:
    """Trials then say on what they ran."""
    session = mixed(accept_mixed_hardware=True)
    hosts = {session.acquire(lambda: None).greeting.host for _ in range(2)}
    assert hosts == {"host-0 (kind 0)", "host-1 (kind 1)"}
    assert session.take_news() == []
