"""What is published beside a search: each trial once, never at the search's cost."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import optuna
import pytest
import sqlalchemy
from optuna.trial import TrialState, create_trial
from optuna_dashboard._note import get_note_from_system_attrs

from search.catalog.dashboard_store import DashboardStore
from search.catalog.studies import open_stored, remove_study
from search.dashboard import publishing
from search.dashboard.publishing import Publisher, publish_end, publish_whole
from search.paths import RunPaths
from search.tuning.records import StudyRecord, TrialRecord
from search.tuning.run_events import StudyOpened, TrialEnded
from search.tuning.storage import open_storage, storage_url
from search.tuning.store import read_study, to_plain
from tests.report import report_fakes as fakes
from tests.study_fixtures import EventRecorder
from tests.views import showing_fakes

TRIALS = [
    fakes.complete_trial(0, [0.5, 0.8], confusion=((3, 1), (0, 4))),
    fakes.complete_trial(1, [0.5, 0.7]),
]


@pytest.fixture
def record(tmp_path: Path) -> StudyRecord:
    """Return a study of two trials, stored in a database of its own."""
    record = fakes.study_record(TRIALS, class_names=("ant", "bee"))
    settings = {"runs_dir": tmp_path, "study_name": record.name}
    backend = open_storage(storage_url(None, RunPaths(tmp_path, record.name).database))
    study = optuna.create_study(study_name=record.name, storage=backend, direction="maximize")
    study.set_user_attr("recipe", to_plain(record.recipe.model_copy(update=settings)))
    for name in ("dataset", "folds_hash", "versions", "hardware"):
        study.set_user_attr(name, to_plain(getattr(record, name)))
    for trial in TRIALS:
        attrs = _attributes(trial)
        state = TrialState.COMPLETE
        study.add_trial(create_trial(state=state, value=trial.value, user_attrs=attrs))
    stored = read_study(study)
    backend.engine.dispose()
    return stored


def _attributes(trial: TrialRecord) -> dict[str, Any]:
    attrs = {
        "history": to_plain(trial.history),
        "best_epoch": trial.best_epoch,
        "score_mean": trial.mean,
        "fold_scores": list(trial.fold_scores),
    }
    return attrs if trial.confusion is None else attrs | {"confusion": trial.confusion}


def paths_of(record: StudyRecord) -> RunPaths:
    return RunPaths(record.recipe.runs_dir, record.name)


def open_again(record: StudyRecord) -> optuna.Study:
    storage = open_storage(storage_url(None, paths_of(record).database))
    return optuna.load_study(study_name=record.name, storage=storage)


def notes(record: StudyRecord) -> list[str]:
    """Return the notes of the study and its trials."""
    study = open_again(record)
    attrs = study._storage.get_study_system_attrs(study._study_id)
    ids = [None, *(trial._trial_id for trial in study.trials)]
    return [str(get_note_from_system_attrs(attrs, one)["body"]) for one in ids]


def artifacts(record: StudyRecord) -> set[str]:
    return {path.name for path in paths_of(record).artifacts_dir.iterdir()}


def publish(record: StudyRecord, *, done: int, whole: bool = True) -> list[str]:
    """Publish during a search before which so many trials had ended; return the notices."""
    heard = EventRecorder()
    with Publisher(heard) as publisher:
        publisher(StudyOpened(record.recipe, 2, record.trials[:done]))
        for trial in record.trials[done:]:
            publisher(TrialEnded(trial))
        publisher.close(whole=whole)
    return heard.notices()


@pytest.mark.slow
def test_trials_are_published_as_they_end(record: StudyRecord) -> None:
    """Each has its note and its pictures, the study its own."""
    assert publish(record, done=0) == []
    study, *trials = notes(record)
    assert "2 complete" in study
    assert [note.split(":")[0] for note in trials] == ["**complete"] * 2
    assert len(artifacts(record)) == 3


@pytest.mark.slow
def test_a_study_that_goes_on_publishes_what_is_missing(record: StudyRecord) -> None:
    """Nothing is there twice, and what was published before is not drawn again."""
    publish(record, done=0)
    before = artifacts(record)
    kept = next(paths_of(record).artifacts_dir.iterdir())
    kept.write_bytes(b"mark")
    publish(record, done=2)
    assert artifacts(record) == before
    assert kept.read_bytes() == b"mark"


@pytest.mark.slow
def test_a_report_writes_everything_again(record: StudyRecord) -> None:
    """Pictures that were lost are there again, at the same place."""
    paths = paths_of(record)
    publish_whole(open_again(record), record, paths)
    before = artifacts(record)
    for path in paths.artifacts_dir.iterdir():
        path.unlink()
    publish_whole(open_again(record), record, paths)
    assert artifacts(record) == before
    assert set(DashboardStore(open_again(record), paths.artifacts_dir).artifacts()) == before


@pytest.mark.slow
def test_an_interrupted_search_leaves_the_rest_to_the_next(record: StudyRecord) -> None:
    """It does not wait for pictures; they are not lost."""
    publish(record, done=0, whole=False)
    publish(record, done=2)
    assert all(note.startswith("**complete") for note in notes(record)[1:])


def test_a_failure_is_one_notice(record: StudyRecord) -> None:
    """The search goes on; the line says what failed and how to have it written."""
    paths_of(record).artifacts_dir.write_text("in the way")
    (notice,) = publish(record, done=0)
    assert notice.startswith("the dashboard's notes and figures could not be written: ")
    assert notice.endswith(f"python -m search report {record.name} rebuilds them")


@pytest.mark.slow
def test_a_deleted_study_leaves_no_artifact(record: StudyRecord) -> None:
    """Neither its own nor those of its trials, also where a file is gone already."""
    paths = paths_of(record)
    paths.report_dir.mkdir(parents=True)
    paths.figure("importances", "png").write_bytes(b"figure")
    publish(record, done=0)
    publish_end(open_again(record), record, paths)
    assert len(artifacts(record)) == 4
    next(paths.artifacts_dir.iterdir()).unlink()
    remove_study(record.name, paths.runs_dir, None, sure=True)
    assert artifacts(record) == set()


def test_what_is_stored_for_all_trials_is_not_read_for_each(
    record: StudyRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is in one place: reading it for each would take the square of the number of trials."""
    paths = paths_of(record)
    storage = open_storage(storage_url(None, paths.database))
    study = optuna.load_study(study_name=record.name, storage=storage)
    publish_whole(study, record, paths)
    reads, read = [0], study._storage.get_study_system_attrs

    def counted(study_id: int) -> Any:
        reads[0] += 1
        return read(study_id)

    monkeypatch.setattr(study._storage, "get_study_system_attrs", counted)
    many = replace(record, trials=record.trials * 10)
    publish_whole(study, record, paths)
    few, reads[0] = reads[0], 0
    publish_whole(study, many, paths)
    assert reads[0] <= few + 3  # what was read counts as known for some seconds
    storage.engine.dispose()


@pytest.mark.slow
def test_a_report_draws_the_lost_pictures_of_the_best_trials_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Drawing those of all would take minutes; every trial has its note."""
    made = fakes.realistic(40).record
    showing_fakes.store(made, tmp_path)
    study = open_stored(made.name, tmp_path, None)
    record, paths = read_study(study), RunPaths(tmp_path, made.name)
    monkeypatch.setattr(publishing, "_MOST_REDRAWN", 3)
    publish_whole(study, record, paths)
    attrs = study._storage.get_study_system_attrs(study._study_id)
    noted = [n for n in range(40) if get_note_from_system_attrs(attrs, n + 1)["body"]]
    drawn = {int(key.split(":")[2]) - 1 for key in attrs if "dashboard:artifacts:" in key}
    assert noted == list(range(40))
    assert drawn == {trial.number for trial in record.complete()[:3]}


@pytest.mark.slow
@pytest.mark.parametrize("again", [False, True], ids=["first", "again"])
def test_statements_do_not_grow_with_the_trials(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, again: bool
) -> None:
    """Reading a study and publishing it takes as many statements for 60 trials as for 15."""
    monkeypatch.setattr(publishing, "_MOST_REDRAWN", 0)
    counts = []
    for n_trials in (15, 60):
        made, folder = fakes.realistic(n_trials, epochs=3).record, tmp_path / str(n_trials)
        showing_fakes.store(made, folder)
        paths = RunPaths(folder, made.name)
        storage = open_storage(storage_url(None, paths.database))
        study = optuna.load_study(study_name=made.name, storage=storage)
        if again:
            publish_whole(study, read_study(study), paths)
        statements: list[str] = []
        sqlalchemy.event.listen(
            storage.engine, "before_cursor_execute", lambda *told, to=statements: to.append(told[2])
        )
        publish_whole(study, read_study(study), paths)
        counts.append(len(statements))
        storage.engine.dispose()
    few, many = counts
    assert 0 < many <= few + 3
