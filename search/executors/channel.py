"""The two ends of the talk between a running trial and the coordinator, through its folder."""

import json
import time
from typing import final

from pydantic import TypeAdapter

from search.paths import TrialPaths
from search.training.history import FoldEpoch

_EPOCH = TypeAdapter(tuple[FoldEpoch, ...])
_POLL_SECONDS = 0.005


@final
class WorkerEnd:
    """Reports epochs and asks whether to stop."""

    def __init__(self, paths: TrialPaths) -> None:
        self._paths = paths
        self._sent = 0
        paths.trial_dir.mkdir(parents=True, exist_ok=True)

    def send(self, figures: tuple[FoldEpoch, ...]) -> None:
        """Append one epoch's figures."""
        with self._paths.epochs.open("ab") as file:
            file.write(_EPOCH.dump_json(figures) + b"\n")
        self._sent += 1

    def told_to_stop(self, *, patience: float) -> bool:
        """Return the coordinator's answer, waiting for at most `patience` seconds.

        Without an answer the trial goes on: what it trains in vain is dropped later.
        """
        deadline = time.monotonic() + patience
        while True:
            answer = _read_answer(self._paths)
            if answer is not None and (answer["stop"] or answer["epoch"] >= self._sent):
                return bool(answer["stop"])
            if time.monotonic() >= deadline:
                return False
            time.sleep(_POLL_SECONDS)


@final
class CoordinatorEnd:
    """Reads what a trial reports and answers it."""

    def __init__(self, paths: TrialPaths) -> None:
        self._paths = paths
        self._offset = 0
        self._answered: tuple[int, bool] = (0, False)
        paths.trial_dir.mkdir(parents=True, exist_ok=True)

    def receive(self) -> list[tuple[FoldEpoch, ...]]:
        """Return the epochs reported since the last call."""
        if not self._paths.epochs.exists() or self._paths.epochs.stat().st_size <= self._offset:
            return []
        with self._paths.epochs.open("rb") as file:
            file.seek(self._offset)
            whole = file.read().rpartition(b"\n")[0]
        if not whole:
            return []
        self._offset += len(whole) + 1
        return [_EPOCH.validate_json(line) for line in whole.split(b"\n")]

    def answer(self, epoch: int, *, stop: bool) -> None:
        """Say that everything up to `epoch` was seen, and whether the trial should stop."""
        if (epoch, stop) == self._answered:
            return
        temporary = self._paths.answer.with_suffix(".tmp")
        temporary.write_text(json.dumps({"epoch": epoch, "stop": stop}), encoding="utf-8")
        temporary.replace(self._paths.answer)
        self._answered = (epoch, stop)


def _read_answer(paths: TrialPaths) -> dict[str, int] | None:
    if not paths.answer.exists():
        return None
    answer: dict[str, int] = json.loads(paths.answer.read_text(encoding="utf-8"))
    return answer
