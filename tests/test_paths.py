"""Paths: one name a purpose, all under runs_dir, none made by asking."""

from pathlib import Path

import pytest

from search.paths import ModelPaths, RunPaths
from search.recipe import Recipe


def all_paths(root: Path, study: str) -> dict[str, Path]:
    paths = RunPaths(root, study)
    model = ModelPaths(paths.model_dir)
    return {
        **{
            name: value
            for one in (paths, model)
            for name, value in vars(one).items()
            if isinstance(value, Path) and name not in ("runs_dir", "model_dir")
        },
        "trial 3": paths.trial_dir(3),
        "trial 4": paths.trial_dir(4),
        "figure pdf": paths.figure("history", "pdf"),
        "figure png": paths.figure("history", "png"),
    }


def test_every_purpose_has_a_path_of_its_own(tmp_path: Path) -> None:
    """No two kinds of file can overwrite each other."""
    paths = all_paths(tmp_path, "one").values()
    assert len(set(paths)) == len(paths)


def test_studies_share_only_what_belongs_to_all_of_them(tmp_path: Path) -> None:
    """A study's files lie in its own folder."""
    one, two = all_paths(tmp_path, "one"), all_paths(tmp_path, "two")
    shared = {"database", "artifacts_dir", "comparison_dir", "session_dir"}
    assert {name for name in one if one[name] == two[name]} == shared
    own = [path for name, path in one.items() if path != two[name]]
    assert all(path.is_relative_to(tmp_path / "one") for path in own)


def test_asking_for_a_path_makes_nothing(tmp_path: Path) -> None:
    """Naming a file leaves the disk as it is."""
    all_paths(tmp_path, "one")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("shared", ["database", "artifacts_dir", "comparison_dir"])
def test_no_study_can_take_the_name_of_a_shared_file(tmp_path: Path, shared: str) -> None:
    """A study's folder never lies where the database or the artifacts do."""
    with pytest.raises(ValueError, match="study_name"):
        Recipe(space="cnn", study_name=all_paths(tmp_path, "one")[shared].name)
