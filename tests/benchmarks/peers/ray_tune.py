"""Ray Tune with ASHA as its PyTorch tutorial on CIFAR-10 has it.

Random sampling, `ASHAScheduler(grace_period=1, reduction_factor=2)`, a process of one CPU a
trial and as many at once as there are cores, in each a DataLoader without workers. The images go
through Ray's object store, once.
"""

import itertools
import os
from typing import Any

import joblib
import ray
from ray import tune
from ray.tune.schedulers import ASHAScheduler

from spaces import Candidate
from tests.benchmarks.peers.candidates import candidate_at
from tests.benchmarks.peers.plain import train
from tests.benchmarks.peers.task import Arrays, Task


def search(task: Task) -> None:
    """Search until the budget ends."""
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    ray.init(num_cpus=joblib.cpu_count(), include_dashboard=False, log_to_driver=False)
    numbers = itertools.count()

    def sample(_spec: object) -> dict[str, Any]:
        number = next(numbers)
        return {
            "number": number,
            "json": candidate_at(task.space, task.seed, number).model_dump_json(),
        }

    trainable = tune.with_parameters(_trainable, task=task, arrays=task.load())
    tuner = tune.Tuner(
        tune.with_resources(trainable, {"cpu": 1}),
        param_space={"candidate": tune.sample_from(sample)},
        tune_config=tune.TuneConfig(
            metric="accuracy",
            mode="max",
            num_samples=-1,
            time_budget_s=task.budget,
            scheduler=ASHAScheduler(max_t=task.epochs, grace_period=1, reduction_factor=2),
        ),
        run_config=tune.RunConfig(storage_path=str(task.scratch.absolute()), verbose=0),
    )
    tuner.fit()


def _trainable(config: dict[str, Any], task: Task, arrays: Arrays) -> None:
    number, recorder = config["candidate"]["number"], task.recorder()
    candidate = Candidate.from_json(config["candidate"]["json"])
    for epoch, accuracy in enumerate(train(candidate, arrays, task.epochs, number), 1):
        recorder.add(str(number), epoch, accuracy)
        tune.report({"accuracy": accuracy})
