"""Folds of a study: groups stay together, given images validate, and everyone is told."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from sklearn.neighbors import KNeighborsClassifier

from search.data.cache import load_train_split
from search.data.dataset import DatasetInfo, DatasetRequest
from search.data.sources import prepare_dataset
from search.data.splits import Fold, folds_hash
from search.errors import UserError
from search.events import Event, Notice
from search.pipeline import run_and_report
from search.recipe import Recipe
from search.stopping import StopRequest
from search.tuning.folds import fold_groups, make_folds, tell_of_folds

Maker = Callable[..., Recipe]


@pytest.fixture
def patients(tmp_path: Path) -> Path:
    """Return a CSV over nested folders: 24 patients look alike in 6 images, classes are chance."""
    rng = np.random.default_rng(3)
    lines = ["image,label,patient"]
    labels = rng.permutation(24) % 2
    for patient, label in enumerate(labels):
        face = rng.integers(40, 200, (8, 8, 3))
        folder = tmp_path / "scans" / f"ward {patient % 3}" / f"{patient:03}"
        folder.mkdir(parents=True)
        for number in range(6):
            pixels = np.clip(face + rng.integers(-30, 30, face.shape), 0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(folder / f"{number}.png")
            path = folder.relative_to(tmp_path) / f"{number}.png"
            lines.append(f"{path},{('well', 'ill')[label]},{patient}")
    table = tmp_path / "patients.csv"
    table.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return table


def recognized(dataset: DatasetInfo, folds: tuple[Fold, ...]) -> float:
    """Return the accuracy of a model that knows the patients: each image is like its nearest."""
    split = load_train_split(dataset)
    images, labels = split.images.flatten(1).numpy(), split.labels.numpy()
    right = [
        KNeighborsClassifier(1)
        .fit(images[fold.train], labels[fold.train])
        .score(images[fold.validation], labels[fold.validation])
        for fold in folds
    ]
    return float(np.mean(right))


@pytest.mark.slow
@pytest.mark.parametrize("validation", ["holdout", "kfold"])
@pytest.mark.parametrize("groups", ["patient", r"ward \d/(\d+)"], ids=["column", "path"])
def test_who_knows_the_patients_gains_nothing(
    patients: Path, make_recipe: Maker, validation: str, groups: str
) -> None:
    """Near 100% where patients are in both parts, chance where they are not."""
    accuracy = {}
    for one in (None, groups):
        recipe = make_recipe(dataset=str(patients), groups=one, validation=validation, folds=4)
        dataset = prepare_dataset(DatasetRequest.of(recipe), lambda event: None)
        seeds = [recipe.model_copy(update={"seed": seed}) for seed in range(8)]
        folds = [fold for each in seeds for fold in make_folds(each, dataset)]
        accuracy[one] = recognized(dataset, tuple(folds))
    assert accuracy[None] > 0.98
    assert abs(accuracy[groups] - 0.5) < 0.15


@pytest.mark.slow
def test_a_grouped_study_says_so_and_goes_on(patients: Path, make_recipe: Maker) -> None:
    """In its plan, record, report and card; folds keep the groups, and other groups are refused."""
    events: list[Event] = []
    recipe = make_recipe(dataset=str(patients), groups="patient", validation="kfold", folds=3)
    outcome, report = run_and_report(recipe, events.append, StopRequest(), executor="inline")
    assert outcome.record.quality.n_groups == 22  # one of 12 of each class is set aside
    assert report is not None
    text = report.page.with_suffix(".md").read_text(encoding="utf-8")
    assert "images of each of 22 groups kept together" in text
    card = (outcome.paths.model_dir / "README.md").read_text(encoding="utf-8")
    assert "belong to 22 groups" in card
    with np.load(outcome.paths.folds) as stored:
        groups, validation = stored["groups"], stored["validation_0"]
        assert not set(groups[stored["train_0"]]) & set(groups[validation])
    changed = recipe.model_copy(update={"groups": r"scans/ward \d/\d+"})
    with pytest.raises(UserError, match=r"groups 'patient' is now 'scans"):
        run_and_report(changed, events.append, StopRequest(), executor="inline")
    outcome, _ = run_and_report(recipe, events.append, StopRequest(), executor="inline")
    assert len(outcome.record.openings) == 1


def test_a_replication_knows_no_groups(patients: Path, make_recipe: Maker) -> None:
    recipe = make_recipe(dataset=str(patients), groups="patient", sampler="baseline")
    dataset = prepare_dataset(DatasetRequest.of(recipe), lambda event: None)
    with pytest.raises(UserError, match=r"groups: sampler 'baseline'.* validation 'kfold'"):
        make_folds(recipe, dataset)


@pytest.mark.slow
def test_given_images_validate(image_folder: Path, make_recipe: Maker, tmp_path: Path) -> None:
    """The holdout is val/, its share is stored, and the refit trains on all."""
    root = tmp_path / "given"
    (root / "val").mkdir(parents=True)
    for name in ("train", "test"):
        (root / name).symlink_to(image_folder / name)
    for name in ("red", "green", "blue"):
        (root / "val" / name).symlink_to(image_folder / "test" / name)
    recipe = make_recipe(dataset=str(root), validation="given")
    events: list[Event] = []
    outcome, _ = run_and_report(recipe, events.append, StopRequest(), executor="inline")
    record = outcome.record
    with np.load(outcome.paths.folds) as stored:
        assert (len(stored["train_0"]), len(stored["validation_0"])) == (90, 30)
    assert record.recipe.holdout_fraction == 0.25
    assert record.dataset.n_train == 120
    again, _ = run_and_report(recipe, events.append, StopRequest(), executor="inline")
    assert again.record.folds_hash == record.folds_hash
    without = recipe.model_copy(update={"dataset": str(image_folder), "study_name": "other"})
    with pytest.raises(UserError, match="a folder val/"):
        run_and_report(without, events.append, StopRequest(), executor="inline")


@pytest.mark.slow
def test_a_renamed_dataset_is_the_same_one(
    image_folder: Path, make_recipe: Maker, tmp_path: Path
) -> None:
    """Its content counts; other content under the old name does not."""
    moved = shutil.copytree(image_folder, tmp_path / "hues")
    recipe = make_recipe(study_name="s", trials=1)
    run_and_report(recipe, lambda event: None, StopRequest(), executor="inline")
    renamed = recipe.model_copy(update={"dataset": str(moved), "trials": 2})
    outcome, _ = run_and_report(renamed, lambda event: None, StopRequest(), executor="inline")
    assert (outcome.record.dataset.name, len(outcome.record.trials)) == ("hues", 2)
    smaller = recipe.model_copy(update={"image_size": 4})
    with pytest.raises(UserError, match=r"dataset 'hues \(\w+\)' is now 'colours"):
        run_and_report(smaller, lambda event: None, StopRequest(), executor="inline")


@pytest.mark.parametrize("validation", ["holdout", "kfold"])
def test_copies_stay_in_one_fold(tmp_path: Path, make_recipe: Maker, validation: str) -> None:
    """By default for one's own images; without copies folds are those of independent images."""
    rng = np.random.default_rng(0)
    labels = np.repeat([0, 1], 20)
    images = rng.integers(0, 256, (40, 8, 8), dtype=np.uint8)
    twice = np.concatenate([images, images[:12], images[:12]])
    np.savez(tmp_path / "a.npz", images=images, labels=labels)
    np.savez(tmp_path / "b.npz", images=twice, labels=np.concatenate([labels, *[labels[:12]] * 2]))
    shared = {}
    for name, duplicates in (("b", "together"), ("b", "independent"), ("a", "together")):
        recipe = make_recipe(
            dataset=str(tmp_path / f"{name}.npz"), duplicates=duplicates, validation=validation
        )
        dataset = prepare_dataset(DatasetRequest.of(recipe), lambda event: None)
        folds = make_folds(recipe, dataset)
        pixels = load_train_split(dataset).images.numpy()
        for fold in folds:
            both = np.concatenate([fold.train, fold.validation])
            assert np.array_equal(np.sort(both), np.arange(dataset.n_train))
        trained, validated = (
            {pixels[i].tobytes() for i in part} for part in (folds[0].train, folds[0].validation)
        )
        shared[name, duplicates] = len(trained & validated)
        if name == "a":
            independent = recipe.model_copy(update={"duplicates": "independent"})
            assert folds_hash(folds) == folds_hash(make_folds(independent, dataset))
    assert shared["b", "together"] == 0 < shared["b", "independent"]


@pytest.mark.parametrize("duplicates", ["together", "independent"])
@pytest.mark.parametrize(
    "settings",
    [{"validation": "given"}, {"sampler": "baseline"}, {"validation": "kfold", "folds": 4}],
    ids=str,
)
def test_copies_on_both_sides_are_told(
    tmp_path: Path, make_recipe: Maker, settings: dict[str, object], duplicates: str
) -> None:
    """A validation set that is given may have them, and the baseline's fixed split."""
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (60, 8, 8), dtype=np.uint8)
    images[50:52] = images[0]  # two copies that validate of one that trains
    images[52:54] = images[1:3]
    images[10] = images[11]  # both train
    labels = np.arange(60) % 2
    parts = {"train": slice(0, 50), "val": slice(50, 60), "test": slice(50, 60)}
    arrays: dict[str, Any] = {f"{name}_images": images[part] for name, part in parts.items()}
    arrays |= {f"{name}_labels": labels[part] for name, part in parts.items()}
    np.savez(tmp_path / "a.npz", **arrays)
    recipe = make_recipe(dataset=str(tmp_path / "a.npz"), duplicates=duplicates, **settings)
    dataset = prepare_dataset(DatasetRequest.of(recipe), lambda event: None)
    folds = make_folds(recipe, dataset)
    told: list[Event] = []
    tell_of_folds(recipe, dataset, folds, told.append)
    if duplicates == "independent" or settings.get("validation") == "kfold":
        assert told == []
        return
    pixels = load_train_split(dataset).images.numpy()
    train, validation = ([pixels[i].tobytes() for i in part] for part in vars(folds[0]).values())
    shared = set(train) & set(validation)
    n_images = sum(one in shared for one in validation)
    assert shared
    assert told == [
        Notice(
            f"COPIES IN BOTH the training and the validation images: {len(shared)} of 4 groups of "
            f"copies, with {n_images} of the latter's {len(validation)} images, because this "
            "split is taken as it is. The score on them may be far too good."
        )
    ]


def test_groups_are_joined_by_copies(tmp_path: Path, make_recipe: Maker) -> None:
    """Two patients who share an image are on one side."""
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (60, 8, 8), dtype=np.uint8)
    images[5] = images[50]
    patients = np.arange(60) // 3
    np.savez(tmp_path / "a.npz", images=images, labels=patients % 2, patient=patients)
    recipe = make_recipe(
        dataset=str(tmp_path / "a.npz"), groups="patient", duplicates="together", test_fraction=0.1
    )
    dataset = prepare_dataset(DatasetRequest.of(recipe), lambda event: None)
    groups = fold_groups(recipe, dataset)
    alone = fold_groups(recipe.model_copy(update={"duplicates": "independent"}), dataset)
    assert groups is not None
    assert alone is not None
    assert len(set(groups.tolist())) in (len(set(alone.tolist())) - 1, len(set(alone.tolist())))
    (fold,) = make_folds(recipe, dataset)
    assert not set(groups[fold.train]) & set(groups[fold.validation])
