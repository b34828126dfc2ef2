"""scikit-learn's HalvingRandomSearchCV over a skorch classifier, with epochs as the resource.

Halving by 3, from the first rung of at least 2 epochs whose last comes nearest to all the epochs;
as many candidates a search as that needs ("exhaust"), a process of one thread a core (`n_jobs=-1`:
joblib limits the threads), no refit. The one split is the holdout. A search that ends is followed
by one over further candidates. As resources buy a fresh fit, a schedule's horizon is the fit's.
"""

import itertools
import math

import numpy as np
from sklearn.experimental import enable_halving_search_cv  # noqa: F401  # registers the class
from sklearn.model_selection import HalvingRandomSearchCV

from tests.benchmarks.peers.candidates import candidate_at
from tests.benchmarks.peers.classifier import CandidateClassifier
from tests.benchmarks.peers.task import Task

FACTOR, LEAST_EPOCHS = 3, 2


def first_rung(epochs: int) -> int:
    """Return the epochs of the first rung."""
    rungs = math.floor(math.log(max(epochs // LEAST_EPOCHS, 1), FACTOR))
    return int(epochs // FACTOR**rungs)


def search(task: Task) -> None:
    """Search until the process is killed."""
    arrays, first = task.load(), first_rung(task.epochs)
    rows = np.arange(len(arrays.labels))
    size = task.epochs // first
    for start in itertools.count(step=size):
        numbers = range(start, start + size)
        halving = HalvingRandomSearchCV(
            CandidateClassifier(task),
            {"candidate": [_candidate(task, number) for number in numbers]},
            resource="max_epochs",
            min_resources=first,
            max_resources=task.epochs,
            factor=FACTOR,
            cv=[(arrays.train, arrays.validation)],
            random_state=task.seed,
            n_jobs=-1,
            refit=False,
            error_score="raise",
        )
        halving.fit(rows, arrays.labels)


def _candidate(task: Task, number: int) -> str:
    return candidate_at(task.space, task.seed, number).model_dump_json()
