"""What a study's trials have in common, as jobs for an executor."""

import shutil
from pathlib import Path
from typing import final

from search.executors.trial_job import TrialJob
from search.recipe import Recipe
from search.training.settings import TrainingSettings
from search.tuning.opening import OpenStudy
from search.tuning.pruners import Pruner
from spaces import Candidate


@final
class TrialJobs:
    """Makes the jobs of a study's trials, and removes their files."""

    def __init__(self, opened: OpenStudy, pruner: Pruner) -> None:
        self._opened, self._pruner = opened, pruner

    def build(
        self, number: int, index: int, candidate: Candidate, folds: tuple[int, ...], *, prune: bool
    ) -> TrialJob:
        """Return the job of some folds of a trial; with `prune` it may be pruned meanwhile."""
        opened, recipe, paths = self._opened, self._opened.recipe, self._opened.paths
        epochs = range(1, recipe.epochs) if prune else ()
        return TrialJob(
            index=index,
            candidate=candidate.model_dump_json(),
            dataset=opened.dataset,
            folds=folds,
            folds_path=paths.folds,
            folds_hash=opened.folds_hash,
            statistics=opened.statistics,
            study_seed=recipe.seed,
            settings=training_settings(recipe),
            threads=recipe.threads,
            decision_epochs=frozenset(e for e in epochs if self._pruner.decides_at(index, e)),
            folder=paths.fold_group_dir(number, folds[0]),
            checkpoints=paths.trial_checkpoints(index),
            checkpoint_every=recipe.checkpoint_every,
            network=None if recipe.protocol.refits else paths.network(number),
        )

    def clear(self, number: int) -> None:
        """Remove a trial's folder, if there is one."""
        remove_folder(self._opened.paths.trial_dir(number))

    def forget(self, index: int) -> None:
        """Remove the checkpoints of an index that needs no further attempt."""
        remove_folder(self._opened.paths.trial_checkpoints(index))


def remove_folder(folder: Path) -> None:
    """Remove the folder with all it holds, if it exists."""
    if folder.exists():
        shutil.rmtree(folder)


def training_settings(recipe: Recipe) -> TrainingSettings:
    """Return the training settings of a resolved recipe."""
    if recipe.precision == "auto":
        raise ValueError("recipe must be resolved, got precision 'auto'")
    return TrainingSettings(
        recipe.epochs,
        recipe.device,
        recipe.precision,
        recipe.protocol.evaluation_batch,
        recipe.protocol.mean_over,
    )
