"""Runs the search part of a study: from its open points to none."""

import shutil
import time

from search.executors.pool import Workers
from search.recipe import Recipe
from search.tuning.by_name import build_rule
from search.tuning.coordinator import Coordinator
from search.tuning.dispatch import Dispatcher
from search.tuning.duplicates import Duplicates
from search.tuning.feasibility import Feasibility
from search.tuning.jobs import JobFactory
from search.tuning.judge import Judge
from search.tuning.observer import StudyObserver
from search.tuning.opening import OpenStudy
from search.tuning.orphans import fail_orphans
from search.tuning.queue import TrialQueue
from search.tuning.race import FoldRace
from search.tuning.records import StudyRecord, TrialRecord
from search.tuning.rules import PruningRule, as_higher_is_better
from search.tuning.settling import Settler
from search.tuning.stopping import StopRequest
from search.tuning.store import read_study
from search.tuning.telling import Teller


def run_search(
    opened: OpenStudy, workers: Workers, observer: StudyObserver, stop: StopRequest
) -> bool:
    """Run every open trial of the study; returns False where it was stopped before their end.

    Raises UserError where no candidate can be trained, MachineError where the disk takes no more.
    """
    fail_orphans(opened.study, opened.storage, opened.paths)
    if opened.paths.work_dir.exists():
        shutil.rmtree(opened.paths.work_dir)
    coordinator = _coordinator(opened, workers, observer)
    with stop.heeded():
        return coordinator.run(stop)


def _coordinator(opened: OpenStudy, workers: Workers, observer: StudyObserver) -> Coordinator:
    recipe, data, folds = opened.recipe, opened.dataset, opened.statistics
    queue, record = _queue(opened), read_study(opened.study)
    ended = [trial for trial in record.trials if not queue.is_open(trial.plan)]
    rule = build_rule(recipe.pruner, recipe.epochs, recipe.seed)
    jobs = JobFactory(recipe, opened.paths, data, opened.folds_hash, folds, rule)
    for trial in ended:
        jobs.forget(trial.plan)
    observer.study_opened(recipe, queue.n_planned, ended)
    judge, dispatcher = _judge(rule, recipe, ended), Dispatcher(workers, jobs, observer)
    teller = Teller(opened.study, opened.storage, recipe, data)
    duplicates = Duplicates(_by_this_code(record, ended), repeat=recipe.sampler == "baseline")
    race = _race(recipe, ended) if recipe.racing else None
    every = recipe.checkpoint_every
    return Coordinator(
        queue=queue,
        judge=judge,
        dispatcher=dispatcher,
        settler=Settler(queue, judge, dispatcher, teller, observer, duplicates, race, every),
        teller=teller,
        observer=observer,
        duplicates=duplicates,
        n_folds=len(folds),
        race=race,
        deadline=None if recipe.timeout is None else time.monotonic() + recipe.timeout,
        trial_timeout=recipe.trial_timeout,
    )


def _queue(opened: OpenStudy) -> TrialQueue:
    feasibility = Feasibility(opened.dataset, opened.recipe.max_parameters)
    points, space = opened.points, opened.space
    return TrialQueue(opened.study, opened.storage, opened.recipe, space, points, feasibility)


def _judge(rule: PruningRule, recipe: Recipe, ended: list[TrialRecord]) -> Judge:
    """Return the judge, who knows the trials of earlier runs, equal ones once."""
    judge = Judge(rule, recipe.epochs)
    for trial in ended:
        curve = trial.history.mean_curve(recipe.metric) if trial.same_as is None else []
        judge.settle(trial.plan, as_higher_is_better(curve, recipe.metric))
    return judge


def _by_this_code(record: StudyRecord, ended: list[TrialRecord]) -> list[TrialRecord]:
    """Return the trials since the code last changed: others' results are not those of equals."""
    if not record.changes:
        return ended
    begun = [(trial.started, trial) for trial in ended if trial.started is not None]
    return [trial for time, trial in begun if time.astimezone() >= record.changes[-1].time]


def _race(recipe: Recipe, ended: list[TrialRecord]) -> FoldRace:
    whole = [t for t in ended if len(t.history.epochs) == recipe.epochs and t.same_as is None]
    raced = [t for t in whole if not t.diverged]
    return FoldRace(recipe.folds, recipe.metric, {t.plan: t.history for t in raced})
