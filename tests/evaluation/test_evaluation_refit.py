"""The refit: all training images, E* epochs, replayed rates, and nothing to look at."""

import re
from collections.abc import Callable
from dataclasses import replace

import pytest
import torch

from search.data.cache import CachePaths, load_train_split
from search.data.dataset import DatasetInfo, channel_statistics
from search.evaluation.refit import Diverged, Refit, refit, refit_job
from search.executors import InlineExecutor
from search.files import remove_folder
from search.paths import RunPaths
from search.recipe import Recipe
from search.seeding import derive_seed
from search.stopping import StopRequest
from search.training.settings import TrainingSettings
from search.training.trainer import FoldTask, FoldTraining
from search.tuning.records import TrialRecord
from spaces.candidate import CosineConfig, SGDConfig
from spaces.schedules import CosineSchedule, ReplaySchedule

WinnerMaker = Callable[..., TrialRecord]


def silently(winner: TrialRecord, recipe: Recipe, dataset: DatasetInfo) -> Refit:
    fitted = _refit(winner, recipe, dataset, lambda done, total: None)
    assert isinstance(fitted, Refit)
    return fitted


def _refit(
    winner: TrialRecord,
    recipe: Recipe,
    dataset: DatasetInfo,
    progress: Callable[[int, int], None],
) -> Refit | Diverged | None:
    """Refit in this process with one thread, without a checkpoint from before."""
    paths = RunPaths(dataset.cache_dir.parent, "study")
    remove_folder(paths.checkpoints_dir)
    paths.study_dir.mkdir(exist_ok=True)
    job = replace(refit_job(winner, recipe, dataset, paths), threads=1)
    return refit("study", winner, job, InlineExecutor(), progress, StopRequest())


def weights(fitted: Refit) -> list[torch.Tensor]:
    return [value.clone() for value in fitted.classifier.network.state_dict().values()]


def test_refit_trains_on_every_training_image(
    make_winner: WinnerMaker, recipe: Recipe, dataset: DatasetInfo
) -> None:
    """The weights are those of one training on the whole split with its own statistics."""
    winner = make_winner()
    assert winner.candidate is not None
    data, everything = load_train_split(dataset), torch.arange(dataset.n_train)
    statistics = channel_statistics(data.images, everything)
    task = FoldTask(
        train=everything,
        validation=None,
        statistics=statistics,
        schedule=ReplaySchedule((0.05, 0.025, 0.0125)),
        seed=derive_seed(recipe.seed, "trial", winner.plan, "refit"),
    )
    expected = FoldTraining(winner.candidate, task, data, 2, TrainingSettings(recipe.epochs))
    for epoch in (1, 2, 3):
        expected.run_epoch(epoch)
    found = silently(winner, recipe, dataset)
    assert found.statistics == statistics
    state = expected.model.state_dict().values()
    assert all(torch.equal(a, b) for a, b in zip(weights(found), state, strict=True))


def test_refit_lasts_best_epoch_epochs_at_the_median_rates(
    make_winner: WinnerMaker, recipe: Recipe, dataset: DatasetInfo
) -> None:
    """The record says which trial, E* epochs, the replayed rates and no validation figures."""
    record = silently(make_winner(), recipe, dataset).record
    assert (record.trial, record.epochs, len(record.history.epochs)) == (7, 3, 3)
    assert record.history.learning_rates() == pytest.approx([0.05, 0.025, 0.0125])
    folds = [fold for epoch in record.history.epochs for fold in epoch]
    assert len(folds) == 3
    assert {(f.validation_loss, f.validation_accuracy) for f in folds} == {(None, None)}
    assert record.seconds > 0
    assert record.threads == torch.get_num_threads()


def test_refit_keeps_the_horizon(
    make_winner: WinnerMaker, recipe: Recipe, dataset: DatasetInfo
) -> None:
    """A cosine stops at E* on its way to the recipe's last epoch, whatever the folds recorded."""
    winner = make_winner()
    assert winner.candidate is not None
    candidate = winner.candidate.model_copy(update={"schedule": CosineConfig()})
    found = silently(replace(winner, candidate=candidate), recipe, dataset)
    expected = [CosineSchedule(0.05, recipe.epochs).rates(epoch, 3)[0] for epoch in (1, 2, 3)]
    assert found.record.history.learning_rates() == pytest.approx(expected)


def test_refit_repeats_bit_for_bit(
    make_winner: WinnerMaker, recipe: Recipe, dataset: DatasetInfo
) -> None:
    """The same winner gives the same weights, another seed or plan index gives others."""
    first, again, other_seed, other_plan = (
        weights(silently(winner, settings, dataset))
        for winner, settings in (
            (make_winner(), recipe),
            (make_winner(number=99), recipe),
            (make_winner(), recipe.model_copy(update={"seed": 1})),
            (make_winner(plan=6), recipe),
        )
    )
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
    assert not torch.equal(first[0], other_seed[0])
    assert not torch.equal(first[0], other_plan[0])


def test_refit_tells_each_epoch(
    make_winner: WinnerMaker, recipe: Recipe, dataset: DatasetInfo
) -> None:
    """Progress counts the epochs up to E*."""
    told: list[tuple[int, int]] = []
    _refit(make_winner(), recipe, dataset, lambda done, total: told.append((done, total)))
    assert told == [(1, 3), (2, 3), (3, 3)]


def test_refit_does_without_the_test_split(
    make_winner: WinnerMaker, recipe: Recipe, dataset: DatasetInfo
) -> None:
    """The refit is the same where the test arrays are gone."""
    expected = weights(silently(make_winner(), recipe, dataset))
    paths = CachePaths(dataset.cache_dir)
    paths.test_images.unlink()
    paths.test_labels.unlink()
    found = weights(silently(make_winner(), recipe, dataset))
    assert all(torch.equal(a, b) for a, b in zip(found, expected, strict=True))


def test_divergence_is_one_line(
    make_winner: WinnerMaker, recipe: Recipe, dataset: DatasetInfo
) -> None:
    """A loss that is not finite ends the refit with what was kept and how to go on."""
    winner = make_winner()
    assert winner.candidate is not None
    changes = {"optimizer": SGDConfig(learning_rate=1e30), "schedule": CosineConfig()}
    wild = replace(winner, candidate=winner.candidate.model_copy(update=changes))
    found = _refit(wild, recipe, dataset, lambda done, total: None)
    assert isinstance(found, Diverged)
    line = str(found.error())
    assert re.search(r"refit diverged in epoch \d.*study is kept", line)
    assert "\n" not in line


@pytest.mark.parametrize("missing", ["candidate", "best_epoch"])
def test_only_complete_trials_are_refitted(
    missing: str, make_winner: WinnerMaker, recipe: Recipe, dataset: DatasetInfo
) -> None:
    """A trial without candidate or E* is a mistake of the caller."""
    with pytest.raises(ValueError, match="complete trial, got trial 7"):
        silently(make_winner(**{missing: None}), recipe, dataset)
