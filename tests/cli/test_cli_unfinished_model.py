"""`predict` and an interrupted study: no model yet, but a command that makes one."""

import shlex
from pathlib import Path

import pytest

from search.errors import UserError
from search.evaluation.predict import find_model
from search.events import Event
from search.pipeline import locked_run
from search.recipe import Recipe
from search.stopping import StopRequest
from search.tuning.run_events import TrialEnded
from tests.conftest import Command, FolderMaker


class Stopper:
    """Asks to stop once the first trial has ended; passes everything else over."""

    def __init__(self, stop: StopRequest) -> None:
        self._stop = stop

    def __call__(self, event: Event) -> None:
        if isinstance(event, TrialEnded):
            self._stop.request()


@pytest.mark.slow
def test_the_command_that_predict_names_makes_the_model(
    tmp_path: Path, make_folder: FolderMaker, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is whole: run as it is printed it refits the best trial, and predict then answers."""
    monkeypatch.chdir(tmp_path)
    make_folder(Path("my pets"), {"cat": 12, "dog": 12})
    stop, recipe = StopRequest(), Recipe(
        space="mlp", dataset="my pets", epochs=1, trials=3, max_parameters=200_000,
        study_name="it", with_baseline=False, workers=1,
    )  # fmt: skip
    with locked_run(recipe, Stopper(stop), stop, executor="inline") as outcome:
        assert outcome.stopped
    with pytest.raises(UserError, match="'it' has none yet, 1 of 3 trials done; to get") as caught:
        find_model(Path("it"), Path("runs"))
    words = shlex.split(str(caught.value).partition(": python ")[2])
    assert words[:2] == ["-m", "search"]
    assert command(*words[2:], "--quiet").status == 0
    photo = "my pets/train/cat/0.png"
    answer = command("predict", "it", photo, cwd=tmp_path)
    assert answer.status == 0
    assert answer.err.startswith("warning: 1 of 1 images are in ")
