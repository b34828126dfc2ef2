"""Read back what trackers wrote, with the real packages: one `Run` for each run, by its name."""

import json
import struct
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from search.tracking import MLflow, TensorBoard, Tracker, WandB


@dataclass
class Run:
    """A run as stored; of a figure without epochs, `curves` has the one at 0."""

    params: dict[str, Any] = field(default_factory=dict)
    curves: dict[str, dict[int, float]] = field(default_factory=lambda: defaultdict(dict))
    state: str | None = None
    files: set[str] = field(default_factory=set)

    def figure(self, name: str) -> float:
        """Return the last value of a figure."""
        return self.curves[name][max(self.curves[name])]


class Reader(Protocol):
    """Makes trackers that write into a folder, and reads what they wrote."""

    def make(self) -> Tracker: ...

    def runs(self) -> dict[str, Run]: ...


class TensorBoardFiles:
    """A folder of event files."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / "events"

    def make(self) -> Tracker:
        return TensorBoard(self._folder)

    def runs(self) -> dict[str, Run]:
        from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

        found = {}
        for folder in sorted(path for path in self._folder.iterdir() if path.is_dir()):
            events, run = EventAccumulator(str(folder)).Reload(), Run()
            for name in events.Tags()["scalars"]:
                run.curves[name] = {one.step: one.value for one in events.Scalars(name)}
            content = events.summary_metadata
            if "_hparams_/session_start_info" in content:
                run.params, run.state = self._hparams(content)
            run.files = {name for name in events.Tags()["tensors"] if name.startswith("report")}
            number = folder.name.removeprefix("trial-")
            found["study" if folder.name == "study" else f"trial {int(number)}"] = run
        return found

    def _hparams(self, content: Any) -> tuple[dict[str, Any], str]:
        from tensorboard.plugins.hparams import plugin_data_pb2

        data = plugin_data_pb2.HParamsPluginData.FromString(
            content["_hparams_/session_start_info"].plugin_data.content
        )
        values = {
            name: value.string_value or value.number_value
            for name, value in data.session_start_info.hparams.items()
        }
        return values, values.pop("state")


class MLflowDatabase:
    """An SQLite database."""

    def __init__(self, folder: Path) -> None:
        self._uri = f"sqlite:///{folder / 'mlflow.db'}"

    def make(self) -> Tracker:
        return MLflow(self._uri)

    def runs(self) -> dict[str, Run]:
        from mlflow import MlflowClient

        client = MlflowClient(tracking_uri=self._uri)
        experiment = client.get_experiment_by_name("cifar-search")
        stored = client.search_runs([experiment.experiment_id])
        (study,) = [one for one in stored if "mlflow.parentRunId" not in one.data.tags]
        found = {}
        for one in stored:
            run = Run(dict(one.data.params), state=one.data.tags.get("state"))
            for name in one.data.metrics:
                history = client.get_metric_history(one.info.run_id, name)
                run.curves[name] = {each.step: each.value for each in history}
            run.files = {file.path for file in client.list_artifacts(one.info.run_id)}
            assert one.info.status != "RUNNING"
            if one is not study:
                assert one.data.tags["mlflow.parentRunId"] == study.info.run_id
            found["study" if one is study else one.info.run_name] = run
        return found


class WandBFiles:
    """The folders of offline runs."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def make(self) -> Tracker:
        return WandB(folder=self._folder, mode="offline")

    def runs(self) -> dict[str, Run]:
        found: dict[str, Run] = defaultdict(Run)
        for file in sorted(self._folder.glob("wandb/offline-run-*/run-*.wandb")):
            records = _all_records(file)
            first = next(one.run for one in records if one.WhichOneof("record_type") == "run")
            is_study = first.job_type == "study"
            run = found["study" if is_study else first.display_name.partition(" ")[2]]
            for one in records:
                self._take(run, one)
        return found

    def _take(self, run: Run, record: Any) -> None:
        match record.WhichOneof("record_type"):
            case "config":
                values = self._values(record.config.update)
                run.params |= {name: value for name, value in values.items() if name != "_wandb"}
            case "summary":
                values = self._values(record.summary.update)
                run.state = values.pop("state", run.state)
                for name, value in values.items():
                    if name not in run.curves or 0 in run.curves[name]:
                        run.curves[name][0] = value
            case "history":
                values = self._values(record.history.item)
                for name, value in values.items():
                    if not name.startswith("_") and name != "epoch":
                        run.curves[name].pop(0, None)  # W&B copies the last one there
                        run.curves[name][int(values["epoch"])] = value
            case "artifact":
                run.files.add(record.artifact.type)
            case _:
                pass

    @staticmethod
    def _values(items: Any) -> dict[str, Any]:
        return {one.key or ".".join(one.nested_key): json.loads(one.value_json) for one in items}


def _all_records(path: Path) -> list[Any]:
    """Return the records of a run that was finished, which W&B's own process still writes."""
    end = time.monotonic() + 30
    while time.monotonic() < end:
        records = list(_records(path))
        if any(one.WhichOneof("record_type") == "exit" for one in records):
            return records
        time.sleep(0.05)
    raise TimeoutError(f"{path} has no end")


_BLOCK, _HEAD = 1 << 15, 7


def _records(path: Path) -> Iterator[Any]:
    """Yield the records of a file of W&B: LevelDB's log format, after a header of 7 bytes."""
    from wandb.proto.wandb_internal_pb2 import Record

    content, place, parts = path.read_bytes(), _HEAD, b""
    while place + _HEAD <= len(content):
        left = _BLOCK - place % _BLOCK
        if left < _HEAD:
            place += left
            continue
        _, size, kind = struct.unpack_from("<IHB", content, place)
        parts += content[place + _HEAD : place + _HEAD + size]
        place += _HEAD + size
        if kind in (1, 4):  # whole, or the last part
            yield Record.FromString(parts)
            parts = b""


READERS: Mapping[type[Tracker], Callable[[Path], Reader]] = {
    TensorBoard: TensorBoardFiles,
    MLflow: MLflowDatabase,
    WandB: WandBFiles,
}
