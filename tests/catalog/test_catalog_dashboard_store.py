"""Notes and artifacts in the attributes where optuna-dashboard looks for them."""

from pathlib import Path
from typing import Any

import optuna
import pytest
from optuna.trial import create_trial
from optuna_dashboard._note import get_note_from_system_attrs, save_note_with_version
from optuna_dashboard._serializer import list_trial_artifacts

from search.catalog.dashboard_store import KEPT_BELOW, DashboardStore
from search.tuning.storage import open_storage, storage_url


@pytest.fixture
def study() -> optuna.Study:
    """Return a study of one trial, which has ended."""
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.create_study(study_name="study")
    study.tell(study.ask(), 0.5)
    return study


@pytest.fixture
def store(study: optuna.Study, tmp_path: Path) -> DashboardStore:
    return DashboardStore(study, tmp_path)


def note(study: optuna.Study, trial: int | None = None) -> str:
    trial_id = None if trial is None else study.trials[trial]._trial_id
    attrs = study._storage.get_study_system_attrs(study._study_id)
    return str(get_note_from_system_attrs(attrs, trial_id)["body"])


@pytest.mark.parametrize("trial", [None, 0])
def test_a_note_is_replaced(study: optuna.Study, store: DashboardStore, trial: int | None) -> None:
    """A shorter one leaves nothing of a longer one behind, of the study or of an ended trial."""
    for body in ("long " * 1000, "short"):
        store.write_note(body, trial)
        assert note(study, trial).startswith(body)
    assert "long" not in note(study, trial)


def test_the_users_words_stay(study: optuna.Study, store: DashboardStore) -> None:
    """Those in place of a note, and those below its line, whenever it is written again."""
    save_note_with_version(study._storage, study._study_id, None, 1, "mine")
    for body in ("first", "second", "second"):
        store.write_note(body)
    assert note(study) == f"second\n\n{KEPT_BELOW}\n\nmine\n"


def test_the_same_note_is_not_written_again(study: optuna.Study, store: DashboardStore) -> None:
    """An open page of the dashboard does not see its note change for nothing."""
    for _ in range(2):
        store.write_note("same")
    attrs = study._storage.get_study_system_attrs(study._study_id)
    assert attrs["dashboard:note_ver"] == 1


def test_a_picture_has_one_place(
    study: optuna.Study, store: DashboardStore, tmp_path: Path
) -> None:
    """Written again it is renewed, and the dashboard lists it once, for its trial."""
    for content in (b"first", b"second"):
        store.put_png("curve.png", content, 0)
    attrs = study._storage.get_study_system_attrs(study._study_id)
    (meta,) = list_trial_artifacts(attrs, {}, study.trials[0])
    assert (meta["filename"], meta["mimetype"]) == ("curve.png", "image/png")
    assert [path.name for path in tmp_path.iterdir()] == [meta["artifact_id"]]
    assert (tmp_path / meta["artifact_id"]).read_bytes() == b"second"
    assert store.artifacts() == [meta["artifact_id"]]


def test_what_the_dashboard_deleted_is_no_artifact(
    study: optuna.Study, store: DashboardStore
) -> None:
    """It leaves an empty entry."""
    store.put_png("curve.png", b"", 0)
    attrs = study._storage.get_study_system_attrs(study._study_id)
    key = next(name for name in attrs if name.startswith("dashboard:artifacts:"))
    study._storage.set_study_system_attr(study._study_id, key, "null")
    assert store.artifacts() == []


def test_trials_with_notes_are_told_apart(study: optuna.Study, store: DashboardStore) -> None:
    """So that a resumed study only publishes the others."""
    study.tell(study.ask(), 0.5)
    store.write_note("ended", 1)
    assert store.trials_with_notes([0, 1]) == {1}


def test_what_many_trials_need_is_read_and_written_together(
    study: optuna.Study, store: DashboardStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Notes that were written a moment ago are known, and all are there in the end."""
    for _ in range(20):
        study.tell(study.ask(), 0.5)
    reads, read = [0], study._storage.get_study_system_attrs

    def counted(study_id: int) -> dict[str, Any]:
        reads[0] += 1
        return read(study_id)

    monkeypatch.setattr(study._storage, "get_study_system_attrs", counted)
    with store.collected():
        for body in ("first", "second"):
            for number in range(20):
                store.write_note(f"{body} {number}", number)
    assert reads[0] == 1
    assert [note(study, number).split()[:2] for number in range(20)] == [
        ["second", str(number)] for number in range(20)
    ]


def test_a_note_is_found_among_those_of_many_trials(tmp_path: Path) -> None:
    """In a database only its own attributes are read, and trial 1 is not trial 11."""
    storage = open_storage(storage_url(None, tmp_path / "studies.db"))
    study = optuna.create_study(study_name="study", storage=storage)
    study.add_trials([create_trial(value=0.5)] * 12)
    store = DashboardStore(study, tmp_path)
    for number in (1, 11):
        store.write_note(f"trial {number}", number)
    store.write_note("of the study")
    store.write_note("again", 1)
    assert [note(study, which).split("\n")[0] for which in (None, 1, 11)] == [
        "of the study",
        "again",
        "trial 11",
    ]
    storage.engine.dispose()
