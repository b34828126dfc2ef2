"""Runs the search part of a study: from its open points to none."""

import shutil
import time

from search.recipe import Recipe
from search.study.coordinator import Coordinator
from search.study.dispatch import Dispatcher
from search.study.duplicates import Duplicates
from search.study.feasibility import Feasibility
from search.study.jobs import JobFactory
from search.study.judge import Judge
from search.study.observer import StudyObserver
from search.study.opening import OpenStudy
from search.study.orphans import fail_orphans
from search.study.pruners import build_rule
from search.study.pruning import as_higher_is_better
from search.study.queue import TrialQueue
from search.study.race import FoldRace
from search.study.records import TrialRecord
from search.study.settling import Settler
from search.study.stopping import StopRequest
from search.study.store import read_study
from search.study.telling import Teller
from search.study.workers import Workers


def run_search(
    opened: OpenStudy, workers: Workers, observer: StudyObserver, stop: StopRequest
) -> bool:
    """Run every open trial of the study; returns False where it was stopped before their end.

    Raises UserError where no candidate can be trained, MachineError where the disk takes no more.
    """
    recipe = opened.recipe
    deadline = None if recipe.timeout is None else time.monotonic() + recipe.timeout
    fail_orphans(opened.study, opened.storage, opened.paths)
    if opened.paths.work_dir.exists():
        shutil.rmtree(opened.paths.work_dir)
    queue = TrialQueue(
        opened.study,
        opened.storage,
        recipe,
        opened.space,
        opened.points,
        Feasibility(opened.dataset, recipe.max_parameters),
    )
    rule = build_rule(recipe.pruner, recipe.epochs, recipe.seed)
    ended = [trial for trial in read_study(opened.study).trials if not queue.is_open(trial.plan)]
    jobs = JobFactory(
        recipe, opened.paths, opened.dataset, opened.folds_hash, opened.statistics, rule
    )
    judge = Judge(rule, recipe.epochs)
    for trial in ended:
        jobs.forget(trial.plan)
        curve = trial.history.mean_curve(recipe.metric) if trial.same_as is None else []
        judge.settle(trial.plan, as_higher_is_better(curve, recipe.metric))
    observer.study_opened(recipe, queue.n_planned, ended)
    dispatcher = Dispatcher(workers, jobs, observer)
    teller = Teller(opened.study, opened.storage, recipe, opened.dataset)
    duplicates = Duplicates(ended, repeat=recipe.sampler == "baseline")
    race = _race(recipe, ended) if recipe.racing else None
    every = recipe.checkpoint_every
    settler = Settler(queue, judge, dispatcher, teller, observer, duplicates, race, every)
    coordinator = Coordinator(
        queue=queue,
        judge=judge,
        dispatcher=dispatcher,
        settler=settler,
        teller=teller,
        observer=observer,
        duplicates=duplicates,
        n_folds=len(opened.statistics),
        race=race,
        deadline=deadline,
        trial_timeout=recipe.trial_timeout,
    )
    with stop.heeded():
        return coordinator.run(stop)


def _race(recipe: Recipe, ended: list[TrialRecord]) -> FoldRace:
    whole = [t for t in ended if len(t.history.epochs) == recipe.epochs and t.same_as is None]
    raced = [t for t in whole if not t.diverged]
    return FoldRace(recipe.folds, recipe.metric, {t.plan: t.history for t in raced})
