"""The phrases that describe a running search: its plan, its trials, the time left."""

from collections import Counter
from collections.abc import Sequence

from search import text
from search.metric import Metric
from search.objectives import objectives_of
from search.progress.state import Eta, SearchProgress
from search.recipe import Recipe
from search.text import listed, printable
from search.tuning.budget import Budget, BudgetPlan
from search.tuning.estimate import Estimate
from search.tuning.plan import PlanInfo
from search.tuning.pruners import get_pruner
from search.tuning.records import TrialRecord
from search.tuning.samplers import get_sampler


def describe_number(trial: TrialRecord) -> str:
    """Return a trial's number, and for a retry also its index in the plan."""
    retry = f" (retry of index {trial.plan})" if trial.attempt else ""
    return f"trial {trial.number}{retry}"


def describe_end(trial: TrialRecord, recipe: Recipe, metric: Metric) -> str:
    """Return how a trial ended, in words."""
    if trial.same_as is not None:
        known = f"not trained again, same settings as trial {trial.same_as}"
        return f"{known}: {_describe_end(trial, recipe, metric)}"
    return _describe_end(trial, recipe, metric)


def _describe_end(trial: TrialRecord, recipe: Recipe, metric: Metric) -> str:
    epochs = text.plural(len(trial.history.epochs), "epoch")
    if trial.state in ("waiting", "running"):
        return trial.state
    if trial.state == "failed":
        interrupted = "interrupted; it goes on from its last epoch in a further attempt"
        return interrupted if trial.kind == "interrupted" else f"failed: {trial.reason}"
    if trial.infeasible:
        return f"not trained: {trial.reason}"
    if trial.diverged:
        return f"diverged: {trial.reason}"
    if trial.state == "pruned":
        folds = text.on_folds(trial.history.n_folds(), recipe.n_folds)
        return f"pruned after {epochs}{folds} at {text.score(trial.value, metric)}"
    std = trial.fold_deviation
    spread = "" if std is None else f" +- {text.score(std, metric)}"
    score = text.score(trial.mean, metric)
    return f"complete: {score}{spread} at epoch {trial.best_epoch} of {len(trial.history.epochs)}"


def describe_stop(n_training: int) -> str:
    """Return what a requested stop waits for."""
    if not n_training:
        return "stopping"
    running = text.plural(n_training, "training")
    return (
        f"stopping: finishing and saving the current epoch of {running}; "
        "Ctrl-C again stops at once and loses it"
    )


def describe_best(progress: SearchProgress) -> str:
    """Return the best trial so far; during a race, the leader on the first fold."""
    metric, leader = progress.metric, progress.leader
    if progress.best is not None:
        score = text.score(progress.best.mean, metric)
        return f"best so far: {score} (trial {progress.best.number})"
    if leader is not None:
        score = text.score(leader.best, metric)
        return f"leading on the first fold: {score} (trial {leader.number})"
    if progress.counts.get("complete") and progress.objectives.choice.limits:
        return f"best so far: none meets {progress.recipe.choose!r}"
    return "best so far: none"


def describe_race(progress: SearchProgress) -> str | None:
    """Return the state of a fold race; None without one."""
    if not progress.recipe.racing or not progress.running:
        return None
    race = progress.race
    if race is None:
        return f"race: all trials on the first of {progress.recipe.folds} folds"
    return f"race: {format_trials(race.numbers)} on {race.n_folds} of {race.of} folds"


def describe_left(eta: Eta, now: float) -> str:
    """Return the time left for search and refit, and whether the time is up."""
    seconds = eta.seconds_left(now)
    refit = ", including the refit" if eta.progress.recipe.protocol.refits else ""
    left = f"{text.rough_range(seconds, seconds)} left{refit}" if seconds is not None else "? left"
    awaited = eta.is_late(now) and eta.progress.running
    return f"time is up, finishing the running trials: {left}" if awaited else left


def describe_timeout(eta: Eta) -> str:
    """Return that the time is up, and which trials will still be finished."""
    n_running, recipe = len(eta.progress.running), eta.progress.recipe
    running = "the running trial" if n_running == 1 else f"the {n_running} running trials"
    limit = text.duration(recipe.timeout)
    return f"time is up after {limit} (timeout): finishing {running}"


def format_trials(numbers: Sequence[int], most: int = 8) -> str:
    """Return "trial 3" or "trials 3, 1, 7"; of many, the first and how many more."""
    names = ", ".join(str(number) for number in numbers[:most])
    more = f" and {len(numbers) - most} more" if len(numbers) > most else ""
    return f"{'trial' if len(numbers) == 1 else 'trials'} {names}{more}"


def describe_running(progress: SearchProgress) -> str:
    """Return how many trials are training, and how many wait, in a race or at a rung.

    Where workers come and leave, their number follows.
    """
    waiting = sum(trial.slot is None for trial in progress.running.values())
    running = f"{len(progress.running) - waiting} running"
    if progress.n_workers is not None:
        running = f"{running} on {text.plural(progress.n_workers, 'worker')}"
    return f"{running}, {waiting} waiting" if waiting else running


def plan_lines(plan: PlanInfo) -> tuple[tuple[str, str], ...]:
    """Return (label, text) of dataset, study, evaluation, resources and, if known, time."""
    lines: tuple[tuple[str, str], ...] = (
        ("dataset", _dataset(plan)),
        ("study", _study(plan)),
        ("evaluation", _evaluation(plan)),
        ("resources", _resources(plan)),
    )
    budget, time = _budget(plan), describe_time(plan)
    if budget:
        besides = "" if plan.recipe.finalists is None else "; the finalists take more time"
        lines = (*lines, ("budget", f"{budget}{besides}"))
    return (*lines, ("time", time)) if time else lines


def _budget(plan: PlanInfo) -> str:
    """Return what a time budget buys; "" without one, or if it is the default and binds nothing.

    Of a study that is resumed, which keeps its plan, the time counts from now.
    """
    budget, n_left = plan.budget, plan.n_planned - plan.n_done
    if budget is None:
        return ""
    if plan.n_done:
        rest = f"the remaining {text.plural(n_left, 'trial')}, refit, test and report"
        return f"{text.duration(budget.seconds)} from now for {rest}" if n_left else ""
    hidden = budget.by_default and not budget.binds(plan.n_planned)
    return "" if hidden else describe_budget(budget)


def describe_budget(budget: Budget) -> str:
    """Return what a time budget buys, and what more time would."""
    end = f"{text.duration(budget.seconds)} for search, refit, test and report"
    if budget.is_short:
        return f"{end}, which is too short: {_describe_plan(budget.plan)}, will take longer"
    bought = f"about {_describe_plan(budget.plan)}"
    return f"{end}: {bought}; {text.duration(4 * budget.seconds)} would allow " + (
        _describe_plan(budget.further)
    )


def _describe_plan(plan: BudgetPlan) -> str:
    largest = plan.max_multiply_adds
    size = "networks of any size"
    if largest is not None:
        size = f"networks of up to {largest / 1e6:,.0f} million multiply-adds"
    return f"{text.plural(plan.trials, 'trial')} of {text.plural(plan.epochs, 'epoch')}, {size}"


def describe_time(plan: PlanInfo) -> str | None:
    """Return the estimate in words; None if there is nothing to estimate."""
    if plan.unknown is not None:
        return printable(f"unknown, the warm-up failed: {plan.unknown}")
    if plan.estimate is None:
        return None
    what = "search and refit" if plan.recipe.protocol.refits else "search"
    by = "a short warm-up" if plan.estimate.measured == "warm-up" else "the trials so far"
    time = (
        f"{text.rough_range(plan.estimate.low, plan.estimate.high)} for {what}, estimated from {by}"
    )
    return time + _timeout(plan.estimate)


def _timeout(estimate: Estimate) -> str:
    """Return how many trials start before the timeout; nothing without one."""
    if estimate.timeout is None:
        return ""
    words = f"; no trial starts after {text.duration(estimate.timeout)}"
    started, n_open = estimate.n_started(), f"{estimate.n_open:,}"
    if started is None:
        return words
    few, many = (f"{count:,}" for count in started)
    count = few if few == many else f"{few} to {many}"
    return f"{words}, so about {count} of the {n_open} remaining trials will start"


def _dataset(plan: PlanInfo) -> str:
    one, shape = plan.dataset, " x ".join(str(size) for size in plan.dataset.image_shape)
    classes = f"{len(one.class_names):,} classes"
    images = f"{one.n_train:,} training images of {classes}, {shape}"
    independence = plan.quality.independence(kept_together=plan.recipe.deals_folds)
    return printable(f"{one.name}: {images}; {one.n_test:,} test images, sealed; {independence}")


def _study(plan: PlanInfo) -> str:
    recipe = plan.recipe
    grid = "" if plan.n_grid is None else f" of a grid of {plan.n_grid:,} points"
    how = get_sampler(recipe.sampler).words
    done = text.trials_done(plan.n_done, plan.n_planned, at_most=_is_limit(plan))
    rejected = _rejected(plan.rejections)
    return printable(f"{recipe.study_name}: space {recipe.space}, {how}{grid}{rejected}; {done}")


def _is_limit(plan: PlanInfo) -> bool:
    """Return whether a new study's budget has time for fewer trials than the user allows."""
    budget = None if plan.n_done else plan.budget
    return budget is not None and budget.plan.trials < plan.n_planned


def _rejected(reasons: Sequence[str]) -> str:
    """Return how many points the space rejected, with the most frequent reason; "" for none."""
    if not reasons:
        return ""
    reason, _ = Counter(reasons).most_common(1)[0]
    return f"; the space rejected {text.plural(len(reasons), 'other point')}, as in: {reason}"


def _evaluation(plan: PlanInfo) -> str:
    recipe = plan.recipe
    if recipe.validation == "kfold":
        folds = f"{recipe.folds}-fold cross-validation"
        how = f"{folds}, racing from one fold" if recipe.racing else folds
    elif recipe.validation == "given":
        how = f"the given validation images ({recipe.holdout_fraction:.0%})"
    else:
        how = f"{recipe.holdout_fraction:.0%} holdout"
    pruner = get_pruner(recipe.pruner).words
    bound = "" if recipe.protocol.scores_last_epoch else "at most "
    return (
        f"{how}, {_objectives(recipe)}; {pruner}, "
        f"{bound}{text.plural(recipe.epochs, 'epoch')} per trial"
    )


def _objectives(recipe: Recipe) -> str:
    """Return what a search optimizes; with several objectives also how its winner is chosen."""
    objectives = objectives_of(recipe.metric, recipe.objective, recipe.choose)
    metric, *costs = objectives.words()
    if not costs:
        return metric
    rule = recipe.choose or f"best {objectives.metric.name}"
    return f"{metric} against {listed(costs)}, winner: {rule}"


def _resources(plan: PlanInfo) -> str:
    recipe, disk = plan.recipe, plan.disk
    workers = text.plural(plan.n_workers, "worker")
    words = (
        f"{workers} x {text.plural(recipe.threads, 'thread')}, {recipe.device}, {recipe.precision}"
    )
    free = text.size(disk.free)
    if not disk.checkpoints:
        return f"{words}; no checkpoints, {free} disk free"
    return f"{words}; checkpoints up to {text.size(disk.checkpoints)}, {free} disk free"
