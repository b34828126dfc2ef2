"""The recipe of one trial, and the space of one point that it names."""

import re
import tomllib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from search.errors import UserError
from search.evaluation.code import literal
from search.evaluation.exported_recipe import one_folder
from search.evaluation.exporting import export_recipe, space_file, write_recipe
from search.files import write_outputs
from search.protocol import REPLICATION
from search.recipe import Recipe
from search.user_metric import get_metric, metric_helpers, metric_source
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


def test_the_refit_has_the_studys_schedule(tmp_path: Path) -> None:
    """It is longer than a trial's by default, and whatever a budget had time for."""
    trial = complete_trial(4, [0.5], candidate=sampled("cnn", 1))
    record = study_record([trial], recipe={"refit_epochs": 40})
    budgeted = replace(record, horizon={"trial": 4, "epochs": 33})
    for study, epochs in ((record, 40), (budgeted, 33), (study_record([trial]), None)):
        settings = tomllib.loads(export_recipe(study, trial, tmp_path / "one.toml").toml)
        assert settings.get("refit_epochs") == epochs


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


METRIC = "import costs\n\ndef cost(labels, probabilities):\n    return costs.of(labels)"
COSTS = "def of(labels):\n    return float(labels.mean())"


def export_with_metric(output: Path, *, force: bool = False, helper: str = "costs.py") -> set[str]:
    """Export a trial of a study whose metric is a user's; return the names of what was written."""
    trial = complete_trial(0, [0.5], candidate=sampled("mlp", 1))
    record = study_record(
        [trial],
        recipe={"metric": "runs/.session/met-1234.py:cost"},
        metric_code=METRIC,
        helper_code={"metric": {helper: COSTS}, "space": {"unused.py": "1"}},
    )
    written = write_recipe(record, trial, output, force=force)
    return {path.relative_to(output.parent).as_posix() for path in written}


def test_a_users_metric_is_written_from_the_stored_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With what it imports, and the recipe finds all of it from anywhere, its folder moved too."""
    names = export_with_metric(tmp_path / "again.toml")
    assert names == {"again.toml", "again-space.py", "again-metric.py", "costs.py"}
    tmp_path.rename(tmp_path.with_name("moved"))
    monkeypatch.chdir("/")
    recipe = Recipe.from_sources(tmp_path.with_name("moved") / "again.toml", {})
    assert load_space(recipe.space).name == "cnn-random-photos-trial-0"
    assert (metric_source(recipe.metric), metric_helpers(recipe.metric)) == (
        METRIC, {"costs.py": COSTS}
    )  # fmt: skip
    assert get_metric(recipe.metric).measure(np.array([0, 1]), np.ones((2, 2))) == 0.5


def test_a_module_in_a_package_gets_its_folder(tmp_path: Path) -> None:
    """The folder of the recipe itself must be there."""
    assert "lib/costs.py" in export_with_metric(tmp_path / "one.toml", helper="lib/costs.py")
    with pytest.raises(UserError, match="cannot be written: No such file or directory"):
        export_with_metric(tmp_path / "no" / "one.toml", helper="lib/costs.py")


def test_printed_it_has_the_metric_too() -> None:
    """All files are comments below the recipe."""
    trial = complete_trial(0, [0.5], candidate=sampled("mlp", 1))
    record = study_record([trial], recipe={"metric": "met.py:cost"}, metric_code=METRIC)
    text = export_recipe(record, trial, None).in_one()
    name = "cnn-random-photos-trial-0-metric.py"
    assert tomllib.loads(text)["metric"] == f"{name}:cost"
    assert f"# {name}, in the same folder:" in text
    assert "# def cost(labels, probabilities):" in text


def test_a_module_of_the_same_code_stays(tmp_path: Path) -> None:
    """The user's own, with its comments, is no obstacle and is not touched."""
    mine = f'"""Costs."""\n\n# Of labels\n{COSTS}\n'
    (tmp_path / "costs.py").write_text(mine, encoding="utf-8")
    assert "costs.py" not in export_with_metric(tmp_path / "one.toml")
    assert "costs.py" not in export_with_metric(tmp_path / "one.toml", force=True)
    assert (tmp_path / "costs.py").read_text(encoding="utf-8") == mine
    again = tmp_path / "again"
    again.mkdir()
    assert "costs.py" in export_with_metric(again / "one.toml")
    assert "costs.py" not in export_with_metric(again / "two.toml")


@pytest.mark.parametrize("force", [False, True])
@pytest.mark.parametrize("mine", ["def of(labels):\n    return 2.0\n", "def (", "\0", None])
def test_another_module_is_never_replaced(tmp_path: Path, mine: str | None, force: bool) -> None:
    """Not even with --force, and nothing else is written."""
    helper = tmp_path / "costs.py"
    if mine is None:
        helper.mkdir()
    else:
        helper.write_text(mine, encoding="utf-8")
    with pytest.raises(UserError) as caught:
        export_with_metric(tmp_path / "one.toml", force=force)
    assert str(caught.value) == (
        f"output: {str(helper)!r} exists and is not the study's version of it, and is never "
        "replaced; accepted: an --output in another folder"
    )
    assert [*tmp_path.iterdir()] == [helper]
    assert mine is None or helper.read_text(encoding="utf-8") == mine


def test_force_replaces_what_has_the_recipes_name(tmp_path: Path) -> None:
    """Recipe, space and metric; without it each of them is in the way."""
    names = export_with_metric(tmp_path / "one.toml") - {"costs.py"}
    for name in names:
        for other in names - {name}:
            (tmp_path / other).unlink(missing_ok=True)
        (tmp_path / name).write_text("mine", encoding="utf-8")
        with pytest.raises(UserError, match=rf"{re.escape(name)}' exists; accepted: another name"):
            export_with_metric(tmp_path / "one.toml")
    assert export_with_metric(tmp_path / "one.toml", force=True) == names
    assert all((tmp_path / name).read_text(encoding="utf-8") != "mine" for name in names)


def test_two_modules_of_one_name_are_refused() -> None:
    """The folders that space and metric came from may each have had helpers."""
    one, other = {Path("x/h.py"): "a"}, {Path("x/h.py"): "b"}
    assert one_folder(one, dict(one)) == one
    with pytest.raises(UserError, match=r"^trial: .*two modules of the name 'h.py'.*accepted: "):
        one_folder(one, other)


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
