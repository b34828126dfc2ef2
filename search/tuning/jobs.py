"""Builds the jobs of one study and clears up after them."""

import dataclasses
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import final

from search.data.dataset import DatasetInfo
from search.data.statistics import ChannelStatistics
from search.executors.worker import TrialJob
from search.paths import RunPaths, TrialPaths
from search.recipe import Recipe
from search.training.settings import TrainingSettings
from search.tuning.rules import PruningRule
from spaces import Candidate


@final
@dataclass(frozen=True)
class JobFactory:
    """What all trials of a study have in common; `recipe` has no "auto" left."""

    recipe: Recipe
    paths: RunPaths
    dataset: DatasetInfo
    folds_hash: str
    statistics: tuple[ChannelStatistics, ...]
    rule: PruningRule

    def build(
        self, number: int, plan: int, candidate: Candidate, folds: tuple[int, ...], *, judged: bool
    ) -> TrialJob:
        """Return the job of some folds of a trial; `judged` if it may be pruned meanwhile."""
        epochs = range(1, self.recipe.epochs) if judged else ()
        return TrialJob(
            plan=plan,
            candidate=candidate.model_dump_json(),
            dataset=self.dataset,
            folds=folds,
            folds_path=self.paths.folds,
            folds_hash=self.folds_hash,
            statistics=self.statistics,
            study_seed=self.recipe.seed,
            settings=training_settings(self.recipe),
            threads=self.recipe.threads,
            decision_epochs=frozenset(e for e in epochs if self.rule.decides_at(plan, e)),
            paths=TrialPaths(self.paths.strand_dir(number, folds[0])),
            checkpoints=self.paths.trial_checkpoints(plan),
            checkpoint_every=self.recipe.checkpoint_every,
            network=self.paths.network(number) if self.recipe.as_reported else None,
        )

    def clear(self, number: int) -> None:
        """Remove a trial's folder, if there is one."""
        _remove(self.paths.trial_dir(number))

    def forget(self, plan: int) -> None:
        """Remove the checkpoints of a trial that needs no further attempt."""
        _remove(self.paths.trial_checkpoints(plan))


def _remove(directory: Path) -> None:
    if directory.exists():
        shutil.rmtree(directory)


def training_settings(recipe: Recipe) -> TrainingSettings:
    """Return the training settings of a resolved recipe."""
    if recipe.precision == "auto":
        raise ValueError("recipe must be resolved, got precision 'auto'")
    settings = TrainingSettings(recipe.epochs, recipe.device, recipe.precision)
    if not recipe.as_reported:
        return settings
    return dataclasses.replace(settings, evaluation_batch=1000, mean_over="batches")
