"""The recipe of one trial, and the space of one point that it names."""

import tomllib
from pathlib import Path

import pytest

from search.errors import UserError
from search.evaluation.code import literal
from search.evaluation.exporting import export_recipe, space_file
from search.files import write_outputs
from search.protocol import REPLICATION
from search.recipe import Recipe
from spaces import BUILT_IN, Candidate, MLPConfig, SGDConfig, load_space
from tests.evaluation.export_fakes import sampled
from tests.report.report_fakes import complete_trial, other_trial, study_record


@pytest.mark.slow
@pytest.mark.parametrize("space", BUILT_IN)
@pytest.mark.parametrize("number", range(6))
def test_the_space_holds_the_candidate_alone(space: str, number: int, tmp_path: Path) -> None:
    """Its only point is the very candidate, to the last digit."""
    candidate = sampled(space, number)
    trial = complete_trial(0, [0.5], candidate=candidate)
    path = tmp_path / "one.toml"
    exported = export_recipe(study_record([trial]), trial, path)
    assert exported.space_path == tmp_path / "one-space.py"
    exported.space_path.write_text(exported.space_code, encoding="utf-8")
    loaded = load_space(f"{exported.space_path}:SPACE")
    assert [loaded.candidate(point) for point in loaded.grid()] == [candidate]


def test_the_recipe_keeps_what_decides_the_score(tmp_path: Path) -> None:
    """Epochs, validation, seed and data stay; what belongs to a search does not."""
    settings = {
        "validation": "kfold", "folds": 3, "racing": True, "trials": 9, "max_parameters": 9,
        "timeout": 60.0, "dataset": "photos", "pruner": "halving", "precision": "bf16",
    }  # fmt: skip
    trial = complete_trial(4, [0.5], [0.5], [0.5], candidate=sampled("cnn", 1))
    record = study_record([trial], recipe=settings)
    path = tmp_path / "one.toml"
    path.write_text(export_recipe(record, trial, path).toml, encoding="utf-8")
    recipe = Recipe.from_sources(path, {})
    kept = ("epochs", "validation", "folds", "seed", "dataset", "precision", "metric", "threads")
    assert all(getattr(recipe, name) == getattr(record.recipe, name) for name in kept)
    assert (recipe.sampler, recipe.trials, recipe.racing) == ("grid", 1, False)
    assert (recipe.max_parameters, recipe.timeout, recipe.pruner) == (None, None, "auto")
    assert recipe.study_name == "cnn-random-photos-trial-4"


def test_a_reproduction_stays_one() -> None:
    """Its split and its way of scoring are those of the hand-tuned report."""
    trial = complete_trial(0, [0.5], candidate=sampled("cnn", 1))
    record = study_record([trial], recipe={"sampler": "baseline"})
    settings = tomllib.loads(export_recipe(record, trial, None).toml)
    assert Recipe(**settings).protocol is REPLICATION


@pytest.mark.parametrize(("plan", "words"), [(0, "same, bit for bit"), (2, "index: 2 in")])
def test_it_says_whether_the_score_comes_again(plan: int, words: str) -> None:
    """Seeds depend on the trial's index."""
    trial = complete_trial(5, [0.5], candidate=sampled("mlp", 1), plan=plan)
    toml = export_recipe(study_record([trial]), trial, None).toml
    assert words in " ".join(toml.replace("\n#", "").split())


def test_one_text_holds_both(tmp_path: Path) -> None:
    """Printed, the space is a comment; without the comment signs it is the same code."""
    trial = complete_trial(0, [0.5], candidate=sampled("mlp", 1))
    exported = export_recipe(study_record([trial]), trial, None)
    text = exported.in_one()
    assert tomllib.loads(text) == tomllib.loads(exported.toml)
    _, _, comment = text.partition("in the same folder:\n#\n")
    lines = [line.removeprefix("#").removeprefix(" ") for line in comment.splitlines()]
    assert "\n".join(lines) + "\n" == exported.space_code


def test_names_stay_within_their_bound() -> None:
    """A study's name has at most 64 characters, with the trial's number too."""
    trial = complete_trial(12, [0.5], candidate=sampled("mlp", 1))
    settings = tomllib.loads(export_recipe(study_record([trial], name="x" * 64), trial, None).toml)
    assert len(settings["study_name"]) == 64
    assert settings["study_name"].endswith("x-trial-12")


def test_a_trial_without_candidate_is_refused() -> None:
    """One line names it and says what is accepted."""
    trial = other_trial(1, "waiting")
    with pytest.raises(UserError, match=r"^trial: 1 has no candidate yet"):
        export_recipe(study_record([trial]), trial, None)


@pytest.mark.parametrize("text", ["a", "a'b", 'a"b', "a'\"b", "\n\\", "\u202e", "é{}", ""])
def test_texts_become_literals_that_say_the_same(text: str) -> None:
    """Whatever a class is called, its literal is printable and evaluates to it."""
    code = literal((text, "x"))
    assert eval(code) == (text, "x")  # noqa: S307  # our own text
    assert code.isprintable()


def test_files_are_not_overwritten_unless_forced(tmp_path: Path) -> None:
    """Where one of two is there neither is written; a folder never is."""
    old, new = tmp_path / "old.py", tmp_path / "new.toml"
    old.write_text("mine", encoding="utf-8")
    texts = {new: "new", old: "yours"}
    with pytest.raises(UserError, match=r"^output: .*old\.py' exists; accepted: another name"):
        write_outputs(texts, force=False)
    assert (old.read_text(encoding="utf-8"), new.exists()) == ("mine", False)
    write_outputs(texts, force=True)
    assert (old.read_text(encoding="utf-8"), new.read_text(encoding="utf-8")) == ("yours", "new")
    with pytest.raises(UserError, match="is a folder"):
        write_outputs({tmp_path: ""}, force=True)
    with pytest.raises(UserError, match="cannot be written: No such file or directory"):
        write_outputs({tmp_path / "no" / "file": ""}, force=False)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["new.toml", "old.py"]


def test_a_class_that_spaces_does_not_export_is_imported_from_its_module(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """So a new optimizer is one file and a line of its registry."""
    monkeypatch.delattr("spaces.SGDConfig")
    candidate = Candidate(model=MLPConfig(), optimizer=SGDConfig())
    made: dict[str, object] = {}
    exec(space_file(candidate, "one", "one"), made)  # noqa: S102
    assert made["CANDIDATE"] == candidate
