"""The model card: what it says, what names cannot do to it, and what people add to it."""

import dataclasses
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from search.data.dataset import DatasetInfo
from search.data.quality import DataQuality
from search.evaluation.model_card import model_readme, renewed, write_model_readme
from search.paths import ModelPaths, RunPaths
from search.recipe import Recipe
from search.training.history import History
from search.training.metrics import TestResult, evaluate_predictions
from search.tuning.after_search import Finalist, RefitRecord, TestSetAccess
from search.tuning.records import StudyRecord, TrialRecord

NAMES = ("cat", "dog", "owl")


def figures(names: tuple[str, ...]) -> TestResult:
    """Return figures of 40 images: two dogs are predicted as cats."""
    labels = np.array([0] * 20 + [1] * 20)
    logits = np.eye(len(names), dtype=np.float32)[labels] * 3
    logits[20:22] = logits[0]
    return evaluate_predictions(logits, labels, names)


@pytest.fixture
def make_record(recipe: Recipe, make_winner: Callable[..., TrialRecord]) -> Callable[..., Any]:
    def make(names: tuple[str, ...] = NAMES, **changes: Any) -> StudyRecord:
        dataset = DatasetInfo("pets", "f" * 64, names, (3, 5, 6), 100, 40, Path("/secret/cache"))
        values: dict[str, Any] = {
            "name": "my_study",
            "recipe": recipe.model_copy(update={"space": "/secret/mine.py:SPACE"}),
            "dataset": dataset,
            "folds_hash": "0" * 64,
            "versions": {"torch": "2.15.0"},
            "hardware": {},
            "trials": (make_winner(mean=0.9, fold_scores=(0.9,)), make_winner(number=8, plan=6)),
            "refit": RefitRecord(7, 3, History(), 1.0, 1),
            "test": figures(names),
            "openings": (TestSetAccess(datetime(2026, 1, 2, tzinfo=UTC), "final evaluation"),),
        }
        return StudyRecord(**(values | changes))

    return make


Maker = Callable[..., StudyRecord]


def test_the_card_says_what_a_reader_needs(make_record: Maker) -> None:
    """Use, data, figures with their interval, openings, limits, training and versions."""
    card = model_readme(make_record(), None, ["Weakest class: <dog>."])
    headings = [line for line in card.splitlines() if line.startswith("#")]
    assert headings == [
        "# my\\_study", "## Use", "## Data", "## Results", "## Limits", "## Training",
    ]  # fmt: skip
    for words in (
        "into 3 classes: cat, dog, owl",
        f"`{'f' * 64}`",
        "| this model | 95.00% | 83.50% to 98.62% |",
        "| dog | 100.0% | 90.0% | 94.7% | 20 |",
        "opened once: 2026-01-02 (final evaluation)",
        "even for images of something else",
        "cut to their centre and scaled to 5 x 6 pixels",
        "- Weakest class: \\<dog\\>.\n",
        "dog predicted as cat (twice)",
        "chosen from 2 candidates",
        "trial 7: space mine.py:SPACE",
        "all 100 training images for 3 epochs",
        "torch 2.15.0",
    ):
        assert words in card
    assert "/secret" not in card


@pytest.mark.parametrize(
    ("resize", "words"),
    [("crop", "cut to their centre"), ("stretch", "stretched to 5 x 6"), ("pad", "black borders")],
)
def test_the_card_says_how_images_are_fitted(
    make_record: Maker, recipe: Recipe, resize: str, words: str
) -> None:
    fitted = recipe.model_copy(update={"resize": resize})
    assert words in model_readme(make_record(recipe=fitted), None, [])


def test_the_baseline_stands_beside(make_record: Maker) -> None:
    """One more row of the same figures, by its study's name."""
    baseline = make_record(name="hand", test=dataclasses.replace(figures(NAMES), accuracy=0.5))
    assert "| hand-tuned baseline (hand) | 50.00% |" in model_readme(make_record(), baseline)
    assert "baseline" not in model_readme(make_record(), None)


def test_a_network_without_refit_is_the_winners(make_record: Maker) -> None:
    """A reproduction exports what a trial ended with."""
    card = model_readme(make_record(refit=None), None)
    assert "trial 7" in card
    assert "Trained for 4 epochs on the training part of the split." in card


def test_a_single_trial_was_not_chosen(make_record: Maker) -> None:
    """Nothing is too optimistic where there was nothing to choose from."""
    record = make_record()
    card = model_readme(dataclasses.replace(record, trials=record.trials[:1]), None)
    assert "optimistic" not in card


def test_a_score_that_did_not_choose_is_not_said_to(make_record: Maker) -> None:
    """Among finalists the mean of fresh trainings chooses."""
    record = make_record()
    assert "optimistic" in model_readme(record, None)
    first, second = record.trials
    assert second.candidate is not None
    other = second.candidate.model_copy(update={"batch_size": 17})
    trials = (first, dataclasses.replace(second, candidate=other))
    finalists = tuple(Finalist(one.number, (0.9,)) for one in trials)
    chosen = dataclasses.replace(record, trials=trials, finalists=finalists)
    assert chosen.best_finalist() is not None
    assert "optimistic" not in model_readme(chosen, None)


@pytest.mark.parametrize(("validation", "kept"), [("holdout", True), ("given", False)])
def test_groups_of_a_given_split_may_be_divided(
    make_record: Maker, validation: str, kept: bool
) -> None:
    record = make_record(quality=DataQuality(n_groups=20))
    recipe = record.recipe.model_copy(update={"validation": validation})
    card = model_readme(dataclasses.replace(record, recipe=recipe), None)
    assert "20 groups" in card
    assert ("stayed on one side" in card) is kept


def test_names_are_only_names(make_record: Maker) -> None:
    """Class names cannot break a table, draw a picture, or make markup."""
    names = ("a|b", "<img src=x>", "![x](y)\x1b`")
    card = model_readme(make_record(names), None)
    assert "| a\\|b | " in card
    assert "\\<img src=x\\>" in card
    assert "!\\[x\\](y)" in card  # without brackets that count, neither picture nor link
    assert "\x1b" not in card


def test_many_classes_are_counted(make_record: Maker) -> None:
    """The sentence names the first, the table has all of them."""
    card = model_readme(make_record(tuple(f"class{number}" for number in range(50))), None)
    assert "and 20 more" in card
    assert "| class49 | " in card


def test_a_study_without_a_test_has_no_card(make_record: Maker, tmp_path: Path) -> None:
    """Nor has one whose model is not there."""
    paths = RunPaths(tmp_path, "my_study")
    write_model_readme(make_record(), paths)
    with pytest.raises(ValueError, match="no tested model"):
        model_readme(make_record(test=None), None)
    paths.model_dir.mkdir(parents=True)
    ModelPaths(paths.model_dir).card.touch()
    write_model_readme(make_record(test=None), paths)
    assert not ModelPaths(paths.model_dir).readme.exists()


def test_what_people_write_is_kept(make_record: Maker, tmp_path: Path) -> None:
    """The part between the marks is renewed; bytes around it stay, whatever they are."""
    paths = RunPaths(tmp_path, "my_study")
    readme = ModelPaths(paths.model_dir).readme
    paths.model_dir.mkdir(parents=True)
    ModelPaths(paths.model_dir).card.touch()
    write_model_readme(make_record(), paths)
    assert readme.read_bytes().startswith(b"---\nlibrary_name: pytorch\n")
    readme.write_bytes(b"mine\r\n" + readme.read_bytes() + b"\xff notes\r\n")
    write_model_readme(make_record(), paths, make_record(name="hand"))
    content = readme.read_bytes()
    assert content.startswith(b"mine\r\n---\n")
    assert content.endswith(b"\xff notes\r\n")
    assert content.count(b"## Limits") == content.count(b"baseline (hand)") == 1


@pytest.mark.parametrize("own", ["", "my own card\n", "<!-- written by cifar-search"])
def test_a_card_without_marks_is_left_alone(own: str) -> None:
    """Whoever removed them wants no other card."""
    assert renewed(own, "# anew\n") == own


def test_a_card_is_renewed_to_the_same(make_record: Maker) -> None:
    """Writing the same card twice changes nothing."""
    once = renewed(None, "# card\n")
    assert renewed(once, "# card\n") == once
    assert renewed(once, "# other\n") == once.replace("# card", "# other")
