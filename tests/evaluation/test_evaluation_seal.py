"""The seal of the test split: one module opens it, once, after the search."""

import ast
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

import pytest

import cifar_models
import search
import spaces
from search.data.cache import CachePaths
from search.data.dataset import DatasetInfo
from search.evaluation import test_set
from search.pipeline import run_study
from search.recipe import Recipe
from search.tuning.run_events import SearchEnded, TrialEnded

FILE_STEMS = {"test_images", "test_labels"}
# The owner of the names, the writer of the cache, and the one reader.
MAY_NAME_THE_FILES = {
    "search/data/cache.py",
    "search/evaluation/test_set.py",
    "search/data/arrays.py",  # reads users' files, in which arrays have these names
}
# What runs after the search and may use the test set.
USERS = {"search/evaluation/finishing.py", "search/reference/replication.py"}
SPACE = """
from spaces import Candidate, MLPConfig, SGDConfig, Space

def suggest(trial):
    rate = trial.suggest_float("rate", 1e-3, 1e-1, log=True)
    model = MLPConfig(hidden_widths=(4,), dropouts=(0.1,))
    return Candidate(model=model, optimizer=SGDConfig(learning_rate=rate), batch_size=8)

SPACE = Space("tiny", suggest)
"""


def source_files() -> list[tuple[str, ast.Module]]:
    """Return the program's modules as (path from the root, syntax tree)."""
    folders = [Path(package.__file__ or "").parent for package in (search, spaces, cifar_models)]
    paths = [path for folder in folders for path in sorted(folder.rglob("*.py"))]
    root = folders[0].parent
    return [(p.relative_to(root).as_posix(), ast.parse(p.read_text("utf-8"))) for p in paths]


def names_in(tree: ast.Module) -> set[str]:
    """Return every name, attribute, argument and string of a module."""
    names: set[str] = set()
    for node in ast.walk(tree):
        for value in ast.iter_fields(node):
            names |= {value[1]} if isinstance(value[1], str) else set()
    return names


def imports_in(tree: ast.Module) -> set[str]:
    """Return every module that is imported, and every module.name."""
    modules: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            modules |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            origin = "." * node.level + (node.module or "")
            modules |= {origin} | {f"{origin}.{alias.name}" for alias in node.names}
    return modules


@pytest.mark.slow
def test_only_few_modules_name_the_files() -> None:
    """Only the cache, sources with such names and test_set.py know the arrays, even as text."""
    naming = {
        path
        for path, tree in source_files()
        if any(stem in name for name in names_in(tree) for stem in FILE_STEMS)
    }
    assert naming == MAY_NAME_THE_FILES


@pytest.mark.slow
def test_only_the_end_of_the_search_imports_the_opener() -> None:
    """What evaluates a winner or a replication imports it, and nothing does so by text."""
    opener = "search.evaluation.test_set"
    importing = {path for path, tree in source_files() if opener in imports_in(tree)}
    relative = {p for p, tree in source_files() if any("test_set" in i for i in imports_in(tree))}
    calling = {path for path, tree in source_files() if "open_test_split" in names_in(tree)}
    assert importing == relative == USERS
    assert calling == {"search/evaluation/test_set.py"}
    evaluating = {path for path, tree in source_files() if "evaluate_on_test_set" in names_in(tree)}
    assert evaluating == {"search/evaluation/test_set.py", *USERS}


@dataclass
class Watch:
    """Which files the audit hook looks for; none while no test watches."""

    names: frozenset[str] = frozenset()
    log: list[object] = field(default_factory=list)
    calls: list[tuple[str, FrameType | None]] = field(default_factory=list)

    def hear(self, event: str, args: tuple[object, ...]) -> None:
        if not self.names or event != "open" or str(args[0]) not in self.names:
            return
        self.log.append("test split opened")
        self.calls.append((Path(str(args[0])).stem, caller_in(test_set.__file__)))

    @contextmanager
    def over(self, dataset: DatasetInfo) -> Iterator[None]:
        paths = CachePaths(dataset.cache_dir)
        self.names = frozenset(map(str, (paths.test_images, paths.test_labels)))
        try:
            yield
        finally:
            self.names = frozenset()


def caller_in(file: str) -> FrameType | None:
    """Return the outermost call in `file` that is under way, if there is one."""
    frame: FrameType | None = sys._getframe()
    found = None
    while frame is not None:
        found = frame if frame.f_code.co_filename == file else found
        frame = frame.f_back
    return found


@pytest.fixture(scope="module")
def watch() -> Watch:
    """Return a watch over files; its hook cannot be removed, so it rests unless it is told."""
    watching = Watch()
    sys.addaudithook(watching.hear)
    return watching


@pytest.fixture
def tiny_recipe(image_folder: Path, dataset: DatasetInfo, tmp_path: Path) -> Recipe:
    """Return two trials of two epochs on a dataset whose cache is already there."""
    (tmp_path / "tiny.py").write_text(SPACE, encoding="utf-8")
    return Recipe(
        space=f"{tmp_path / 'tiny.py'}:SPACE",
        dataset=str(image_folder),
        data_dir=tmp_path / "data",
        runs_dir=tmp_path / "runs",
        trials=2,
        epochs=2,
        workers=1,
        precision="fp32",
        validation="kfold",
        folds=2,
    )


@pytest.fixture
def without_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the report's figures, which take seconds and have tests of their own, undrawn."""
    monkeypatch.setattr("search.report.write._write_figures", lambda plots, names, folder: [])


@pytest.mark.slow
@pytest.mark.usefixtures("without_figures")
def test_a_search_opens_the_split_once_at_its_end(
    watch: Watch, tiny_recipe: Recipe, dataset: DatasetInfo
) -> None:
    """Both files are opened in one call of test_set.py, after the last trial; never again."""
    log: list[object] = []
    watch.log = log
    with watch.over(dataset):
        outcome = run_study(tiny_recipe, log.append, executor="inline")
        first = list(watch.calls)
        again = run_study(tiny_recipe, log.append, executor="inline")
    assert {stem for stem, _ in first} == FILE_STEMS
    assert len({id(frame) for _, frame in first}) == 1
    assert all(frame and frame.f_code.co_name == "evaluate_on_test_set" for _, frame in first)
    opened = log.index("test split opened")
    ended = [event.trial.state for event in log[:opened] if isinstance(event, TrialEnded)]
    assert ended == ["complete"] * 2
    assert log.index(SearchEnded()) < opened
    assert watch.calls == first
    assert len(outcome.record.openings) == len(again.record.openings) == 1
    assert outcome.record.test is not None
    assert outcome.record.test.n_images == dataset.n_test


def test_the_watch_sees_other_readers(watch: Watch, dataset: DatasetInfo) -> None:
    """The watch itself works: a reader elsewhere is seen as one."""
    watch.calls, watch.log = [], []
    with watch.over(dataset):
        CachePaths(dataset.cache_dir).test_labels.read_bytes()
    assert watch.calls == [("test_labels", None)]
