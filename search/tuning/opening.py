"""Opens a study: creates it, or finds it and checks that it may be resumed as requested."""

import warnings
from dataclasses import dataclass, replace
from typing import final

import optuna
from optuna.distributions import BaseDistribution, check_distribution_compatibility
from optuna.storages import BaseStorage
from optuna.trial import FrozenTrial, TrialState

from search import text
from search.data.cache import load_train_split
from search.data.dataset import ChannelStatistics, DatasetInfo, statistics_of_parts
from search.data.quality import DataQuality
from search.data.splits import Fold, folds_hash, load_folds, save_folds
from search.errors import UserError
from search.objectives import objectives_of
from search.paths import RunPaths
from search.recipe import IMAGE_SETTINGS, Recipe
from search.tuning.attempts import OBSOLETE
from search.tuning.drawn_points import Params
from search.tuning.feasibility import Feasibility
from search.tuning.folds import fold_groups
from search.tuning.locks import check_free, check_owned, mark, unmark
from search.tuning.points import earlier_points, planned_points
from search.tuning.preparing import Plan, check_new_metric
from search.tuning.records import StudyRecord
from search.tuning.resumed import has_started
from search.tuning.samplers import get_sampler
from search.tuning.storage import open_storage, storage_url
from search.tuning.store import add_change, find_study, read_study, to_plain
from search.tuning.study_code import Code, current_code, describe_changes, metric_changes
from search.tuning.trying_out import check_families
from search.user_metric import FunctionMetric
from spaces import Space
from spaces.parameters import describe_range

_DECIDING = (
    "space",
    "set",
    "sampler",
    "batch",
    "pruner",
    "epochs",
    "validation",
    "holdout_fraction",
    "folds",
    "groups",
    "duplicates",
    "racing",
    "metric",
    "objective",
    "seed",
    "start",
    "start_from",
    "with_baseline",
    "prior",
    "refit",
    "refit_epochs",
    "max_parameters",
    "max_multiply_adds",
    "device",
    "precision",
    "threads",
)
"""The settings that decide a study's results, which therefore cannot change."""


@final
@dataclass(frozen=True)
class OpenStudy:
    """A study ready to run.

    Attributes:
        recipe: A resolved recipe.
        statistics: Those by which each fold's images are normalised.
        rejections: Why the space rejected points when they were planned.
    """

    recipe: Recipe
    paths: RunPaths
    dataset: DatasetInfo
    space: Space
    study: optuna.Study
    storage: BaseStorage
    points: tuple[Params, ...]
    folds_hash: str
    statistics: tuple[ChannelStatistics, ...]
    rejections: tuple[str, ...] = ()


def open_study(plan: Plan, *, accept_changes: bool = False) -> OpenStudy:
    """Create the plan's study or resume it; the caller holds its lock.

    A study in which no trial has started is created again. With `accept_changes` a study resumes
    even if its code changed: waiting trials with points of the old space end as obsolete, and the
    change is recorded.

    Raises:
        UserError: A study of this name has other settings or changed otherwise, or its folder
            belongs to a study in another storage.
        MachineError: The stored folds are damaged.
    """
    paths = plan.paths
    storage = open_storage(storage_url(plan.recipe.storage, paths.database))
    study = find_study(storage, plan.recipe.study_name)
    if study is not None and discard_unstarted(study, storage, paths):
        study = None
    if study is None:
        plan = replace(plan, earlier=earlier_points(plan.recipe, plan.space))
        plan = _within_points(plan)  # if there is none, nothing is written
        check_new_metric(plan.recipe.metric)
        _try_out(plan)
        check_free(paths)
        save_folds(paths.folds, plan.folds, fold_groups(plan.recipe, plan.dataset))
        study, folds = _create(plan, storage), plan.folds
    else:
        check_owned(study, paths)
        plan, folds = _resume(plan, study, storage, accept_changes=accept_changes)
    mark(study, paths)
    return OpenStudy(
        recipe=plan.recipe,
        paths=paths,
        dataset=plan.dataset,
        space=plan.space,
        study=study,
        storage=storage,
        points=plan.points,
        folds_hash=folds_hash(folds),
        statistics=statistics_of_parts(
            load_train_split(plan.dataset).images, [fold.train for fold in folds]
        ),
        rejections=plan.rejections,
    )


def _try_out(plan: Plan) -> None:
    """Raise UserCodeError if a network of the user's cannot be trained."""
    if not plan.tried:
        planned = map(plan.space.candidate, plan.points)
        check_families(plan.recipe, plan.space, plan.dataset, planned)


def further_points(opened: OpenStudy, trials: int) -> tuple[Params, ...]:
    """Return the points of a longer plan, which begins with those that are known."""
    recipe = opened.recipe.model_copy(update={"trials": trials})
    fold = load_folds(opened.paths.folds, opened.folds_hash)[0]
    feasible = Feasibility.of(recipe, opened.dataset)
    earlier = tuple(opened.study.user_attrs.get("earlier_points", ()))
    return planned_points(recipe, opened.space, feasible, len(fold.train), earlier).points


def with_stored_plan(opened: OpenStudy) -> OpenStudy:
    """Return the study with the plan that it stores, which a time budget may have made longer."""
    trials = read_study(opened.study).recipe.trials
    if trials is None or trials <= (opened.recipe.trials or trials):
        return opened
    adaptive = get_sampler(opened.recipe.sampler).adaptive
    points = opened.points if adaptive else further_points(opened, trials)
    recipe = opened.recipe.model_copy(update={"trials": trials})
    return replace(opened, recipe=recipe, points=points)


def discard_unstarted(study: optuna.Study, storage: BaseStorage, paths: RunPaths) -> bool:
    """Delete a study in which no trial has started; returns whether it was one."""
    started = has_started(study)
    if not started:
        unmark(study, paths)
        optuna.delete_study(study_name=study.study_name, storage=storage)
    return not started


def _create(plan: Plan, storage: BaseStorage) -> optuna.Study:
    recipe = plan.recipe
    objectives = objectives_of(recipe.metric, recipe.objective, recipe.choose)
    metric = objectives.metric
    study = optuna.create_study(
        study_name=recipe.study_name,
        storage=storage,
        directions=["maximize" if high else "minimize" for high in objectives.maximized()],
    )
    with warnings.catch_warnings():  # the dashboard's name for the value
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        study.set_metric_names(list(objectives.words()))
    study.set_user_attr("folds_hash", folds_hash(plan.folds))
    if plan.earlier:
        study.set_user_attr("earlier_points", [dict(point) for point in plan.earlier])
    if plan.n_first > 1:
        study.set_user_attr("n_first", plan.n_first)
    study.set_user_attr("hardware", dict(plan.hardware))
    if isinstance(metric, FunctionMetric):
        study.set_user_attr("metric", metric.facts())
    _store(study, recipe, plan.dataset, current_code(recipe, plan.space))
    return study


def _resume(
    plan: Plan, study: optuna.Study, storage: BaseStorage, *, accept_changes: bool
) -> tuple[Plan, tuple[Fold, ...]]:
    stored = read_study(study)
    automatic = plan.automatic & {*_DECIDING, "trials", "ensemble"}
    resolved = {name: getattr(stored.recipe, name) for name in automatic}
    if resolved.get("start") == "none":  # without which the hand-tuned network is tried first
        resolved["with_baseline"] = stored.recipe.with_baseline
    earlier = tuple(study.user_attrs.get("earlier_points", ()))  # that study may have changed
    plan = replace(plan.resolved_as(resolved), earlier=earlier)
    recipe = plan.recipe
    _check_settings(stored, recipe, plan.dataset)
    check_parameters(study, plan.space, recipe.space)
    code = current_code(recipe, plan.space)
    changes = _check_code(stored, code, accept=accept_changes)
    plan = _within_points(plan)
    if not plan.paths.folds.exists() and folds_hash(plan.folds) == stored.folds_hash:
        save_folds(plan.paths.folds, plan.folds, fold_groups(plan.recipe, plan.dataset))
    folds = load_folds(plan.paths.folds, stored.folds_hash)
    if changes:
        _try_out(plan)
        _end_obsolete_trials(plan, study, storage)
        add_change(study, stored, changes)
    else:  # versions that are not compared stay as first stored
        code = replace(code, versions={**code.versions, **stored.versions})
    _store(study, plan.recipe, plan.dataset, code)
    return plan, folds


def _within_points(plan: Plan) -> Plan:
    """Return the plan without trials for which it has no point: those of a grid are limited.

    Raises UserError if there is no point to try.
    """
    trials = plan.recipe.trials
    n_planned = get_sampler(plan.recipe.sampler).n_planned(plan.points, trials)
    return plan if trials in (None, n_planned) else plan.resolved_as({"trials": n_planned})


def _store(study: optuna.Study, recipe: Recipe, dataset: DatasetInfo, code: Code) -> None:
    """Store what may differ between runs."""
    attributes = {
        "recipe": to_plain(recipe),
        "dataset": to_plain(dataset),
        "space_code": code.space,
        "versions": dict(code.versions),
    }
    quality = DataQuality.of(dataset)
    further = {
        "sampler_code": code.sampler,
        "metric_code": code.metric,
        "helper_code": {setting: dict(one) for setting, one in (code.helpers or {}).items()},
        "space_effect": code.effect,
        "data_quality": None if quality == DataQuality() else to_plain(quality),
    }
    attributes |= {name: value for name, value in further.items() if value}
    for name, value in attributes.items():
        study.set_user_attr(name, value)


# Settings and parameters of a study that is resumed


def _check_settings(stored: StudyRecord, requested: Recipe, dataset: DatasetInfo) -> None:
    """Raise UserError, showing each difference, unless settings and dataset are the stored ones."""
    pairs = [(name, getattr(stored.recipe, name), getattr(requested, name)) for name in _DECIDING]
    if stored.dataset.fingerprint != dataset.fingerprint:  # it may have another name
        then, now = (f"{one.name} ({one.fingerprint[:12]})" for one in (stored.dataset, dataset))
        pairs.append(("dataset", then, now))
        # perhaps because of these
        pairs += [
            (one, getattr(stored.recipe, one), getattr(requested, one)) for one in IMAGE_SETTINGS
        ]
    differences = [
        f"{name} {text.setting(then)} is now {text.setting(now)}"
        for name, then, now in pairs
        if _without_version(then) != _without_version(now)
    ]
    if differences:
        raise UserError(
            f"study {requested.study_name!r} exists with other settings: {'; '.join(differences)}; "
            "give the old settings to resume it, or another `study_name`"
        )


def _without_version(value: object) -> object:
    """Return a setting's value for comparison: an object of a session may have been edited.

    Its code is compared by itself, and the user may accept a change.
    """
    return RunPaths.session_object(value) if isinstance(value, str) else value


def check_parameters(study: optuna.Study, space: Space, setting: str) -> None:
    """Raise UserError if Optuna would refuse a parameter of the space, given earlier trials.

    It accepts another range of numbers, but no other choices, kind or scale.
    """
    stored = {n: d for t in study.get_trials(deepcopy=False) for n, d in t.distributions.items()}
    for parameter in space.parameters():
        then, now = stored.get(parameter.name), parameter.distribution
        if then is not None and not _compatible(then, now):
            raise UserError(
                f"space {setting!r}: parameter {parameter.name!r} was {_words(then)} when study "
                f"{study.study_name!r} started and is now {_words(now)} which Optuna does not "
                "accept in one study, even with `accept_changes`; accepted: the parameter as it "
                "was, or another `study_name`"
            )


def _compatible(then: BaseDistribution, now: BaseDistribution) -> bool:
    try:
        check_distribution_compatibility(then, now)
    except ValueError:
        return False
    return True


def _words(distribution: BaseDistribution) -> str:
    kind = type(distribution).__name__.removesuffix("Distribution").lower()
    return f"{kind}, {describe_range(distribution)},"


def _check_code(stored: StudyRecord, code: Code, *, accept: bool) -> tuple[str, ...]:
    """Return what changed in the code since the study started, one text per change.

    Raises UserError, showing each change, unless there is none or the user accepts them; a metric
    must not change.
    """
    changes = describe_changes(stored.recipe.space, Code.of(stored), code)
    if changes and not accept:
        retrying = ", together with `retry_failed` to try its failed trials again"
        raise UserError(
            f"study {stored.name!r} started with other code: {'; '.join(changes)}; accepted: "
            "another `study_name`, or `accept_changes` to resume this one"
            f"{retrying if stored.failed_indices() else ''}"
        )
    rescored = metric_changes(Code.of(stored), code)
    if rescored and any(trial.value is not None for trial in stored.trials):
        raise UserError(
            f"study {stored.name!r} has scores of another metric: {'; '.join(rescored)}; they "
            "cannot be compared with new ones, even with `accept_changes`; accepted: the metric as "
            "it was, or another `study_name`"
        )
    return changes


def _end_obsolete_trials(plan: Plan, study: optuna.Study, storage: BaseStorage) -> None:
    """Fail waiting trials whose points are not those of the plan, so that none is trained.

    Their indices are queued again, with the plan's points.
    """
    for trial in study.get_trials(deepcopy=False, states=(TrialState.WAITING,)):
        if not _is_planned(trial, plan):
            # The reason comes first: it alone keeps a trial from running, and cannot be set later.
            storage.set_trial_user_attr(trial._trial_id, "reason", OBSOLETE)
            storage.set_trial_state_values(trial._trial_id, TrialState.FAIL)


def _is_planned(trial: FrozenTrial, plan: Plan) -> bool:
    """Return whether a trial has the plan's point; a point of an adaptive sampler may stay."""
    index: int = trial.user_attrs.get("plan", len(plan.points))
    if index < len(plan.points):
        point = plan.points[index]
    elif get_sampler(plan.recipe.sampler).adaptive:
        point = trial.params
    else:
        return False
    try:
        return point == trial.params and plan.space.distributions(point) == trial.distributions
    except ValueError:  # an adaptive sampler's earlier point is outside the changed space
        return False
