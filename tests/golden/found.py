"""Everything that is compared: the golden studies run once, and what was found in each."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self, final

from tests.golden import facts, files, told
from tests.golden.canon import digest
from tests.golden.program import Batch, Ended, lay_out, resume, run_killed, study_commands
from tests.golden.studies import FIRST, SECOND, STEADY, TWIN, GoldenStudy

Digests = dict[str, str]


@final
@dataclass(frozen=True)
class FoundStudy:
    """One study: digests of what no machine changes and of the results, and a line a trial."""

    fixed: Digests
    results: Digests
    run: Digests
    names: dict[str, Any]
    summary: list[str]

    @classmethod
    def read(cls, runs_dir: Path, study: GoldenStudy, ended: Ended | None) -> Self:
        """Return what lies in the storage and in the study's folder.

        `run` is what depends on how the study was run besides: in one go or not, by how many.
        """
        database, folder = runs_dir / "studies.db", runs_dir / study.name
        stored = facts.load_study(database, study.name)
        points, arrays = facts.point_parts(stored), files.array_parts(folder)
        fixed = facts.setting_parts(stored) | {"folds": arrays.pop("folds.npz")}
        results = facts.result_parts(stored) | arrays
        events: told.Events = [] if ended is None else ended.events()
        run = files.report_parts(folder) | {
            "model.json": files.model_part(folder),
            "order of trials": facts.order_part(stored),
            "openings": facts.openings(stored),
            "order of events": told.event_order(events),
            "events": told.told_figures(events),
        }
        return cls(
            fixed=_digests(fixed if study.learns else fixed | points),
            results=_digests(results | points if study.learns else results),
            run=_digests(run),
            names=_names(database, study, events),
            summary=facts.summary(stored),
        )


@final
@dataclass(frozen=True)
class Found:
    """What all golden studies came to.

    `names` are those that other programs read: attributes, events, files, keys of the report.
    `twin` is a study of `studies` made again by two workers, `resumed` one that was killed.
    """

    studies: dict[str, FoundStudy]
    names: dict[str, Any]
    twin: FoundStudy
    resumed: FoundStudy
    statuses: dict[str, int]


_MISTAKES = {
    "unknown space": ["run", "--space", "nothing"],
    "two outputs": ["run", "--space", "mlp", "--quiet", "--json"],
    "unknown study": ["show", "nothing"],
    "other settings": ["run", *FIRST[-1].arguments("--seed", "9")[1:]],
    "broken image": ["predict", "steady", "space.py", "images/test"],
    "list": ["list", "--json"],
    "show": ["show", "steady", "--json"],
    "show trial": ["show", "steady", "--trial", "1"],
    "predict": ["predict", "steady", "images/test", "--json"],
    "replay": ["replay", "tpe"],
    "compare": ["report", "tpe", "kfold"],
}


def find_all(folder: Path) -> Found:
    """Run everything below the folder; two processes share the work."""
    for name in ("first", "second", "killed"):
        lay_out(folder / name)
    first = Batch(folder / "first", study_commands(FIRST) | _MISTAKES)
    second = Batch(folder / "second", study_commands((*SECOND, TWIN)))
    in_second = second.wait()
    killed = folder / "killed"
    interrupted = {
        "killed": run_killed(killed, STEADY),
        "resumed": resume(killed, STEADY),
    }
    in_first = first.wait()
    statuses = {name: one.status for name, one in (in_first | in_second).items()}
    studies = _read(folder / "first", FIRST, in_first) | _read(folder / "second", SECOND, in_second)
    return Found(
        studies=studies,
        names=_all_names(folder, studies, in_first),
        twin=FoundStudy.read(folder / "second" / "runs", TWIN, None),
        resumed=FoundStudy.read(killed / "runs", STEADY, None),
        statuses=statuses | interrupted,
    )


def _read(
    folder: Path, studies: Iterable[GoldenStudy], ended: dict[str, Ended]
) -> dict[str, FoundStudy]:
    for study in studies:
        assert ended[study.name].status == 0, ended[study.name]
    return {one.name: FoundStudy.read(folder / "runs", one, ended[one.name]) for one in studies}


def _digests(parts: dict[str, Any]) -> Digests:
    return {name: digest(value) for name, value in parts.items()}


def _names(database: Path, study: GoldenStudy, events: told.Events) -> dict[str, Any]:
    folder = database.parent / study.name
    return facts.attribute_names(database, study.name) | {
        "files": files.file_names(folder),
        "report sections": files.report_sections(folder),
        "report keys": files.report_keys(folder),
        "event fields": told.event_fields(events),
    }


def _all_names(
    folder: Path, studies: dict[str, FoundStudy], ended: dict[str, Ended]
) -> dict[str, Any]:
    """Return the names of all studies together: of one alone they depend on what it came to."""
    every = [one.names for one in studies.values()]
    together = {
        name: sorted({entry for names in every for entry in names[name]})
        for name in every[0]
        if name != "event fields"
    }
    fields: dict[str, list[str]] = {}
    for names in every:
        fields |= names["event fields"]
    printed = {name: json.loads(ended[name].out) for name in ("list", "show", "predict")}
    shown = {name: _first_keys(value) for name, value in printed.items()}
    return together | {"event fields": fields, "runs": _entries(folder / "first")} | shown


def _first_keys(value: Any) -> list[str]:
    first = value[0] if isinstance(value, list) else value
    return list(first)


def _entries(folder: Path) -> list[str]:
    names = (path.name for path in (folder / "runs").iterdir())
    return sorted(name for name in names if not name.endswith(("-shm", "-wal")))
