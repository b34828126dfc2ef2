"""Prepares a study: what a recipe means for this device and dataset, before anything is written."""

import re
import time
from collections.abc import Mapping
from concurrent.futures import BrokenExecutor, Future, wait
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Self, final

from search.checks import derived_name, describe_value_error
from search.data.cache import load_train_split
from search.data.dataset import DatasetInfo, DatasetRequest
from search.data.sources import dataset_folder, prepare_dataset
from search.data.splits import Fold, class_shares
from search.errors import MachineError, UserError, first_line
from search.events import Listener, Notice
from search.executors.base import Executor
from search.executors.probes import DeviceFacts, DeviceProbe
from search.metric import Metric
from search.paths import RunPaths
from search.recipe import Recipe
from search.training.settings import Precision
from search.tuning.budget import COMPARED_EPOCHS, FULL_EPOCHS, SHORT_EPOCHS, Budget
from search.tuning.drawn_points import Params
from search.tuning.feasibility import Feasibility, check_network
from search.tuning.folds import make_folds, tell_of_folds
from search.tuning.measured_budget import LENGTHS, make_budget, unsaid_budget
from search.tuning.points import PlannedPoints, earlier_points, planned_points
from search.tuning.resumed import started_study
from search.tuning.samplers import ENOUGH_TO_COMPARE, get_sampler
from search.tuning.trying_out import check_families
from search.tuning.unused_settings import unasked_sampler, unused_settings
from search.tuning.workload import early_pruner
from search.user_metric import check_metric, check_metric_name, get_metric
from spaces import Space, load_space
from spaces.inputs import model_inputs
from spaces.load import read_ranges

GIB = 1 << 30
_NEWS_SECONDS = 0.5  # between looks at what a cluster tells


def resolve_recipe(
    recipe: Recipe, dataset: DatasetInfo, space: Space, facts: DeviceFacts
) -> Recipe:
    """Return the recipe with every "auto" resolved, for this device and dataset."""
    sampler = get_sampler(recipe.sampler)
    changes: dict[str, Any] = {
        "study_name": _study_name(recipe, dataset, space.name),
        "pruner": _pruner(recipe) if recipe.pruner == "auto" else recipe.pruner,
        "trials": _n_trials(recipe),
        "batch": (recipe.batch or sampler.default_batch) if sampler.adaptive else None,
        "with_baseline": _has_baseline(recipe, space),
        "start": _start(recipe, space),
        "prior": _prior(recipe, space),
        "refit": "one-se" if recipe.refit == "auto" else recipe.refit,
        "device": facts.device,
        "precision": _precision(recipe, facts),
        "workers": count_workers(recipe, facts),
        "duplicates": _duplicates(recipe),
        "dataset": dataset.name if recipe.dataset == "auto" else recipe.dataset,
    }
    return recipe.model_copy(update=changes)


def _n_trials(recipe: Recipe) -> int | None:
    if recipe.trials is not None:
        return recipe.trials
    early = early_pruner(recipe, ENOUGH_TO_COMPARE)
    if early is not None and recipe.pruner in ("auto", early):
        return ENOUGH_TO_COMPARE
    return get_sampler(recipe.sampler).default_trials


def _pruner(recipe: Recipe) -> str:
    """Return the sampler's pruner; with several objectives none, as only one has a curve."""
    if recipe.objective:
        return "none"
    return _pruner_of_many(recipe) or get_sampler(recipe.sampler).default_pruner


def _pruner_of_many(recipe: Recipe) -> str | None:
    """Return the pruner of many trials; None if there are few, or the user chose another one."""
    early = early_pruner(recipe, _n_trials(recipe) or 0)
    return early if recipe.pruner in ("auto", early) else None


def _has_baseline(recipe: Recipe, space: Space) -> bool:
    return recipe.with_baseline and recipe.start != "none" and space.baseline_params is not None


def _start(recipe: Recipe, space: Space) -> str:
    """Return what is tried first; only samplers that explore the whole space need a portfolio."""
    if recipe.start != "auto":
        return recipe.start
    return "portfolio" if space.portfolio and get_sampler(recipe.sampler).explores else "baseline"


def _prior(recipe: Recipe, space: Space) -> str:
    if recipe.prior != "auto":
        return recipe.prior
    return "on" if space.prior is not None and get_sampler(recipe.sampler).explores else "off"


def _short_schedules(recipe: Recipe, given: frozenset[str]) -> dict[str, Any]:
    """Return how long trials and the refit are where the user did not say.

    Few trials have short schedules, but whole ones, so that candidates can be told apart by their
    ends and none has to be pruned before. Many have longer ones, and only the best continue after
    the first epochs. The winner is retrained by a long one.
    """
    if "epochs" in given or not get_sampler(recipe.sampler).explores:
        return {}
    refit_epochs = recipe.refit_epochs or FULL_EPOCHS
    if (pruner := _pruner_of_many(recipe)) is not None:
        return {"epochs": COMPARED_EPOCHS, "refit_epochs": refit_epochs, "pruner": pruner}
    pruner = "none" if recipe.pruner == "auto" else recipe.pruner
    return {"epochs": SHORT_EPOCHS, "refit_epochs": refit_epochs, "pruner": pruner}


def _study_name(recipe: Recipe, dataset: DatasetInfo, space_name: str) -> str:
    if recipe.study_name != "auto":
        return recipe.study_name
    suffix = f"-kfold{recipe.folds}" if recipe.validation == "kfold" else ""
    suffix += "-racing" if recipe.racing else ""
    parts = (space_name, get_sampler(recipe.sampler).name, dataset.name)
    name = re.sub(r"[^A-Za-z0-9._-]", "_", "-".join(parts))
    return derived_name(name.lstrip(".-"), suffix)


def _duplicates(recipe: Recipe) -> str:
    """Return what is done about copies; published datasets are split as everyone else does."""
    if recipe.duplicates != "auto":
        return recipe.duplicates
    return "independent" if dataset_folder(recipe.dataset) is None else "together"


def _precision(recipe: Recipe, facts: DeviceFacts) -> Precision:
    if recipe.precision != "auto":
        return recipe.precision
    return recipe.protocol.precision or facts.auto_precision


def count_workers(recipe: Recipe, facts: DeviceFacts) -> int:
    """Return how many jobs run at once: as many as requested, or as suit the device for 0.

    On a GPU each process needs 2 GiB for CUDA itself and its copy of the training split, and 1 GiB
    for each network that it trains; more processes than cores would not help, as each needs a core
    to launch its kernels. A rule of thumb, not measured.
    """
    cores = facts.cores // recipe.threads
    if recipe.workers:
        return recipe.workers
    if facts.free_bytes is None:
        return max(1, cores)
    return max(1, min(cores, facts.free_bytes // ((2 + recipe.n_folds) * GIB)))


@final
@dataclass(frozen=True)
class Plan:
    """What a recipe means for this device and dataset.

    Attributes:
        automatic: Settings that were "auto"; a stored study may have resolved them otherwise.
        hardware: What trials run on, in words.
        budget: How the time is spent, if it is limited.
        earlier: Points that were good in the study that the recipe starts from.
        tried: Whether the user's networks have taken a training step.
    """

    recipe: Recipe
    dataset: DatasetInfo
    space: Space
    paths: RunPaths
    folds: tuple[Fold, ...]
    automatic: frozenset[str]
    hardware: Mapping[str, str]
    budget: Budget | None = None
    earlier: tuple[Params, ...] = ()
    tried: bool = False

    @property
    def points(self) -> tuple[Params, ...]:
        """The points that are known beforehand; raises UserError if there is none to try."""
        return self._planned[0].points

    @property
    def n_first(self) -> int:
        """How many of them are known to be good, at most."""
        return self._planned[0].n_first

    @property
    def rejections(self) -> tuple[str, ...]:
        """Why the space rejects points, one reason for each; others were drawn instead of them.

        A grid leaves them out.
        """
        return self._planned[1]

    @cached_property
    def _planned(self) -> tuple[PlannedPoints, tuple[str, ...]]:
        feasibility, reasons = Feasibility.of(self.recipe, self.dataset), list[str]()
        n_train = len(self.folds[0].train)
        with feasibility.naming_the_smallest():
            planned = planned_points(
                self.recipe, self.space, feasibility, n_train, self.earlier, reasons.append
            )
            if self.space.families and planned.points:
                with suppress(ValueError):  # it does not fit the images, as the search will tell
                    check_network(self.space.candidate(planned.points[0]), self.dataset)
        return planned, tuple(reasons)

    def resolved_as(self, settings: Mapping[str, Any]) -> Self:
        """Return the plan with these settings of a stored study."""
        return replace(self, recipe=self.recipe.model_copy(update=settings))


def prepare(
    recipe: Recipe,
    executor: Executor,
    listener: Listener,
    started: float | None = None,
    *,
    budgeted: bool = True,
) -> Plan:
    """Load the space, prepare the dataset, resolve every "auto" and make the folds.

    The executor probes the device meanwhile. A time budget counts from `started`, on the monotonic
    clock; it is not planned unless `budgeted`.

    Raises:
        UserError: The space, the sampler, the dataset or the device is unknown, what the space's
            networks start from is missing, or the dataset is too small for its folds.
        MachineError: Data cannot be obtained, or no worker can be started.
    """
    started = time.monotonic() if started is None else started
    space, given = load_recipe_space(recipe), frozenset(recipe.model_fields_set)
    requested = recipe
    for text in space.notices:
        listener(Notice(text))
    _obtain_inputs(space, listener)
    _try_sampler(recipe)
    _load_metric(recipe.metric)
    probing = executor.submit(0, DeviceProbe(recipe.device))
    dataset = prepare_dataset(DatasetRequest.of(recipe), listener)
    _check_metric(recipe.metric, dataset)
    automatic = frozenset(name for name, value in recipe if value == "auto")
    automatic |= ({"batch"} if recipe.batch is None else set()) | ({"ensemble", "trials"} - given)
    facts = _device_facts(probing, executor, listener)
    if not recipe.workers and (capacity := executor.capacity()) is not None:
        recipe = recipe.model_copy(update={"workers": capacity})
    length = _short_schedules(recipe, given)
    automatic |= set(length)
    recipe = resolve_recipe(recipe.model_copy(update=length), dataset, space, facts)
    if "precision" in automatic and _lacks_bf16(recipe):
        listener(Notice(f"precision: fp32, as this {facts.device} has no native bf16 arithmetic"))
    folds = make_folds(recipe, dataset)
    tell_of_folds(recipe, dataset, folds, listener)
    if recipe.validation == "given":
        share = len(folds[0].validation) / dataset.n_train
        recipe = recipe.model_copy(update={"holdout_fraction": share})
        automatic |= {"holdout_fraction"}
    if not given & LENGTHS:
        seconds = unsaid_budget(recipe, started_study(recipe))
        recipe, automatic = recipe.model_copy(update={"budget": seconds}), automatic | {"budget"}
    budget = None
    if budgeted:
        budget = make_budget(recipe, given, space, dataset, folds[0], executor, started)
    if budget is not None:
        planned = {name: value for name, value in budget.settings().items() if name not in given}
        recipe, automatic = recipe.model_copy(update=planned), automatic | set(planned)
    paths = RunPaths(recipe.runs_dir, recipe.study_name)
    plan = Plan(
        recipe=recipe,
        dataset=dataset,
        space=space,
        paths=paths,
        folds=folds,
        automatic=automatic,
        hardware=facts.hardware,
        budget=budget,
        tried=budget is not None,
    )
    return plan if paths.study_dir.exists() else _checked(plan, requested, listener)


def _lacks_bf16(recipe: Recipe) -> bool:
    return recipe.precision == "fp32" and recipe.protocol.precision is None


def _checked(plan: Plan, requested: Recipe, listener: Listener) -> Plan:
    """Return the plan of a new study; what cannot be planned or trained leaves nothing behind.

    Settings that change nothing are told: of a stored study all settings are given.
    """
    for text in unused_settings(requested, plan.space):
        listener(Notice(text))
    recipe = plan.recipe
    if recipe.storage is None:  # otherwise the study may be there
        check_new_metric(recipe.metric)
    is_tried = plan.tried
    plan = replace(plan, earlier=earlier_points(recipe, plan.space), tried=True)
    planned = map(plan.space.candidate, plan.points)
    if (unasked := unasked_sampler(recipe, len(plan.points), plan.n_first)) is not None:
        listener(Notice(unasked))
    if not is_tried:
        check_families(recipe, plan.space, plan.dataset, planned)
    return plan


def _device_facts(
    probing: "Future[DeviceFacts]", executor: Executor, listener: Listener
) -> DeviceFacts:
    """Return what a worker says of its device, telling meanwhile why there is none, if so."""
    while not probing.done():
        wait([probing], timeout=_NEWS_SECONDS)
        for news in executor.take_news():
            listener(Notice(news))
    try:
        return probing.result()
    except ValueError as error:
        raise UserError(str(error)) from error
    except BrokenExecutor as error:
        raise MachineError(f"a worker process cannot be started: {first_line(error)}") from error


def _try_sampler(recipe: Recipe) -> None:
    """Make a user's sampler once, so that mistakes in its file show before the search."""
    sampler = get_sampler(recipe.sampler)
    if sampler.adaptive:
        sampler.optuna_sampler(seed=0)


def _load_metric(setting: str) -> Metric:
    try:
        return get_metric(setting)
    except ValueError as error:
        raise UserError(str(error)) from error


def check_new_metric(setting: str) -> None:
    """Raise UserError if a new study may not be scored by a metric of this name."""
    try:
        check_metric_name(setting)
    except ValueError as error:
        raise UserError(str(error)) from error


def _check_metric(setting: str, dataset: DatasetInfo) -> None:
    labels = load_train_split(dataset).labels.numpy()
    try:
        check_metric(setting, class_shares(labels, len(dataset.class_names)))
    except ValueError as error:
        raise UserError(str(error)) from error


def load_recipe_space(recipe: Recipe) -> Space:
    """Return the space that a recipe names, with the ranges that it sets.

    Raises UserError if there is no such space, or no such range of it.
    """
    try:
        space = load_space(recipe.space)
        return space if recipe.set is None else space.with_ranges(**read_ranges(space, recipe.set))
    except ValueError as error:
        raise UserError(str(error)) from error


def _obtain_inputs(space: Space, listener: Listener) -> None:
    """Make sure that what the networks start from is here, before anything is written."""
    try:
        for one in model_inputs(space):
            one.obtain(lambda sentence: listener(Notice(sentence)))
    except ValueError as error:
        raise UserError(f"space {space.name}: {describe_value_error(error)}") from error
