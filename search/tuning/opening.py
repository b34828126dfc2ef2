"""Opens a study: creates it, or finds it and checks that it may go on as requested."""

import warnings
from dataclasses import dataclass, replace
from typing import final

import optuna
from optuna.distributions import BaseDistribution, check_distribution_compatibility
from optuna.storages import BaseStorage
from optuna.trial import FrozenTrial, TrialState

from search.data.cache import load_train_split
from search.data.dataset import ChannelStatistics, DatasetInfo, statistics_of_parts
from search.data.splits import Fold, folds_hash, load_folds, save_folds
from search.errors import UserError
from search.paths import RunPaths
from search.recipe import Recipe
from search.tuning.attempts import OBSOLETE
from search.tuning.identity import Code, check_code, check_same_study, current_code
from search.tuning.locks import check_free, check_owned, mark, unmark
from search.tuning.preparing import Plan
from search.tuning.samplers import Params, get_sampler
from search.tuning.storage import open_storage, storage_url
from search.tuning.store import add_change, read_study, to_plain
from spaces import Space
from spaces.parameters import describe_range


def check_parameters(study: optuna.Study, space: Space, setting: str) -> None:
    """Raise UserError where Optuna would refuse a parameter of the space, given earlier trials.

    It accepts another range of numbers, but no other choices, kind or scale.
    """
    stored = {n: d for t in study.get_trials(deepcopy=False) for n, d in t.distributions.items()}
    for parameter in space.parameters():
        then, now = stored.get(parameter.name), parameter.distribution
        if then is not None and not _compatible(then, now):
            raise UserError(
                f"space {setting!r}: parameter {parameter.name!r} was {_words(then)} when study "
                f"{study.study_name!r} began and is now {_words(now)} which Optuna does not accept "
                "in one study, even with --accept-changes; accepted: the parameter as it was, or "
                "another --study-name"
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


def end_obsolete_trials(plan: Plan, study: optuna.Study, storage: BaseStorage) -> None:
    """Fail waiting trials whose points are not those of the plan, so that none is trained.

    Their indices are queued again, with the plan's points.
    """
    for trial in study.get_trials(deepcopy=False, states=(TrialState.WAITING,)):
        if not _is_planned(trial, plan):
            # the reason first: it alone keeps a trial from being run, and no ended one takes it
            storage.set_trial_user_attr(trial._trial_id, "reason", OBSOLETE)
            storage.set_trial_state_values(trial._trial_id, TrialState.FAIL)


def _is_planned(trial: FrozenTrial, plan: Plan) -> bool:
    point = _point(trial, plan)
    try:
        return point == trial.params and plan.space.distributions(point) == trial.distributions
    except ValueError:  # an adaptive sampler's earlier point is outside the changed space
        return False


def _point(trial: FrozenTrial, plan: Plan) -> Params | None:
    """Return the point that the trial should have; one of an adaptive sampler keeps its own."""
    index: int = trial.user_attrs.get("plan", len(plan.points))
    if index < len(plan.points):
        return plan.points[index]
    suggested: Params = trial.params
    return suggested if get_sampler(plan.recipe.sampler).adaptive else None


@final
@dataclass(frozen=True)
class OpenStudy:
    """A study ready to run; `recipe` is resolved, `statistics` has one value per fold."""

    recipe: Recipe
    paths: RunPaths
    dataset: DatasetInfo
    space: Space
    study: optuna.Study
    storage: BaseStorage
    points: tuple[Params, ...]
    folds_hash: str
    statistics: tuple[ChannelStatistics, ...]


def open_study(plan: Plan, *, accept_changes: bool = False) -> OpenStudy:
    """Create the plan's study or resume it; the caller holds its lock.

    A study in which no trial has started is created again. With `accept_changes` a study goes on
    though its code changed: waiting trials with points of the old space end as obsolete, and the
    change is recorded.

    Raises:
        UserError: A study of this name has other settings or changed otherwise, or its folder
            belongs to a study in another storage.
        MachineError: The stored folds are damaged.
    """
    recipe, paths = plan.recipe, plan.paths
    storage = open_storage(storage_url(recipe.storage, paths.database))
    study = find_study(storage, recipe.study_name)
    if study is not None and discard_unstarted(study, storage, paths):
        study = None
    if study is None:
        check_free(paths)
        save_folds(paths.folds, plan.folds)
        study, folds = _create(plan, storage), plan.folds
    else:
        check_owned(study, paths)
        recipe, folds = _resume(plan, study, storage, accept_changes=accept_changes)
    mark(study, paths)
    return OpenStudy(
        recipe=recipe,
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
    )


def _resume(
    plan: Plan, study: optuna.Study, storage: BaseStorage, *, accept_changes: bool
) -> tuple[Recipe, tuple[Fold, ...]]:
    stored = read_study(study)
    resolved = {name: getattr(stored.recipe, name) for name in plan.open_settings}
    recipe = plan.recipe.model_copy(update=resolved)
    check_same_study(stored.recipe, stored.dataset, recipe, plan.dataset)
    check_parameters(study, plan.space, recipe.space)
    code = current_code(recipe.space)
    changes = check_code(stored, code, accept=accept_changes)
    if not plan.paths.folds.exists() and folds_hash(plan.folds) == stored.folds_hash:
        save_folds(plan.paths.folds, plan.folds)
    folds = load_folds(plan.paths.folds, stored.folds_hash)
    if changes:
        end_obsolete_trials(plan, study, storage)
        add_change(study, stored, changes)
    else:  # versions that are not compared stay as first stored
        code = replace(code, versions={**code.versions, **stored.versions})
    _store(study, recipe, plan.dataset, code)
    return recipe, folds


def _store(study: optuna.Study, recipe: Recipe, dataset: DatasetInfo, code: Code) -> None:
    """Store what may differ between runs."""
    attributes = {
        "recipe": to_plain(recipe),
        "dataset": to_plain(dataset),
        "space_code": code.space,
        "versions": dict(code.versions),
    }
    for name, value in attributes.items():
        study.set_user_attr(name, value)


def discard_unstarted(study: optuna.Study, storage: BaseStorage, paths: RunPaths) -> bool:
    """Delete a study in which no trial has started; returns whether it was one."""
    started = any(t.state != TrialState.WAITING for t in study.get_trials(deepcopy=False))
    if not started:
        unmark(study, paths)
        optuna.delete_study(study_name=study.study_name, storage=storage)
    return not started


def find_study(storage: BaseStorage, name: str) -> optuna.Study | None:
    """Return the study of that name, or None."""
    try:
        return optuna.load_study(study_name=name, storage=storage)
    except KeyError:
        return None


def _create(plan: Plan, storage: BaseStorage) -> optuna.Study:
    recipe = plan.recipe
    study = optuna.create_study(
        study_name=recipe.study_name,
        storage=storage,
        direction="maximize" if recipe.metric == "accuracy" else "minimize",
    )
    with warnings.catch_warnings():  # the dashboard's name for the value
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        study.set_metric_names([f"validation {recipe.metric}"])
    study.set_user_attr("folds_hash", folds_hash(plan.folds))
    study.set_user_attr("hardware", dict(plan.hardware))
    _store(study, recipe, plan.dataset, current_code(recipe.space))
    return study
