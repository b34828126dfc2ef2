"""The documentation is true: its code runs, its commands exist, its links lead somewhere."""

import ast
import importlib.util
import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from pydantic import TypeAdapter

import search
from cifar_models import FAMILIES
from search.cli import training
from search.cli.cluster_options import CLUSTER
from search.cli.setting_options import setting_help
from search.command_lines import option_names
from search.executors import choose_executor
from search.executors.cluster.certificates import make_certificates
from search.recipe import Recipe
from search.tuning.run_events import EVENTS
from spaces import Candidate
from spaces.augmentation import AUGMENTATIONS
from spaces.losses import LOSSES
from spaces.optimizers import OPTIMIZERS
from spaces.schedules import SCHEDULES
from tests.conftest import Command, FolderMaker

_ROOT = Path(__file__).parents[2]
_PAGES = sorted([_ROOT / "README.md", *(_ROOT / "docs").rglob("*.md")])
_TUTORIAL = _ROOT / "docs" / "tutorial.ipynb"
# Their authors test these in full, with data of their own.
_TESTED_ELSEWHERE = ("augmentation.md", "own-network.md", "pretrained.md")
_MOST_WORDS = 700

_CLUSTER = _ROOT / "docs" / "how-to" / "cluster.md"

Run = Callable[..., search.Study]


def name_of(page: Path) -> str:
    return str(page.relative_to(_ROOT))


def blocks(page: Path, language: str) -> list[str]:
    """Return the fenced blocks of a language, and for bash the indented ones, too."""
    text = page.read_text(encoding="utf-8")
    found = re.findall(rf"```{language}[^\n]*\n(.*?)```", text, re.DOTALL)
    return [str(one) for one in found]


def command_lines() -> Iterator[Any]:
    """Yield every command line of this program that a page shows."""
    for page in _PAGES:
        text = page.read_text(encoding="utf-8")
        for line in dict.fromkeys(
            re.findall(r"(?m)^ *(?:\$ )?(?:python -m search|cifar-search(?= --)) (.+)$", text)
        ):
            yield pytest.param(line.partition(" # ")[0].strip(), id=f"{name_of(page)}: {line}")


# Commands


@pytest.mark.slow
@pytest.mark.parametrize("line", list(command_lines()))
def test_commands_are_understood(
    line: str,
    command: Command,
    monkeypatch: pytest.MonkeyPatch,
    make_folder: FolderMaker,
    tmp_path: Path,
) -> None:
    """Their options exist and their settings are valid; only what is named is missing."""
    started: list[Recipe] = []
    words = shlex.split(line.replace("[SPACE]", "cnn"))

    def start(recipe: Path | None, settings: dict[str, Any], *_: object, **__: object) -> None:
        if recipe is not None:
            assert "/" not in str(recipe) or (_ROOT / recipe).is_file(), recipe
            settings |= {"space": settings["space"] or "cnn"}
        choose_executor(**{name: settings.pop(name) for name in CLUSTER})
        started.append(Recipe.from_sources(None, settings))

    monkeypatch.setattr(training, "_run", start)
    for name in ("serve", "serve_scheduler"):
        monkeypatch.setattr(f"search.executors.cluster.serving.{name}", lambda *_: None)
    if words[0] != "certificates" and "tls/" in line:
        make_certificates(tmp_path / "tls", days=1)
    for name, block in zip(("slurm", "ssh"), blocks(_CLUSTER, "toml"), strict=True):
        (tmp_path / f"{name}.toml").write_text(block, encoding="utf-8")
    make_folder(tmp_path / "path" / "to" / "images", {"cat": 12, "dog": 12})
    for name in ("photo.jpg", "photos/a.jpg"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        Image.new("RGB", (8, 8)).save(tmp_path / name)
    ended = command(*words, cwd=tmp_path)
    if words[0] in ("run", "baseline"):
        assert (ended.status, ended.err, len(started)) == (0, "", 1), ended.err
    elif ended.status:  # there are no studies, models, spaces or internet here
        allowed = (
            "storage|holds no studies|does not exist|is not a model folder|Cannot find|shell|resume"
        )
        assert re.search(allowed, ended.err + ended.out, re.IGNORECASE), ended.err
        assert "no such option" not in ended.err.lower()


def test_a_wrong_command_would_be_found(command: Command, tmp_path: Path) -> None:
    """Unknown options are another error than what is missing."""
    ended = command("show", "STUDY", "--trail", "3", cwd=tmp_path)
    assert "no such option" in ended.error().lower()


# Code


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, make_folder: FolderMaker) -> Path:
    """A folder with what the pages name; searches there are short and in this process."""
    monkeypatch.chdir(tmp_path)
    make_folder(Path("path/to/images"), {"cat": 20, "dog": 20})
    Image.new("RGB", (8, 8), "red").save("photo.jpg")
    whole = search.run

    def short(space: Any, data: Any, **settings: Any) -> search.Study:
        few = {"trials": 2, "epochs": 1, "executor": "inline", "max_parameters": 4_000_000}
        return whole(space, data, **{**settings, **few, "progress": False})

    monkeypatch.setattr(search, "run", short, raising=False)
    return tmp_path


@pytest.mark.slow
@pytest.mark.parametrize(
    "page",
    [
        pytest.param(page, id=name_of(page))
        for page in _PAGES
        if page.name not in _TESTED_ELSEWHERE and blocks(page, "python")
    ],
)
def test_code_runs(page: Path, small: Path) -> None:
    """Every block of Python, in order, in one session."""
    session: dict[str, Any] = {"__name__": "__page__"}
    for i, block in enumerate(blocks(page, "python")):
        file = small / f"block-{i}.py"
        file.write_text(block, encoding="utf-8")
        exec(compile(block, str(file), "exec"), session)  # noqa: S102


@pytest.mark.slow
def test_the_tutorial_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From top to bottom, as a reader does; every cell that should show something does."""
    nbformat, nbclient = map(pytest.importorskip, ("nbformat", "nbclient"))
    monkeypatch.setenv("PYTHONPATH", str(_ROOT))
    notebook = nbformat.read(_TUTORIAL, as_version=4)
    kernel = {"metadata": {"path": str(tmp_path)}}
    nbclient.NotebookClient(
        notebook, timeout=600, kernel_name="python3", resources=kernel
    ).execute()
    shown = [cell.outputs[-1] for cell in notebook.cells if cell.get("outputs")]
    kinds = {kind for one in shown for kind in one.get("data", {})}
    assert {"text/html", "image/png"} <= kinds
    text = json.dumps(notebook)
    assert "<progress" in text
    assert "TestResult: accuracy" in text
    assert not any(one.output_type in ("stream", "error") for one in shown)


def test_the_tutorial_is_stored_without_outputs() -> None:
    """They are made when it is run; runs do not belong into the repository."""
    content = json.loads(_TUTORIAL.read_text(encoding="utf-8"))
    code = [cell for cell in content["cells"] if cell["cell_type"] == "code"]
    assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in code)
    for cell in code:
        ast.parse("".join(cell["source"]))


# Pages


def test_the_readme_is_short_and_names_the_test_command() -> None:
    text = (_ROOT / "README.md").read_text(encoding="utf-8")
    assert len(text.split()) <= _MOST_WORDS
    assert "    pip install -e '.[test]' && pytest\n" in text


@pytest.mark.parametrize("page", _PAGES, ids=name_of)
def test_links_lead_somewhere(page: Path) -> None:
    """Every relative link and picture is a file."""
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", text):
        if "://" not in target:
            assert (page.parent / target).exists(), target


def test_every_page_is_in_the_navigation() -> None:
    """A page that nothing leads to is not read."""
    listed = (_ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    for page in (_ROOT / "docs").rglob("*.md"):
        assert str(page.relative_to(_ROOT / "docs")) in listed


@pytest.mark.slow
def test_the_site_can_be_built(tmp_path: Path) -> None:
    """Strictly: a broken link, an unknown name or a page without a place is an error."""
    pytest.importorskip("mkdocs")
    settings = {"DOCS_EXECUTE": "false", "NO_MKDOCS_2_WARNING": "1", "PYTHONPATH": str(_ROOT)}
    built = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(tmp_path / "site")],
        cwd=_ROOT,
        env=os.environ | settings,
        capture_output=True,
        text=True,
        check=False,
    )
    assert built.returncode == 0, built.stderr
    for page in ("index.html", "reference/api/index.html", "tutorial/index.html"):
        assert (tmp_path / "site" / page).is_file()
    api = (tmp_path / "site" / "reference" / "api" / "index.html").read_text(encoding="utf-8")
    assert "Whether trials that failed for good are tried again" in api  # of search.run

    assert "predict_proba" in api  # which a model inherits


def test_pictures_are_light() -> None:
    """Git keeps each version of them forever."""
    sizes = {path: path.stat().st_size for path in (_ROOT / "docs" / "pictures").glob("*.png")}
    assert len(sizes) >= 3
    assert max(sizes.values()) < 150_000


# The generated reference


@pytest.fixture(scope="module")
def generated() -> Callable[[str], str]:
    """Return what makes a page's text whole, as the site's hook does."""
    spec = importlib.util.spec_from_file_location("docs_generate", _ROOT / "docs" / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)

    def page(name: str) -> str:
        text = (_ROOT / "docs" / "reference" / f"{name}.md").read_text(encoding="utf-8")
        whole: str = module.on_page_markdown(text)
        assert "<!-- generated" not in whole
        return whole

    return page


def test_the_reference_lists_every_setting(generated: Callable[[str], str]) -> None:
    """With its options, its description and its default."""
    page = generated("settings")
    for name, field in Recipe.model_fields.items():
        meaning, default = setting_help(field)
        for option in option_names(name):
            assert f"`{option}`" in page
        for words in (meaning, default):
            assert " ".join(words.split()).replace("|", "\\|").replace("<", "&lt;") in page


def test_the_reference_lists_every_command(
    generated: Callable[[str], str], command: Command
) -> None:
    """Those that the help names."""
    page = generated("command-line")
    for name in re.findall(r"(?m)^│ (\w+) ", command("--help").out):
        assert f"## {name}\n" in page
    assert "`--trial`" in page
    assert page.count("\n## ") + page.startswith("## ") == page.count("```bash"), "examples of each"


def test_the_reference_lists_what_candidates_are_made_of(generated: Callable[[str], str]) -> None:
    """Every setting of every network, optimizer, schedule, loss and augmentation."""
    page = generated("candidates")
    for kind in (*FAMILIES, *OPTIMIZERS, *SCHEDULES, *LOSSES, *AUGMENTATIONS):
        part = page.partition(f"### {kind.__name__}\n")[2].partition("\n### ")[0]
        names = {*TypeAdapter(kind).json_schema()["properties"]} - {"name", "kind"}
        assert all(f"| `{name}` |" in part for name in names), kind
    assert all(f"| `{name}` |" in page for name in Candidate.model_fields)


def test_the_reference_lists_every_event(generated: Callable[[str], str]) -> None:
    page = generated("events")
    assert all(f"## {event.kind}\n" in page for event in EVENTS)


def test_the_reference_lists_the_report(generated: Callable[[str], str]) -> None:
    """Every key of the file and of its parts."""
    page = generated("report-json")
    schema = json.loads((_ROOT / "search/report/report.schema.json").read_text(encoding="utf-8"))
    assert all(f"`{key}`" in page for key in schema["properties"])


def test_the_reference_names_what_the_api_exports() -> None:
    """Functions and objects that people use have an entry; each entry exists."""
    text = (_ROOT / "docs/reference/api.md").read_text(encoding="utf-8")
    entries = re.findall(r"(?m)^### search\.(\w+)$", text)
    assert {"run", "load_study", "Study", "Trial", "KFold", "ImageClassifier"} <= {*entries}
    for name, path in zip(entries, re.findall(r"(?m)^::: (\S+)$", text), strict=True):
        module, _, attribute = path.rpartition(".")
        found = getattr(importlib.import_module(module), attribute)
        assert found is getattr(search, name) or isinstance(found, partial)
