"""Command lines: whatever words, the program ends with 0, 1 or 2, and a refusal is one line."""

import io
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import pytest
from hypothesis import strategies as st

from search.cli.app import build_app
from search.cli.terminal import run_to_end
from tests.fuzz.fuzzing import fuzz

HEAVY = (
    "search.executors.process_settings.start_server",
    "search.executors.process_settings.wait_passively",
    "search.executors.process_settings.quiet_resource_tracker",
    "search.dashboard.serving.bind",
    "search.dashboard.serving.serve",
)
COMMANDS = [
    "run", "baseline", "spaces", "list", "show", "report", "dashboard", "predict", "analyze",
    "replay", "delete", "ablate",
]  # fmt: skip
OPTIONS = [
    "--space", "--sampler", "--pruner", "--trials", "--epochs", "--timeout", "--trial-timeout",
    "--validation", "--holdout-fraction", "--folds", "--racing", "--metric", "--seed",
    "--no-baseline", "--max-parameters", "--dataset", "--data-dir", "--image-size",
    "--test-fraction", "--study-name", "--storage", "--runs-dir", "--checkpoint-every",
    "--workers", "--threads", "--device", "--precision", "--accept-changes", "--repeats",
    "--output", "--sampled-alone", "--orders", "--yes", "--json", "--host", "--port",
    "--read-only", "--insecure-public", "--help", "--", "-", "-x", "--bogus", "--space=cnn",
    "--storage=nonsense://me:pw@host/x",
]  # fmt: skip
VALUES = [
    "cnn", "mlp", "random", "grid", "baseline", "kfold", "none", "accuracy", "cpu", "bf16", "auto",
    "digits", "0", "1", "-1", "3", "0.2", "nan", "inf", "1e999", "9" * 5000, "90s", "soon", "",
    "mine", "..", "../x", "a b", "x" * 300, "é", "\udcff", "[red]x[/red]", "broken.toml",
    "sqlite:///none.db", "sqlite://", "sqlite:///runs", "{}", "%s",
    "file.txt", "folder", "space.py:SPACE", "folder.py:X", "127.0.0.1", "192.0.2.1", "8080",
    "99999", "recipe.toml",
]  # fmt: skip
FILES = {
    "recipe.toml": "space = 'cnn'\ntrials = 1\n",
    "broken.toml": "space = \n",
    "file.txt": "no image",
    "space.py": "1 / 0\n",
}

words = st.one_of(
    st.sampled_from(OPTIONS),
    st.sampled_from(OPTIONS),
    st.sampled_from(VALUES),
    st.text(st.characters(exclude_characters="/\0", exclude_categories=()), max_size=6),
)
lines = st.tuples(st.sampled_from([*COMMANDS, "run", "bogus", ""]), st.lists(words, max_size=6))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Run in a folder with a few files, where nothing that trains is reached."""
    folder = tmp_path_factory.mktemp("commands")
    (folder / "folder").mkdir()
    for name, text in FILES.items():
        (folder / name).write_text(text)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for name in HEAVY:
            patch.setattr(name, lambda *_, **__: None)
        patch.setattr("search.views.running.run_and_describe", lambda *_, **__: [])
        patch.setattr("search.views.tables.analyze_and_describe", lambda *_, **__: [])
        yield folder


def found_in(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}


@pytest.mark.slow
@fuzz(400, line=lines)
def test_a_command_line_is_done_or_refused_in_one_line(
    line: tuple[str, list[str]], folder: Path
) -> None:
    """No words end in a traceback, and what is refused has written nothing."""
    before = found_in(folder)
    with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
        status, failure = run_to_end(build_app(), [line[0], *line[1]])
    assert status in (0, 1, 2)
    if status == 0:
        assert failure is None
        return
    assert failure
    assert "\n" not in failure
    assert "me:pw@" not in failure
    assert found_in(folder) == before


settings = st.lists(
    st.sampled_from(
        [("--trials", "2"), ("--epochs", "0"), ("--seed", "-1"), ("--folds", "3"),
         ("--device", "x"), ("--validation", "kfold"), ("--sampler", "tpe"), ("--racing",),
         ("--timeout", "1h"), ("--study-name", "a/b"), ("--dataset", "digits"),
         ("--runs-dir", "file.txt")]
    ),
    max_size=5,
)  # fmt: skip


@pytest.mark.slow
@fuzz(100, flags=settings)
def test_a_run_of_almost_right_settings_is_accepted_or_refused(
    flags: list[tuple[str, ...]], folder: Path
) -> None:
    """Settings that do not go together are named before anything is written."""
    before = found_in(folder)
    arguments = ["run", "--space", "cnn", *(word for flag in flags for word in flag)]
    status, failure = run_to_end(build_app(), arguments)
    assert (status, failure is None) in ((0, True), (2, False))
    assert found_in(folder) == before


@pytest.mark.slow
def test_the_words_above_are_those_of_the_program() -> None:
    """An option that is renamed is renamed here too."""
    out = io.StringIO()
    with redirect_stdout(out), pytest.MonkeyPatch.context() as patch:
        patch.setenv("COLUMNS", "400")
        for command in COMMANDS:
            run_to_end(build_app(), [command, "--help"])
    known = set(out.getvalue().replace(",", " ").replace("/", " ").split())
    real = {one for one in OPTIONS if one.startswith("--") and len(one) > 2 and "=" not in one}
    assert real - known == {"--bogus"}
