"""Optuna as its PyTorch example has it.

A define-by-run objective with TPESampler and MedianPruner at their defaults, the accuracy reported
after every epoch, one trial at a time (`n_jobs=1`; its threads would share one interpreter) on all
of torch's threads, a DataLoader without workers, the study in memory.
"""

import optuna

from spaces import load_space
from tests.benchmarks.peers.plain import train
from tests.benchmarks.peers.task import Task


def search(task: Task) -> None:
    """Search until the budget ends."""
    arrays, recorder, space = task.load(), task.recorder(), load_space(task.space)

    def objective(trial: optuna.Trial) -> float:
        candidate = space.suggest(trial)
        best = 0.0
        for epoch, accuracy in enumerate(train(candidate, arrays, task.epochs, trial.number), 1):
            recorder.add(str(trial.number), epoch, accuracy)
            best = max(best, accuracy)
            trial.report(accuracy, epoch)
            if trial.should_prune():
                raise optuna.TrialPruned
        return best

    study = optuna.create_study(
        direction="maximize",
        sampler=optuna.samplers.TPESampler(seed=task.seed),
        pruner=optuna.pruners.MedianPruner(),
    )
    study.optimize(objective, timeout=task.budget)
