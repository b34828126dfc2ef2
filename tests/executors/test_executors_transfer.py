"""Files on their way to a worker's machine and back."""

import asyncio
import errno
import inspect
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import torch

from cifar_models.pretrained import PretrainedConfig
from cifar_models.weights import PretrainedWeights
from search.data.dataset import DatasetInfo
from search.errors import MachineError
from search.executors.cluster import transfer
from search.executors.cluster.transfer import (
    FileState,
    fetch_file,
    read_part,
    send_file,
    send_text,
    states_there,
    sum_there,
    write_part,
)
from search.executors.probes import WarmUp
from search.files import sha256_of
from search.training.settings import TrainingSettings
from spaces.cnn import CNN_SPACE
from spaces.inputs import input_paths


@dataclass(frozen=True)
class Here:
    """Runs what would run on a worker in this process, or something else instead."""

    address: str = "tcp://there:1"
    instead: dict[Any, Callable[..., Any]] = field(default_factory=dict)
    called: list[str] = field(default_factory=list)

    def call(self, function: Callable[..., Any], *arguments: object) -> Any:
        self.called.append(function.__name__)
        result = self.instead.get(function, function)(*arguments)
        return asyncio.run(result) if inspect.iscoroutine(result) else result


@pytest.fixture(autouse=True)
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transfer, "PART_BYTES", 10)


@pytest.mark.slow
@pytest.mark.parametrize("size", [0, 1, 9, 10, 11, 20, 35])
def test_files_arrive_whole(size: int, tmp_path: Path) -> None:
    """In as many parts as they need, there and back."""
    source, there, back = tmp_path / "a.npy", tmp_path / "there" / "a.npy", tmp_path / "b" / "a.npy"
    source.write_bytes(os.urandom(size))
    send_file(Here(), source, there, "token")
    assert there.read_bytes() == source.read_bytes()
    assert fetch_file(Here(), there, back)
    assert back.read_bytes() == source.read_bytes()
    assert list(there.parent.iterdir()) == [there]


def test_what_is_there_is_not_sent_again(tmp_path: Path) -> None:
    """Unless its bytes have changed."""
    source, there = tmp_path / "a", tmp_path / "there" / "a"
    source.write_bytes(b"x" * 30)
    send_file(Here(), source, there, "token")
    again = Here()
    send_file(again, source, there, "token")
    assert again.called == ["sum_there"]
    there.write_bytes(b"y" * 30)
    send_file(Here(), source, there, "token")
    assert there.read_bytes() == source.read_bytes()


def test_changed_bytes_are_noticed(tmp_path: Path) -> None:
    """Nothing stays there, and the user is told in one line."""
    source, there = tmp_path / "a", tmp_path / "there" / "a"
    source.write_bytes(b"x" * 30)

    def flip(path: Path, offset: int, content: bytes) -> None:
        write_part(path, offset, b"y" * len(content))

    with pytest.raises(MachineError, match=r"the bytes of a differ.*run it again"):
        send_file(Here(instead={write_part: flip}), source, there, "token")
    assert not list(there.parent.iterdir())


def test_a_full_disk_is_told(tmp_path: Path) -> None:
    """What was written is removed; the line names worker, file and reason."""
    source, there = tmp_path / "a", tmp_path / "there" / "a"
    source.write_bytes(b"x" * 30)

    def fill(path: Path, offset: int, content: bytes) -> None:
        if offset:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        write_part(path, offset, content)

    with pytest.raises(MachineError, match=r"tcp://there:1 cannot write a \(30 bytes\): No space"):
        send_file(Here(instead={write_part: fill}), source, there, "token")
    assert not list(there.parent.iterdir())


def test_a_file_that_changes_meanwhile_is_not_fetched(tmp_path: Path) -> None:
    """A checkpoint may be replaced between two parts; the one here stays as it was."""
    there, here = tmp_path / "there", tmp_path / "here"
    there.write_bytes(b"x" * 30)
    here.write_bytes(b"old")

    def replaced(path: Path, offset: int) -> Any:
        if offset == 20:
            there.write_bytes(b"y" * 31)
        return read_part(path, offset)

    assert not fetch_file(Here(instead={read_part: replaced}), there, here)
    assert here.read_bytes() == b"old"
    there.unlink()
    assert not fetch_file(Here(), there, here)


def test_states_tell_changes(tmp_path: Path) -> None:
    """Of the files that match; a missing folder has none."""
    assert states_there(tmp_path / "missing", "*") == []
    one, missing = tmp_path / "one", tmp_path / "missing"
    send_text(Here(), "text", one)
    write_part(tmp_path / "two", 0, b"other")
    (state,) = states_there(tmp_path, "on*")
    assert state == FileState("one", 4, one.stat().st_mtime_ns)
    assert asyncio.run(sum_there(one)) == sha256_of(one)
    assert asyncio.run(sum_there(missing)) is None


def test_a_job_takes_its_starting_weights_along(tmp_path: Path) -> None:
    """They are among its files; where it trains, the candidate names the file there."""
    weights, there = tmp_path / "own.pth", tmp_path / "there" / "1234.pth"
    torch.save({"a": torch.zeros(1)}, weights)
    found = PretrainedWeights.find("squeezenet1_1", str(weights))
    baseline = CNN_SPACE.baseline()
    assert found is not None
    assert baseline is not None
    model = PretrainedConfig("pretrained", found.backbone, found.name, found.file)
    stored = baseline.model_copy(update={"model": model}).model_dump_json()
    info = DatasetInfo(
        name="d",
        fingerprint="f",
        cache_dir=tmp_path,
        n_train=1,
        n_test=1,
        image_shape=(3, 8, 8),
        class_names=("a", "b"),
    )
    job = WarmUp((stored,), info, 1, 1, 0, TrainingSettings(1, "cpu", "fp32"), 1)
    assert job.files().inputs == (weights,)
    (moved,) = job.moved(lambda path: there if path == weights else path).candidates
    assert input_paths(moved) == (there,)
