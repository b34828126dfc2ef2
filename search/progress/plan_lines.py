"""The plan of a run in four lines, and how long it may take. Pure."""

from search.formatting import format_bytes, format_epochs, format_roughly, format_seconds, printable
from search.tuning.outlook import Estimate
from search.tuning.planning import PlanInfo

_PRUNERS = {"none": "no pruner"}


def plan_lines(plan: PlanInfo) -> tuple[tuple[str, str], ...]:
    """Return (what, words): dataset, study, evaluation and resources; then the time, if known."""
    lines = (
        ("dataset", _dataset(plan)),
        ("study", _study(plan)),
        ("evaluation", _evaluation(plan)),
        ("resources", _resources(plan)),
    )
    time = describe_time(plan)
    return (*lines, ("time", time)) if time else lines


def describe_time(plan: PlanInfo) -> str | None:
    """Return the estimate in words, None where there is nothing to estimate."""
    if plan.unknown is not None:
        return printable(f"unknown, as the warm-up failed: {plan.unknown}")
    if plan.estimate is None:
        return None
    what = "search" if plan.recipe.as_reported else "search and refit"
    by = "a short warm-up" if plan.estimate.measured == "warm-up" else "the trials so far"
    time = f"{format_roughly(plan.estimate.low, plan.estimate.high)} for {what}, judged by {by}"
    return time + _timeout(plan.estimate)


def _timeout(estimate: Estimate) -> str:
    """Return what a timeout leaves of the trials, nothing without one."""
    if estimate.timeout is None:
        return ""
    words = f"; no trial starts after {format_seconds(estimate.timeout)}"
    begun, n_open = estimate.n_begun(), f"{estimate.n_open:,}"
    if begun is None:
        return words
    few, many = (f"{count:,}" for count in begun)
    count = few if few == many else f"{few} to {many}"
    return f"{words}, so that about {count} of the {n_open} ahead will start"


def _dataset(plan: PlanInfo) -> str:
    one, shape = plan.dataset, " x ".join(str(size) for size in plan.dataset.image_shape)
    classes = f"{len(one.class_names):,} classes"
    sealed = f"{one.n_test:,} more are the sealed test set"
    return printable(f"{one.name}: {one.n_train:,} images of {classes}, {shape}; {sealed}")


def _study(plan: PlanInfo) -> str:
    recipe = plan.recipe
    grid = "" if plan.n_grid is None else f" of a grid of {plan.n_grid:,} points"
    how = "hand-tuned network" if recipe.sampler == "baseline" else f"{recipe.sampler} search"
    done = f"{plan.n_done:,} of {plan.n_planned:,} trials done"
    return printable(f"{recipe.study_name}: space {recipe.space}, {how}{grid}; {done}")


def _evaluation(plan: PlanInfo) -> str:
    recipe = plan.recipe
    if recipe.validation == "kfold":
        folds = f"{recipe.folds}-fold cross-validation"
        how = f"{folds}, raced from one fold on" if recipe.racing else folds
    else:
        how = f"holdout of {recipe.holdout_fraction:.0%}"
    pruner = _PRUNERS.get(recipe.pruner, f"pruner {recipe.pruner}")
    epochs = ("" if recipe.as_reported else "at most ") + format_epochs(recipe.epochs)
    return f"{how}, validation {recipe.metric}; {pruner}, {epochs} a trial"


def _resources(plan: PlanInfo) -> str:
    recipe, disk = plan.recipe, plan.disk
    workers = _count(plan.n_workers, "worker")
    words = f"{workers} x {_count(recipe.threads, 'thread')}, {recipe.device}, {recipe.precision}"
    free = format_bytes(disk.free)
    if not disk.checkpoints:
        return f"{words}; no checkpoints, {free} of disk free"
    return f"{words}; checkpoints of at most {format_bytes(disk.checkpoints)}, {free} of disk free"


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
