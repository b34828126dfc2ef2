"""Long lines on a narrow terminal: texts wrap, commands fold and can be copied."""

import io
import shlex
import subprocess

import pytest
from rich.console import Console
from rich.text import Text

from search.cli.terminal import print_all
from search.progress.wrapping import fold_command, wrap_under_label

_COMMAND = (
    "python -m search run --space cnn --dataset '/home/ann/my photos' --study-name "
    "photos-of-cats-and-dogs --trials 7"
)


def lines(text: str, width: int) -> list[str]:
    console = Console(file=io.StringIO(), width=width)
    return wrap_under_label(Text(text), console).plain.splitlines()


def test_words_stay_under_words() -> None:
    """Each further line begins where the label's words do, and none is too long."""
    text = "best: trial 3 complete: 79.20% at epoch 31 of 40"
    assert lines(text, 30) == ["best: trial 3 complete: 79.20%", "      at epoch 31 of 40"]
    assert lines("      three convolutions of 96", 24) == [
        "      three convolutions",
        "      of 96",
    ]
    assert lines(text, 80) == [text]


def test_a_text_without_a_label_hangs_nowhere() -> None:
    """Where a label would take half of the width, or there is none, lines begin at the left."""
    assert lines("trial 3 complete: 79.20% at epoch 31", 20)[1][0] != " "
    assert lines("the-longest-label-of-all: a b c d e", 20)[0][0] != " "


@pytest.mark.parametrize("lead", ["", "  ", "error: model: none; to get one: "])
@pytest.mark.parametrize("width", [40, 60, 80])
def test_a_folded_command_is_the_same_to_a_shell(lead: str, width: int) -> None:
    """It stands below its lead, and no line that can be is longer than the terminal."""
    folded = fold_command(lead + _COMMAND, width)
    above, command = folded.split("\n", 1) if lead.strip() else ("", folded)
    assert above == lead.rstrip()
    assert all(len(line) <= width for line in command.splitlines())
    echo = command.replace("python -m search", "printf '%s\\n'", 1)
    read = subprocess.run(["/bin/sh", "-c", echo], capture_output=True, text=True, check=True)
    assert read.stdout.splitlines() == shlex.split(_COMMAND)[3:]


@pytest.mark.parametrize(
    "line",
    ["python -m search list", "say python -m search so it's said " + "x" * 80, "no command " * 20],
)
def test_other_lines_stay_as_they_are(line: str) -> None:
    """What fits, what only mentions a command, and what is none."""
    assert fold_command(line, 60) == line


def test_files_get_whole_lines() -> None:
    """A pipe is no terminal: nothing is folded and nothing hangs."""
    console = Console(file=io.StringIO(), width=30)
    print_all([_COMMAND, Text("best: " + "word " * 20)], console)
    assert isinstance(console.file, io.StringIO)
    assert len(console.file.getvalue().splitlines()) == 2
