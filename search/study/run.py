"""Runs the search part of a study: from its open points to none."""

import shutil
import time
from typing import final

from cifar_models import count_parameters
from search.data.dataset import DatasetInfo
from search.study.coordinator import Coordinator
from search.study.jobs import JobFactory
from search.study.judge import Judge
from search.study.observer import StudyObserver
from search.study.opening import OpenStudy
from search.study.plan import planned_points
from search.study.pruners import build_rule
from search.study.pruning import as_higher_is_better
from search.study.queue import TrialQueue
from search.study.store import read_study
from search.study.telling import Teller
from search.study.workers import Workers
from spaces import Candidate


@final
class Feasibility:
    """Says why a candidate cannot be trained here: too many parameters, or images too small."""

    def __init__(self, dataset: DatasetInfo, max_parameters: int | None) -> None:
        self._dataset, self._most = dataset, max_parameters

    def __call__(self, candidate: Candidate) -> str | None:
        """Return the objection, or None; raises ValueError where the network cannot be built."""
        classes = len(self._dataset.class_names)
        count = count_parameters(candidate.model, self._dataset.image_shape, classes)
        if self._most is not None and count > self._most:
            return f"{count:,} parameters are more than max_parameters {self._most:,}"
        return None


def run_search(opened: OpenStudy, workers: Workers, observer: StudyObserver) -> None:
    """Run every open trial of the study; raises UserError where no candidate can be trained."""
    recipe = opened.recipe
    if opened.paths.work_dir.exists():
        shutil.rmtree(opened.paths.work_dir)
    objection = Feasibility(opened.dataset, recipe.max_parameters)
    points = planned_points(recipe, opened.space, objection)
    queue = TrialQueue(opened.study, opened.storage, recipe, opened.space, points, objection)
    rule = build_rule(recipe.pruner, recipe.epochs, recipe.seed)
    ended = [trial for trial in read_study(opened.study).trials if not queue.is_open(trial.plan)]
    judge = Judge(rule, recipe.epochs)
    for trial in ended:
        curve = trial.history.mean_curve(recipe.metric)
        judge.settle(trial.plan, as_higher_is_better(curve, recipe.metric))
    observer.study_opened(recipe, queue.n_planned, ended)
    Coordinator(
        queue=queue,
        judge=judge,
        jobs=JobFactory(
            recipe, opened.paths, opened.dataset, opened.folds_hash, opened.statistics, rule
        ),
        teller=Teller(opened.study, recipe.metric, opened.dataset),
        workers=workers,
        observer=observer,
        deadline=None if recipe.timeout is None else time.monotonic() + recipe.timeout,
    ).run()
