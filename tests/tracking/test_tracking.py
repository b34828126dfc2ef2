"""Trackers: what each writes of the same events, read back by the real packages."""

from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

import search
from search.errors import UserError
from search.events import Event, Notice
from search.recipe import Recipe
from search.tracking import TRACKERS, Tracker, make_trackers
from search.tracking.base import CURVES
from search.tuning.run_events import (
    EpochEnded,
    ReportWritten,
    StudyOpened,
    TrialEnded,
    TrialStarted,
)
from tests.report.report_fakes import complete_trial, other_trial
from tests.study.conftest import runner
from tests.tracking.readers import READERS, Run

pytestmark = pytest.mark.filterwarnings("ignore")  # those of the packages

Written = Callable[..., dict[str, Run]]
_KINDS = [
    pytest.param(
        kind,
        id=kind.name,
        marks=[
            pytest.mark.skipif(find_spec(kind.package) is None, reason=f"no {kind.package}"),
            *([pytest.mark.slow] if kind is search.MLflow else []),  # it makes its tables first
        ],
    )
    for kind in TRACKERS
]


@pytest.fixture
def recipe(tmp_path: Path) -> Recipe:
    return Recipe(space="mlp", study_name="mine", epochs=3, runs_dir=tmp_path / "runs")


@pytest.fixture
def written(tmp_path: Path, recipe: Recipe, monkeypatch: pytest.MonkeyPatch) -> Written:
    """Return what tells a tracker of a kind some events of a study and reads what it wrote."""
    monkeypatch.chdir(tmp_path)  # MLflow's artifacts

    def write(kind: type[Tracker], *runs: list[Event]) -> dict[str, Run]:
        reader = READERS[kind](tmp_path)
        for events in runs:
            tracker = reader.make()
            for event in (StudyOpened(recipe, 2, ()), *events):
                tracker(event)
            tracker.close()
        return reader.runs()

    return write


PARAMS = {"width": 8, "lr": 0.25, "bias": True, "kind": "relu", "shape": (1, 2)}
FIRST = complete_trial(0, [0.5, 0.75, 0.625], [0.25, 0.5, 0.375], params=PARAMS)


def assert_first(run: Run) -> None:
    """Check that a run has the curves, the parameters and the result of the first trial."""
    assert run.curves["score"] == {1: 0.375, 2: 0.625, 3: 0.5}
    assert {name for name in run.curves if name in CURVES} == {*CURVES}
    assert run.curves["train_loss"] == pytest.approx({1: 0.575, 2: 0.325, 3: 0.45})
    assert run.curves["validation_accuracy"] == pytest.approx({1: 0.375, 2: 0.625, 3: 0.5})
    assert {*run.params} == {*PARAMS}
    assert float(run.params["lr"]) == 0.25
    assert int(run.params["width"]) == 8
    assert run.params["kind"] == "relu"
    assert run.figure("best_score") == 0.625
    assert run.figure("best_epoch") == 2
    assert run.figure("parameters") == 114_186
    assert run.figure("std") == pytest.approx(0.125)
    assert run.state == "complete"


@pytest.mark.slow
@pytest.mark.parametrize("kind", _KINDS)
def test_trials_are_runs(kind: type[Tracker], written: Written) -> None:
    """Side by side, epoch by epoch; one that failed has its state, one that is cut off too."""
    found = written(
        kind,
        [
            Notice("nothing to write"),
            TrialStarted(0, 0, 0),
            TrialStarted(1, 1, 1),
            TrialStarted(0, 0, 2),  # another fold
            EpochEnded(0, 1, 0.375),
            EpochEnded(1, 1, 0.1),
            EpochEnded(0, 2, 0.625),
            EpochEnded(0, 3, 0.5),
            TrialEnded(FIRST),
            TrialStarted(2, 2, 0),
            EpochEnded(2, 1, 0.25),
            TrialEnded(other_trial(1, "failed", reason="why")),
        ],
    )
    assert {*found} == {"study", "trial 0", "trial 1", "trial 2"}
    assert_first(found["trial 0"])
    assert found["trial 1"].state == "failed"
    assert found["trial 1"].curves["score"] == pytest.approx({1: 0.1})
    assert found["trial 2"].state == "interrupted"
    assert found["trial 2"].curves["score"] == {1: 0.25}


@pytest.mark.slow
@pytest.mark.parametrize("kind", _KINDS)
def test_epochs_of_earlier_runs_are_written_too(kind: type[Tracker], written: Written) -> None:
    """Of a trial that goes on from its checkpoint, and of one that has another one's result."""
    found = written(kind, [EpochEnded(0, 3, 0.5), TrialEnded(FIRST)])
    assert_first(found["trial 0"])
    found = written(kind, [TrialEnded(complete_trial(3, [0.5], same_as=0))])
    assert found["trial 3"].curves["score"] == {1: 0.5}


@pytest.mark.slow
@pytest.mark.parametrize("kind", _KINDS)
def test_a_study_that_goes_on_is_one_study(
    kind: type[Tracker], written: Written, tmp_path: Path
) -> None:
    """Its later trials and its report are beside the earlier ones."""
    folder = tmp_path / "report"
    folder.mkdir()
    for name in ("report.md", "report.html"):
        (folder / name).write_text("words")
    report = ReportWritten("model", str(folder / "report.html"))
    found = written(kind, [TrialEnded(FIRST)], [TrialEnded(complete_trial(1, [0.75])), report])
    assert {*found} == {"study", "trial 0", "trial 1"}
    assert any(name.startswith("report") for name in found["study"].files)


@pytest.mark.slow
def test_a_session_is_tracked(image_folder: Path, data_dir: Path, tmp_path: Path) -> None:
    """Search, refit, test and report of a study, by `callbacks` and by `on`."""
    pytest.importorskip("tensorboard")
    reader = READERS[search.TensorBoard](tmp_path)
    run = runner(tmp_path / "runs", image_folder, data_dir)
    study = run(trials=2, epochs=2, callbacks=[reader.make()])
    found = reader.runs()
    for trial in study.trials:
        stored = found[f"trial {trial.number}"]
        assert [*stored.curves["score"].values()] == pytest.approx(trial.curve)
        assert {*stored.params} == {"width", "lr"}
    loaded = search.load_study(study.name, tmp_path / "runs").on(reader.make())
    accuracy = loaded.test().accuracy
    loaded.report()
    whole = reader.runs()["study"]
    assert whole.figure("test_accuracy") == pytest.approx(accuracy)
    assert whole.figure("winner") == study.best.number
    assert whole.files


@pytest.mark.parametrize("kind", TRACKERS)
def test_a_missing_package_is_named(
    kind: type[Tracker], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """With the extra that has it."""
    monkeypatch.setattr("search.tracking.base.find_spec", lambda _: None)
    words = rf"'{kind.name}' needs the package .*pip install 'cifar-search\[{kind.name}\]'"
    with pytest.raises(UserError, match=words):
        kind()


def test_names_of_trackers() -> None:
    """Each once, whatever is asked for twice; another is refused with those that there are."""
    assert make_trackers([]) == ()
    with pytest.raises(UserError, match="must be one of mlflow, tensorboard, wandb, got 'excel'"):
        make_trackers(["excel"])


def test_a_wrong_mode_is_refused() -> None:
    pytest.importorskip("wandb")
    wrong: Any = "on"
    with pytest.raises(UserError, match="mode must be offline or online, got 'on'"):
        search.WandB(mode=wrong)
