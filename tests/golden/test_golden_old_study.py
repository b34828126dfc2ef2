"""What version 0.1 wrote stays usable: studies, models, exported code and spaces of users."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any, final

import pytest

import spaces
from search.final.export import load_model
from tests.golden import facts
from tests.golden.old_study import BUILT_IN, KILLED, N_TRIALS, OWN, OldFolder, expected
from tests.golden.program import Batch, Ended

pytestmark = pytest.mark.slow

_STUDIES = (OWN, BUILT_IN)
_PUBLIC = {
    "BUILT_IN", "AdamConfig", "AdamWConfig", "CNNConfig", "Candidate", "ConstantConfig",
    "CosineConfig", "MLPConfig", "OneCycleConfig", "PlateauConfig", "SGDConfig", "Space",
    "load_space", "space_source",
}  # fmt: skip
_LOOKED_AT = {
    "list": ["list", "--json"],
    "show own": ["show", "own", "--json"],
    "show built-in": ["show", "built-in", "--json"],
    "show trial": ["show", "own", "--trial", "1"],
    "predict": ["predict", "own", "images/test", "--json"],
    "predict folder": ["predict", "runs/built-in/model", "images/test", "--json"],
    "report own": ["report", "own"],
    "compare": ["report", "own", "built-in"],
    "script": ["export", "built-in", "--python", "--output", "built-in.py"],
    "recipe": ["run", "again.toml", "--quiet"],
}
_GONE_ON = {
    **{f"more {one.name}": one.arguments("--trials", "4", "--quiet") for one in _STUDIES},
    "end killed": KILLED.arguments("--quiet"),
    "list after": ["list", "--json"],
}


@final
class Used:
    """The old folder twice: its studies are looked at in one, and gone on with in the other."""

    def __init__(self, folder: Path) -> None:
        self.old, self.gone_on = OldFolder(folder / "looked-at"), OldFolder(folder / "gone-on")
        self.before = {one.name: self.old.results(one) for one in _STUDIES}
        looking, going = Batch(self.old.path, _LOOKED_AT), Batch(self.gone_on.path, _GONE_ON)
        self.ended: dict[str, Ended] = going.wait() | looking.wait()

    def printed(self, command: str) -> Any:
        """Return the JSON that a command printed."""
        return json.loads(self.ended[command].out)

    def plans(self, name: str) -> list[int]:
        """Return the plan indices of a study's trials that ended, in order."""
        trials = facts.load_study(self.gone_on.database, name).trials
        ended = [one for one in trials if one.state.name in {"COMPLETE", "PRUNED"}]
        return sorted(one.user_attrs["plan"] for one in ended)


@pytest.fixture(scope="module")
def used(tmp_path_factory: pytest.TempPathFactory) -> Used:
    return Used(tmp_path_factory.mktemp("old"))


@pytest.mark.parametrize("command", [*_LOOKED_AT, *_GONE_ON])
def test_commands_work_on_old_studies(used: Used, command: str) -> None:
    """So does going on, without --accept-changes: the stored space counts as today's."""
    ended = used.ended[command]
    assert ended.status == 0, ended.err or ended.out


def test_old_studies_are_listed_with_their_trials(used: Used) -> None:
    listed = {one["study"]: (one["done"], one["damaged"]) for one in used.printed("list")}
    assert listed == {"own": (N_TRIALS, False), "built-in": (N_TRIALS, False), "killed": (0, False)}


def test_old_studies_are_shown_as_they_were(used: Used) -> None:
    for study in _STUDIES:
        shown = used.printed(f"show {study.name}")
        assert len(shown["trials"]) == N_TRIALS
        assert shown["test"] is not None


def test_the_old_model_answers_as_before(used: Used) -> None:
    then, now = expected()["predict"]["images"], used.printed("predict")["images"]
    assert [one["image"] for one in now] == [one["image"] for one in then]
    for before, after in zip(then, now, strict=True):
        assert after["name"] == before["name"]
        assert after["probabilities"] == pytest.approx(before["probabilities"], abs=1e-5)


def test_the_old_model_is_loaded_from_python(used: Used) -> None:
    then = expected()["predict"]["images"][0]
    model = load_model(used.old.path / "runs" / "own" / "model")
    assert tuple(model.card.class_names) == ("dark", "light", "striped")
    assert model.classify(used.old.path / then["image"]).name == then["name"]


@pytest.mark.parametrize("study", _STUDIES, ids=lambda one: one.name)
def test_an_old_study_goes_on_from_where_it_was(used: Used, study: Any) -> None:
    """Its trials stay as they are, and the next point of the plan is the one planned then."""
    after = used.gone_on.results(study)
    assert {part: after[part] for part in used.before[study.name]} == used.before[study.name]
    trials = facts.load_study(used.gone_on.database, study.name).trials
    assert len(trials) == N_TRIALS + 1
    assert trials[N_TRIALS].params == expected()["points"][study.name]


def test_no_change_is_noted_in_a_study_gone_on_with(used: Used) -> None:
    for study in (*_STUDIES, KILLED):
        attrs = facts.load_study(used.gone_on.database, study.name).user_attrs
        assert not attrs.get("accepted_changes")


def test_a_search_killed_in_version_0_1_is_brought_to_its_end(used: Used) -> None:
    assert used.plans(KILLED.name) == [0, 1]


def test_an_exported_script_still_runs(used: Used) -> None:
    for script in ("train.py", "built-in.py"):
        command = [sys.executable, script, "images", "--epochs", "1", "--output", "network.pt"]
        done = subprocess.run(command, cwd=used.old.path, check=False, capture_output=True)
        assert done.returncode == 0, done.stderr


def test_users_import_what_they_did() -> None:
    assert {name for name in _PUBLIC if not hasattr(spaces, name)} == set()


def test_a_space_of_a_user_is_loaded(used: Used) -> None:
    space = spaces.load_space(f"{used.old.path / 'own_space.py'}:TINY")
    assert [one.name for one in space.parameters()] == ["width", "lr", "optimizer"]
    assert space.baseline() is not None
