"""Studies of one name in two storages: each has a folder of its own, or is refused."""

from pathlib import Path

import optuna
import pytest
from optuna.storages import InMemoryStorage

from search.errors import UserError
from search.paths import RunPaths
from search.tuning.locks import check_free, check_owned, mark, owns, unmark

NAMED = "is the folder of another study of that name"


@pytest.fixture
def paths(tmp_path: Path) -> RunPaths:
    (tmp_path / "pets").mkdir()
    return RunPaths(tmp_path, "pets")


def new_study() -> optuna.Study:
    """Return a study of the one name, in a storage of its own."""
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    return optuna.create_study(study_name="pets", storage=InMemoryStorage())


def test_a_marked_folder_is_one_studys_alone(paths: RunPaths) -> None:
    """Marking again changes nothing, and a namesake with a mark of its own is refused."""
    ours, theirs = new_study(), new_study()
    mark(ours, paths)
    mark(ours, paths)
    (paths.study_dir / "other").mkdir()
    mark(theirs, RunPaths(paths.study_dir, "other"))
    assert owns(ours, paths)
    assert not owns(theirs, paths)
    with pytest.raises(UserError, match=NAMED):
        check_owned(theirs, paths)


def test_a_study_is_not_made_over_anothers_folder(paths: RunPaths) -> None:
    """Neither over a marked one, nor over a model from before there were marks."""
    check_free(paths)
    study = new_study()
    mark(study, paths)
    with pytest.raises(UserError, match=NAMED):
        check_free(paths)
    unmark(study, paths)
    check_free(paths)
    paths.model_dir.mkdir()
    with pytest.raises(UserError, match=NAMED):
        check_free(paths)


@pytest.mark.parametrize("lost", ["study", "folder"])
def test_what_has_no_mark_yet_is_taken_for_its_own(paths: RunPaths, lost: str) -> None:
    """As of a study from before, or of one that was killed between both marks."""
    study = new_study()
    mark(study, paths)
    if lost == "folder":
        paths.mark.unlink()
    else:
        study = new_study()
    check_owned(study, paths)
    mark(study, paths)
    assert study.user_attrs["folder_mark"] == paths.mark.read_text()


def test_a_namesake_does_not_free_the_folder(paths: RunPaths) -> None:
    """Only the study that the folder belongs to leaves it to others."""
    ours, theirs = new_study(), new_study()
    mark(ours, paths)
    (paths.study_dir / "other").mkdir()
    mark(theirs, RunPaths(paths.study_dir, "other"))
    unmark(theirs, paths)
    assert paths.mark.exists()
