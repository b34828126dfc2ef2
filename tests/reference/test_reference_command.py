"""`analyze` from the command line to the files and the words."""

import io
import re
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import pytest
from rich.console import Console, RenderableType

from search.cli.app import main
from search.data.cifar10 import Cifar10Source
from search.reference.data_analysis import REPORTED, analysis_info
from search.views.tables import describe_table
from tests.reference.conftest import DatasetMaker


def run(folder: Path, *arguments: str) -> tuple[int, str, str]:
    """Return the exit status, the output and the errors of `analyze` in a folder."""
    out, err = io.StringIO(), io.StringIO()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
        for name in ("COLUMNS", "FORCE_COLOR", "TTY_COMPATIBLE"):
            patch.delenv(name, raising=False)
        patch.setattr("sys.argv", ["search", "analyze", *arguments])
        patch.chdir(folder)
        with pytest.raises(SystemExit) as ended:
            main()
    return int(ended.value.code or 0), out.getvalue(), err.getvalue()


def words(renderables: list[RenderableType], width: int = 200) -> str:
    """Return what a reader of `width` columns sees, on one line."""
    console = Console(file=io.StringIO(), width=width)
    with console.capture() as captured:
        console.print(*renderables)
    return " ".join(captured.get().split())


@pytest.mark.slow
def test_digits_are_analysed_into_the_default_folder(tmp_path: Path) -> None:
    """The table is printed and written, the files are named, the comparison is declined."""
    status, out, err = run(tmp_path, "--dataset", "digits")
    assert (status, err) == (0, "")
    table = (tmp_path / "analysis" / "digits-mean-std.csv").read_text().splitlines()
    assert all(number in out for number in table[1].split(",")[1:])
    assert (
        "comparison with the hand-tuned report does not apply: its table is of original CIFAR-10"
        in out
    )
    written = re.findall(r"written: (.*)", out)
    assert len(written) == 5
    assert all((tmp_path / path).is_file() for path in written)
    assert "1,149 training images of 10 classes" in out


@pytest.mark.slow
def test_the_options_of_run_and_the_folder_are_taken(tmp_path: Path) -> None:
    """Data and results go where they are told to."""
    status, _, err = run(
        tmp_path, "--dataset", "digits", "--data-dir", "here", "--output", "there/deep"
    )
    assert (status, err) == (0, "")
    assert {path.name for path in tmp_path.iterdir()} == {"here", "there"}
    assert (tmp_path / "there" / "deep" / "digits-images.pdf").is_file()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--dataset", "none"), "dataset: 'none' is neither auto, cifar10, .*digits, .* nor"),
        (("--image-size", "0"), "image_size: .*greater than or equal to 1, got 0"),
        (("--test-fraction", "1"), "test_fraction: .*less than 1, got 1.0"),
        (("--dataset", "digits", "--image-size", "28"), "image_size is only for image folders"),
        (("--output", "taken"), "output must be a folder, got the file 'taken'"),
    ],
)
def test_a_mistake_is_one_line_and_nothing_is_written(
    tmp_path: Path, arguments: tuple[str, ...], message: str
) -> None:
    """The line names the setting, its value and what is accepted; the status is 2."""
    (tmp_path / "taken").write_text("mine")
    status, out, err = run(tmp_path, *arguments)
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert re.search(message, err)
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["taken"]


def test_the_original_is_compared_number_by_number(
    make_dataset: DatasetMaker, tmp_path: Path
) -> None:
    """Each number stands beside the report's with its agreement, and rounding is called so."""
    fingerprint = Cifar10Source(tmp_path).fingerprint()
    info = analysis_info(*make_dataset(name="cifar10", source_fingerprint=fingerprint))
    mean, (_, *others), *rest = REPORTED
    ours = (mean, (62.991723198841946, *others), *rest)
    text = words(list(describe_table(info._replace(table=ours))))
    assert text.count("all digits") == 11
    assert "STD, Red 62.99172319884214 62.991723198841946 14 digits" in text
    assert "11 of 12 agree to the last digit" in text
    assert "agreement up to rounding" in text
    assert "does not apply" not in text


@pytest.mark.parametrize("fingerprint", ["0" * 64, None])
def test_no_digit_is_cut_on_a_terminal(
    make_dataset: DatasetMaker, tmp_path: Path, fingerprint: str | None
) -> None:
    """Eighty columns hold either table whole; names may break, numbers may not."""
    source = fingerprint or Cifar10Source(tmp_path).fingerprint()
    info = analysis_info(*make_dataset(source_fingerprint=source, name="cifar10"))
    text = words(list(describe_table(info._replace(table=REPORTED))), width=80)
    assert all(repr(number) in text for row in REPORTED for number in row)


def test_wrong_pixels_are_not_called_rounding(make_dataset: DatasetMaker, tmp_path: Path) -> None:
    """Noise under the original's fingerprint agrees nowhere, and nothing excuses it."""
    fingerprint = Cifar10Source(tmp_path).fingerprint()
    info = analysis_info(*make_dataset(name="cifar10", source_fingerprint=fingerprint))
    text = words(list(describe_table(info)))
    assert "0 of 12 agree to the last digit" in text
    assert "rounding" not in text
