"""Studies that version 0.1 wrote: packed into `written_by_0_1`, and unpacked to be gone on with."""

import json
import lzma
import platform
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from shutil import copyfile, copytree, ignore_patterns, rmtree
from typing import Any, final

from tests.golden import facts
from tests.golden.images import draw_images
from tests.golden.program import Batch, run_killed
from tests.golden.studies import GoldenStudy

OLD = Path(__file__).with_name("written_by_0_1")
_PLACE = "@FOLDER@"
_SPACE = "own_space.py"
_SETTINGS = "--dataset images --workers 1 --threads 1 --device cpu --precision fp32"
_LEFT_OUT = ("report", "work", "lock", "lock.json", "*.previous", "*.tmp")
_PACKED, _PACK_FROM = ".xz", 4096  # bytes
_TEXT = ".txt"  # of code that the program wrote, which no linter of ours reads

OWN = GoldenStudy("own", f"run --space {_SPACE}:TINY --epochs 3 {_SETTINGS}")
BUILT_IN = GoldenStudy(
    "built-in",
    f"run --space mlp --no-baseline --pruner none --max-parameters 5000 --epochs 2 {_SETTINGS}",
)
# Killed in its first trial: it left a running trial, waiting ones and a checkpoint.
KILLED = GoldenStudy(
    "killed", f"run --space {_SPACE}:TINY --pruner none --trials 2 --epochs 80 {_SETTINGS}"
)
N_TRIALS = 3  # of the first two when they were written; gone on with, they have one more


def lay_out(folder: Path) -> None:
    """Make a folder with the user's images and space, and nothing of a study yet."""
    folder.mkdir(parents=True)
    draw_images(folder / "images", n_train=12, n_test=4, side=2)
    copyfile(OLD / _SPACE, folder / _SPACE)


def write_old_studies(scratch: Path) -> None:
    """Write `written_by_0_1` anew with the program as it is."""
    folder, longer = scratch / "studies", scratch / "longer"
    for one in (folder, longer):
        lay_out(one)
    commands = {one.name: one.arguments("--quiet", "--trials", "3") for one in (OWN, BUILT_IN)}
    commands |= {
        "script": ["export", "own", "--python", "--output", "train.py"],
        "recipe": ["export", "own", "--recipe", "--output", "again.toml"],
        "predict": ["predict", "own", "images/test", "--json"],
    }
    more = {one.name: one.arguments("--quiet", "--trials", "4") for one in (OWN, BUILT_IN)}
    done, gone_on = Batch(folder, commands).wait(), Batch(longer, more).wait()
    assert all(one.status == 0 for one in (*done.values(), *gone_on.values())), (done, gone_on)
    run_killed(folder, KILLED)
    _pack(
        folder,
        scratch / "kept",
        {"predict": json.loads(done["predict"].out), "points": _points(longer)},
    )


def _points(folder: Path) -> dict[str, Any]:
    """Return the parameters of the trial that each study is to be gone on with."""
    database = folder / "runs" / "studies.db"
    trials = {one.name: facts.load_study(database, one.name).trials for one in (OWN, BUILT_IN)}
    return {name: known[N_TRIALS].params for name, known in trials.items()}


def _pack(folder: Path, scratch: Path, expected: dict[str, Any]) -> None:
    for name in ("runs", "exported"):
        rmtree(OLD / name, ignore_errors=True)
    with closing(sqlite3.connect(folder / "runs" / "studies.db")) as connection:
        dump = "\n".join(connection.iterdump()).replace(str(folder), _PLACE)
    _keep("studies.sql", dump.encode())
    for study in (OWN, BUILT_IN, KILLED):
        copytree(
            folder / "runs" / study.name, scratch / study.name, ignore=ignore_patterns(*_LEFT_OUT)
        )
        for file in _files(scratch / study.name):
            _keep(f"runs/{study.name}/{file}", (scratch / study.name / file).read_bytes())
    for name in ("train.py", "again.toml", "again-space.py"):
        text = (folder / name).read_text(encoding="utf-8").replace(str(folder), _PLACE)
        _keep(f"exported/{name}{_TEXT}", text.encode())
    (OLD / "expected.json").write_text(json.dumps(expected, indent=1) + "\n", encoding="utf-8")


def _keep(name: str, content: bytes) -> None:
    """Write a file of `written_by_0_1`, a larger one compressed."""
    packed = len(content) >= _PACK_FROM
    target = OLD / f"{name}{_PACKED if packed else ''}"
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(lzma.compress(content, preset=9) if packed else content)


def _kept(name: str) -> Iterator[tuple[str, bytes]]:
    """Yield the files of a folder of `written_by_0_1` by their paths in it."""
    for file in _files(OLD / name):
        content = (OLD / name / file).read_bytes()
        packed = file.endswith(_PACKED)
        yield file.removesuffix(_PACKED), lzma.decompress(content) if packed else content


def _files(folder: Path) -> list[str]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return sorted(path.relative_to(folder).as_posix() for path in files)


@final
class OldFolder:
    """The folder of a user of version 0.1, unpacked, as if made with today's libraries."""

    def __init__(self, folder: Path) -> None:
        self.path = folder
        self.database = folder / "runs" / "studies.db"
        lay_out(folder)
        for name, content in _kept("runs"):
            (folder / "runs" / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / "runs" / name).write_bytes(content)
        for name, content in _kept("exported"):
            code = content.replace(_PLACE.encode(), str(folder).encode())
            (folder / name.removesuffix(_TEXT)).write_bytes(code)
        dump = lzma.decompress((OLD / "studies.sql.xz").read_bytes()).decode()
        with closing(sqlite3.connect(self.database)) as connection:
            connection.executescript(dump.replace(_PLACE, str(folder)))
            _renew_versions(connection)
            connection.commit()

    def results(self, study: GoldenStudy) -> dict[str, Any]:
        """Return what is stored of a study's trials."""
        stored = facts.load_study(self.database, study.name)
        return facts.point_parts(stored) | facts.trial_parts(stored)


def expected() -> dict[str, Any]:
    """Return what was known when the studies were written."""
    known: dict[str, Any] = json.loads((OLD / "expected.json").read_text(encoding="utf-8"))
    return known


def _renew_versions(connection: sqlite3.Connection) -> None:
    """Store the versions of now, so that nothing but the space could have changed."""
    query = "SELECT study_user_attribute_id, value_json FROM study_user_attributes WHERE key = ?"
    for row, text in connection.execute(query, ("versions",)).fetchall():
        now = {name: _version(name, then) for name, then in json.loads(text).items()}
        change = "UPDATE study_user_attributes SET value_json = ? WHERE study_user_attribute_id = ?"
        connection.execute(change, (json.dumps(now), row))


def _version(name: str, then: str) -> str:
    if name == "python":
        return platform.python_version()
    try:
        return version(name)
    except PackageNotFoundError:
        return then
