"""Mistakes on the command line: one line on stderr, exit status 2, nothing half-made."""

import hashlib
import json
import re
from pathlib import Path

import pytest

from search.errors import MachineError, UserError
from tests.conftest import Command, FolderMaker


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory, make_folder: FolderMaker) -> Path:
    """Return a folder of image folders: good, small, and with one truncated image."""
    root = tmp_path_factory.mktemp("folders")
    make_folder(root / "good", {"cat": 10, "dog": 10})
    make_folder(root / "small", {"cat": 20, "dog": 4})
    make_folder(root / "one", {"cat": 4})
    broken = make_folder(root / "broken", {"cat": 6, "dog": 6}) / "train" / "dog" / "3.png"
    broken.write_bytes(broken.read_bytes()[:-60])
    return root


def files_under(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


RUN = ("run", "--space", "cnn", "--trials", "1", "--epochs", "1", "--workers", "1")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "space is missing: give --space"),
        (
            ("--space", "cmn"),
            "space must be mlp, cnn, resnet, .*got 'cmn'",
        ),
        (("--space", "no.py:S"), "space 'no.py:S': file 'no.py' does not exist"),
        (
            ("--space", "cnn", "--sampler", "rndom"),
            "sampler: .*'baseline' or FILE.py:FUNCTION, got 'rndom'",
        ),
        (("--space", "cnn", "--pruner", "x"), "pruner: .*'halving'.*got 'x'"),
        (
            ("--space", "cnn", "--dataset", "none"),
            "dataset: 'none' is neither auto, .*dig",
        ),
        (("--space", "cnn", "--epochs", "0"), "epochs: .*greater than or equal to 1, got 0"),
        (("--space", "cnn", "--trials", "0"), "trials: .*greater than or equal to 1, got 0"),
        (("--space", "cnn", "--folds", "1"), "folds: .*greater than or equal to 2, got 1"),
        (("--space", "cnn", "--timeout", "soon"), "timeout: must be a duration such as.*'soon'"),
        (("--space", "cnn", "--seed", "-1"), "seed: .*got -1"),
        (("--space", "cnn", "--study-name", "a/b"), "study_name: must be 1 to 64 .*got 'a/b'"),
        (("--space", "cnn", "--device", "gpu"), "device: must be auto, cpu, cuda or cuda:N"),
        (("--trials", "x"), "'--trials'.*integer"),
        (("--space",), "'--space' requires an argument"),
        (("--bogus", "1"), "No such option: --bogus"),
        (("missing.toml",), "recipe missing.toml does not exist"),
        (("a.toml", "b.toml"), "unexpected extra argument"),
    ],
)
def test_a_bad_setting_of_run_is_named_before_anything_is_written(
    command: Command, tmp_path: Path, arguments: tuple[str, ...], words: str
) -> None:
    """The line names the setting, its value and what is accepted; the folder stays empty."""
    result = command("run", *arguments, cwd=tmp_path)
    assert re.search(words, result.error()), result.err
    assert result.out == ""
    assert files_under(tmp_path) == []


def test_an_unknown_key_of_a_recipe_file_is_named(command: Command, tmp_path: Path) -> None:
    """A misspelt setting is an error with the nearest known one."""
    (tmp_path / "r.toml").write_text('space = "cnn"\ntrails = 3\n')
    error = command("run", "r.toml", cwd=tmp_path).error()
    assert error == "trails is not a setting of a recipe: did you mean trials?"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("bogus",), "No such command 'bogus'"),
        (("list",), "runs_dir: 'runs' holds no studies yet"),
        (("show", "mine"), "runs_dir: 'runs' holds no studies yet"),
        (("report", "mine"), "runs_dir: 'runs' holds no studies yet"),
        (("dashboard",), "runs_dir: 'runs' holds no studies yet"),
        (("list", "--storage", "sqlite:///typo.db"), "storage: 'sqlite:///typo.db' holds no stu"),
        (("show",), "Missing argument"),
        (("spaces", "nope"), "space must be mlp, cnn, resnet, pretrained or FILE.py:NAME"),
        (("predict", "nomodel", "x.png"), "model: 'nomodel' is not a model folder"),
        (("predict", "nomodel"), "Missing argument"),
        (("dashboard", "--port", "0"), "'--port'"),
    ],
)
def test_a_mistake_in_any_other_command_is_named(
    command: Command, tmp_path: Path, arguments: tuple[str, ...], words: str
) -> None:
    """Reading commands make no file, least of all an empty database."""
    result = command(*arguments, cwd=tmp_path)
    assert re.search(words, result.error()), result.err
    assert (result.out, files_under(tmp_path)) == ("", [])


@pytest.mark.slow
def test_a_missing_gpu_is_said(
    command: Command, tmp_path: Path, folders: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """--device cuda on a machine without one names what to use instead; no study is begun."""
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    result = command(*RUN, "--dataset", folders / "good", "--device", "cuda", cwd=tmp_path)
    assert "device: 'cuda' is not available on this machine; use cpu" in result.error()
    assert not (tmp_path / "runs").exists()


@pytest.mark.slow
def test_more_folds_than_the_smallest_class_has_images(
    command: Command, tmp_path: Path, folders: Path
) -> None:
    """The line names the limit, and no study is left behind."""
    arguments = ("--dataset", folders / "small", "--validation", "kfold", "--folds", "5")
    assert re.search(
        "folds must be at most 3, .*smallest class.*got 5",
        command(*RUN, *arguments, cwd=tmp_path).error(),
    )
    listed = command("list", cwd=tmp_path)
    assert (listed.status == 2) or "no studies yet" in listed.out
    assert "folds.npz" not in files_under(tmp_path / "runs")


@pytest.mark.slow
def test_a_truncated_image_is_named_and_no_cache_is_kept(
    command: Command, tmp_path: Path, folders: Path
) -> None:
    """A broken image is named, not swallowed, and nothing half-decoded stays."""
    result = command(*RUN, "--dataset", folders / "broken", cwd=tmp_path)
    assert re.search(
        r"1 of 12 images cannot be decoded: 'train/dog/3\.png' \(it is cut off\)", result.error()
    )
    assert not [name for name in files_under(tmp_path) if name.endswith((".npy", ".json", ".db"))]


@pytest.mark.slow
def test_one_class_is_not_enough(command: Command, tmp_path: Path, folders: Path) -> None:
    """The least that can be classified is two classes."""
    error = command(*RUN, "--dataset", folders / "one", cwd=tmp_path).error()
    assert re.search("must hold at least 2 class folders, got only 'cat'", error)


@pytest.mark.slow
def test_a_corrupt_cifar_batch_is_named_and_not_unpickled(command: Command, tmp_path: Path) -> None:
    """Its md5 is checked before anything is unpickled."""
    torchvision = pytest.importorskip("torchvision.datasets")
    batches = tmp_path / "data" / torchvision.CIFAR10.base_folder
    batches.mkdir(parents=True)
    lists = torchvision.CIFAR10.train_list + torchvision.CIFAR10.test_list
    for name in [*(name for name, _ in lists), torchvision.CIFAR10.meta["filename"]]:
        (batches / name).write_bytes(b"cos\nsystem\n(S'touch unpickled'\ntR.")
    error = command(*RUN, "--dataset", "cifar10", cwd=tmp_path).error()
    assert re.search(r"dataset cifar10: .*data_batch_1 is corrupt", error)
    assert "unpickled" not in files_under(tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("nonsense://me:s3cret@host/name", "cannot be opened"),
        ("s3cret", "not a database URL such as sqlite:///"),
        ("postgresql+nodriver://me:s3cret@host/name", "cannot be opened"),
    ],
)
def test_a_bad_storage_is_named_without_its_password(
    command: Command, tmp_path: Path, folders: Path, url: str, words: str
) -> None:
    """Whatever is wrong with the URL, no password reaches the screen."""
    for arguments in ((*RUN, "--dataset", folders / "good"), ("list",), ("show", "x")):
        result = command(*arguments, "--storage", url, cwd=tmp_path)
        assert re.search(f"storage: .*{words}", result.error()), result.err
        assert "s3cret" not in result.out + result.err


def test_a_file_that_is_no_database_is_named(command: Command, tmp_path: Path) -> None:
    """A studies.db that something else wrote is not overwritten."""
    database = tmp_path / "runs" / "studies.db"
    database.parent.mkdir()
    database.write_text("something else entirely\n" * 100)
    before = hashlib.sha256(database.read_bytes()).digest()
    error = command("list", cwd=tmp_path).error()
    assert re.search(r"studies\.db' cannot be opened: .*not a database", error)
    assert hashlib.sha256(database.read_bytes()).digest() == before


def test_runs_dir_must_be_a_folder(command: Command, tmp_path: Path, folders: Path) -> None:
    """A file of that name is left alone."""
    (tmp_path / "runs").write_text("mine")
    error = command(*RUN, "--dataset", folders / "good", cwd=tmp_path).error()
    assert error == "runs_dir must be a folder, got the file 'runs'"
    assert (tmp_path / "runs").read_text() == "mine"


def test_the_dashboard_listens_on_loopback_only(command: Command, tmp_path: Path) -> None:
    """It has no password, so another address is refused before anything is said or started."""
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs" / "studies.db").touch()
    result = command("dashboard", "--host", "0.0.0.0", cwd=tmp_path)  # noqa: S104
    assert re.search("host: '0.0.0.0' would open the studies .*use 127.0.0.1", result.error())
    assert result.out == ""


@pytest.mark.parametrize(
    ("failure", "status", "words"),
    [
        (UserError("bad\n  value"), 2, "error: bad value"),
        (MachineError("disk full"), 1, "error: disk full"),
        (
            OSError(28, "No space left on device", "f.db"),
            1,
            "error: .*No space.*'f.db'; everything stored",
        ),
        (KeyboardInterrupt(), 130, "^interrupted; to resume: python -m search list"),
    ],
)
def test_every_failure_ends_in_one_line_and_its_status(
    command: Command,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    failure: BaseException,
    status: int,
    words: str,
) -> None:
    """User mistakes exit with 2, failures of the machine with 1, Ctrl-C with 130."""

    def fail(*_: object) -> None:
        raise failure

    monkeypatch.setattr("search.catalog.listing.listed_studies", fail)
    result = command("list", cwd=tmp_path)
    assert (result.status, result.out, result.err.count("\n")) == (status, "", 1)
    assert re.search(words, result.err)


def test_markup_in_a_name_is_printed_as_it_is(command: Command, tmp_path: Path) -> None:
    """Square brackets and colons in what the user typed are no formatting."""
    error = command("run", "--space", "[red]x[/red]:smile:", cwd=tmp_path).error()
    assert "got '[red]x[/red]:smile:'" in error


@pytest.mark.slow
def test_without_cifar10_the_digits_are_announced(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """--dataset auto without network says loudly which dataset it takes instead."""

    def fail(*_: object) -> None:
        raise MachineError("no network")

    def stop(*_: object, **__: object) -> None:
        raise UserError("stopped by the test")

    monkeypatch.setattr("search.data.cifar10.Cifar10Source.obtain", fail)
    monkeypatch.setattr("search.pipeline.open_study", stop)
    result = command(*RUN, cwd=tmp_path)
    assert result.error() == "stopped by the test"
    (notice,) = [line for line in result.out.splitlines() if "DIGITS" in line]
    assert "CIFAR-10" in notice
    info = json.loads(next((tmp_path / "data" / "cache").glob("*/dataset.json")).read_text())
    assert info["name"] == "digits"


@pytest.mark.parametrize(
    ("arguments", "both"),
    [
        (("--csv", "--json"), ("--csv", "--json")),
        (("--sort", "score", "--trial", "0"), ("--sort", "--trial")),
        (("--filter", "score>0", "--all"), ("--filter", "--all")),
    ],
)
def test_what_show_cannot_show_at_once_is_named(
    command: Command, tmp_path: Path, arguments: tuple[str, ...], both: tuple[str, str]
) -> None:
    """One line, before any database is opened."""
    result = command("show", "any", *arguments, cwd=tmp_path)
    assert result.status == 2
    assert all(option in result.error() for option in both)
