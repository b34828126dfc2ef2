"""Nested cross-validation: which images each repetition has, what it trains, and what is told."""

from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import search
from search.data.cache import CachePaths, load_train_split, open_or_build
from search.data.dataset import DatasetInfo, DatasetRequest, Origins
from search.data.sources import prepare_dataset
from search.data.splits import kfold
from search.data.subset import SubsetSource
from search.errors import UserError
from search.events import Notice, StepProgress
from search.executors import ExecutorChoice
from search.nested import _has_as_many_trials, repeat_search, repetition
from search.pipeline import Outcome, run_study, stored_evidence
from search.recipe import Recipe
from search.report.evidence import Evidence
from search.report.findings.nested import Nested
from search.stopping import StopRequest
from search.tuning.records import StudyRecord
from search.tuning.run_events import TrialEnded
from search.tuning.store import read_study
from tests.conftest import Command
from tests.report import report_fakes as fakes
from tests.study_fixtures import EventRecorder

Maker = Callable[..., Recipe]


@pytest.fixture
def make(make_recipe: Maker) -> Maker:
    """Return a maker of recipes of searches of a second."""

    def recipe(**settings: Any) -> Recipe:
        return make_recipe(**{"trials": 3, "epochs": 2, "pruner": "none", **settings})

    return recipe


def repeated(recipe: Recipe, listener: EventRecorder, *, folds: int = 2, **how: Any) -> bool:
    """Repeat the search of a recipe in this process."""
    return repeat_search(
        recipe.study_name,
        recipe.runs_dir,
        None,
        how.pop("stop", StopRequest()),
        lambda: nullcontext(listener),
        folds=folds,
        executor=ExecutorChoice("inline"),
        **how,
    )


def evidence_of(outcome: Outcome) -> Evidence:
    study = search.load_study(outcome.record.name, runs_dir=outcome.paths.runs_dir)
    return stored_evidence(read_study(study.optuna), study.optuna, outcome.paths)


@pytest.fixture
def dataset(make: Maker, listener: EventRecorder) -> DatasetInfo:
    return prepare_dataset(DatasetRequest.of(make()), listener)


def test_parts_are_disjoint_and_together_the_training_images(
    dataset: DatasetInfo, tmp_path: Path, listener: EventRecorder
) -> None:
    """Each has the other parts to train on, and the test set stays closed."""
    split = load_train_split(dataset)
    paths = CachePaths(dataset.cache_dir)
    for path in (paths.test_images, paths.test_labels):
        path.unlink()  # would be missed
    folds, seen = kfold(split.labels.numpy(), 3, seed=0), []
    for number, fold in enumerate(folds, start=1):
        source = SubsetSource(dataset, fold, number, 3)
        part = open_or_build(source, tmp_path, listener)
        assert (part.n_train, part.n_test) == (len(fold.train), len(fold.validation))
        assert part.class_names == dataset.class_names
        assert part.name == f"{dataset.name}-without-part-{number}-of-3"
        kept = load_train_split(part)
        assert np.array_equal(kept.images.numpy(), split.images.numpy()[fold.train])
        assert np.array_equal(kept.labels.numpy(), split.labels.numpy()[fold.train])
        left_out = np.load(CachePaths(part.cache_dir).test_images)
        assert np.array_equal(left_out, split.images.numpy()[fold.validation])
        seen += fold.validation.tolist()
    assert sorted(seen) == list(range(dataset.n_train))


def test_origins_follow_their_images() -> None:
    """Names, groups, and which were given for validation."""
    origins = Origins(("a", "b", "c", "d"), ("p", "q", "p", "r"), (1, 3))
    assert origins.of([3, 0]) == Origins(("d", "a"), ("r", "p"), (0,))
    assert Origins().of([1, 2]) == Origins()


@pytest.mark.slow
def test_a_search_is_repeated_as_it_was(make: Maker, listener: EventRecorder) -> None:
    """With as many trials and epochs, on other images, with other seeds; each tested once."""
    outcome = run_study(make(), listener, executor="inline")
    assert repeated(make(), listener)
    evidence = evidence_of(outcome)
    assert len(evidence.nested) == 2
    record = evidence.record
    assert record.test == outcome.record.test
    assert record.openings == outcome.record.openings
    for number, one in enumerate(evidence.nested, start=1):
        assert one.name == f"study-nested-{number}-of-2"
        assert (one.recipe.trials, one.recipe.epochs) == (3, 2)
        assert one.recipe.seed == record.recipe.seed + number
        assert one.is_tested()
        assert len(one.openings) == 1
        assert one.dataset.fingerprint != record.dataset.fingerprint
    assert sum(one.dataset.n_test for one in evidence.nested) == record.dataset.n_train
    found = Nested.of(evidence)
    assert found is not None
    scores = [one.test.accuracy for one in evidence.nested if one.test is not None]
    assert found.mean == pytest.approx(sum(scores) / 2)
    assert [one.study for one in found.repetitions] == [one.name for one in evidence.nested]


@pytest.mark.slow
def test_it_continues_where_it_was_stopped(make: Maker, listener: EventRecorder) -> None:
    """What has ended is not run again; a stop keeps what is finished and tells nothing yet."""
    outcome = run_study(make(), listener, executor="inline")
    stop, ended = StopRequest(), []

    def stop_in_second(event: object) -> None:
        if isinstance(event, TrialEnded):
            ended.append(event)
            if len(ended) == 4:
                stop.request()

    recorder = EventRecorder()
    recorder.events = Watched(stop_in_second)
    assert not repeated(make(), recorder, stop=stop)
    assert evidence_of(outcome).nested == ()
    again = EventRecorder()
    assert repeated(make(), again)
    assert 0 < len(again.all(TrialEnded)) <= 3
    assert len(evidence_of(outcome).nested) == 2
    last = EventRecorder()
    assert repeated(make(), last)
    assert not last.all(TrialEnded)
    assert not last.all(StepProgress)
    assert [one for one in last.all(Notice) if "repetition 2 of 2" in one.text]


class Watched(list[Any]):
    """A list that shows what is appended to a function."""

    def __init__(self, function: Callable[[object], None]) -> None:
        super().__init__()
        self._function = function

    def append(self, event: object) -> None:
        super().append(event)
        self._function(event)


def test_the_recipe_of_a_repetition(make: Maker, dataset: DatasetInfo) -> None:
    """A budget is spent as the study spent it; settings of the images are behind the part."""
    record = StudyRecord(
        name="s" * 60,
        recipe=make(
            budget=600.0, epochs=7, ensemble=3, seed=2**32 - 1, image_size=8, start_from="other"
        ),
        dataset=dataset,
        folds_hash="",
        versions={},
        hardware={},
        trials=(),
        horizon={"trial": 0, "epochs": 40},
    )
    found = repetition(record, dataset, 2, 5, {"runs_dir": Path("r"), "workers": None})
    assert (found.budget, found.ensemble, found.image_size) == (None, None, None)
    assert found.start_from is None
    assert (found.epochs, found.refit_epochs, found.seed) == (7, 40, 1)
    assert len(found.study_name) == 64
    assert found.study_name.endswith("-nested-2-of-5")
    assert found.dataset == str(dataset.cache_dir)


@pytest.mark.slow
def test_a_repetition_starts_from_no_other_study(make: Maker, listener: EventRecorder) -> None:
    """Whose best candidates were chosen by all the images; so its grid may have fewer points."""
    run_study(make(study_name="first"), listener, executor="inline")
    recipe = make(sampler="grid", trials=1000, epochs=1, start_from="first")
    outcome = run_study(recipe, listener, executor="inline")
    for _ in range(2):  # done and not repeated, too
        told = EventRecorder()
        assert repeated(recipe, told)
        (notice,) = [one for one in told.notices() if "start_from" in one]
        assert notice.startswith("the repetitions are without start_from 'first', whose best ")
    assert outcome.record.n_first > 1
    for one in evidence_of(outcome).nested:
        assert (one.recipe.start_from, one.n_first) == (None, 0)
        assert len(one.trials) == 9 < len(outcome.record.trials)
    study = search.load_study("study-nested-1-of-2", runs_dir=recipe.runs_dir).optuna
    older = dict(study.user_attrs["recipe"]) | {"start_from": "first"}
    study.set_user_attr("recipe", older)
    with pytest.raises(UserError, match="delete it first"):
        repeated(recipe, listener)


@pytest.mark.slow
def test_the_command_tells_and_reports(
    make: Maker, listener: EventRecorder, command: Command
) -> None:
    """Of a study, or with `run --nested`; and the mistakes are one line each."""
    recipe = make()
    place = ("--runs-dir", recipe.runs_dir)
    run_study(recipe, listener, executor="inline")
    assert "does not exist" in command("nested", "other", *place).error()
    done = command("nested", "study", "--folds", "2", *place)
    assert done.status == 0, done.err
    assert "whole search reaches" in done.out
    assert "whole search reaches" in command("show", "study", *place).out.replace("\n", " ")
    listed = command("list", *place).out
    assert "2 repetitions" in listed
    assert "study-nested" not in listed
    page = recipe.runs_dir / "study" / "report" / "report.html"
    assert "The search, repeated" in page.read_text("utf-8")
    run_study(make(sampler="baseline", space="mlp", trials=1, epochs=1, study_name="hand"),
              listener, executor="inline")  # fmt: skip
    assert "only a search is repeated" in command("nested", "hand", *place).error()
    too_many = command("nested", "study", "--folds", "9999", *place)
    assert "folds must be at most" in too_many.error()
    early = ("run", "--space", recipe.space, "--dataset", recipe.dataset, "--nested", "9999")
    started = command(*early, "--data-dir", recipe.data_dir, "--study-name", "early", *place)
    assert "folds must be at most" in started.error()
    few = command(*early[:-1], "2", "--holdout-fraction", "0.001", "--data-dir", recipe.data_dir,
                  "--study-name", "early", *place)  # fmt: skip
    assert few.error().startswith("nested 2: a repetition has too few images: holdout_fraction")
    assert not (recipe.runs_dir / "early").exists()
    both = command("run", "--space", "mlp", "--nested", "2", "--json", *place)
    assert "without --json" in both.error()


@pytest.mark.slow
def test_the_api_repeats(make: Maker, listener: EventRecorder) -> None:
    """`study.nested(2)` returns what the report shows."""
    recipe = make()
    run_study(recipe, listener, executor="inline")
    study = search.load_study("study", runs_dir=recipe.runs_dir, executor="inline")
    found = study.nested(2)
    assert len(found.repetitions) == 2
    assert "whole search reaches" in repr(found)
    assert study.record.nested == ("study-nested-1-of-2", "study-nested-2-of-2")
    assert str(found) == found.sentences()[0]
    for wrong in (1, 2.5, "2"):
        with pytest.raises(UserError, match="at least 2"):
            study.nested(wrong)  # type: ignore[arg-type]
    with pytest.raises(UserError, match=r"study\.nested"):
        search.run("mlp", "digits", nested=2)


@pytest.mark.parametrize(
    ("budget", "trials", "kept"),
    [(None, 2, True), (None, 3, False), (600.0, 3, True), (600.0, 1, False)],
)
def test_a_search_that_had_more_time_keeps_its_repetitions(
    budget: float | None, trials: int, kept: bool
) -> None:
    """They had as many trials as the search had then."""
    ended = [fakes.complete_trial(number, [0.5]) for number in (0, 1)]
    stored = fakes.study_record(ended, recipe={"trials": 2})
    record = fakes.study_record(ended, recipe={"budget": budget})
    recipe = stored.recipe.model_copy(update={"trials": trials})
    assert _has_as_many_trials(stored, recipe, record) is kept


@pytest.mark.slow
def test_a_search_is_deleted_with_its_repetitions(
    make: Maker, listener: EventRecorder, command: Command
) -> None:
    """And those of an earlier search of the same name are not taken for its own."""
    recipe = make(trials=2, epochs=1)
    run_study(recipe, listener, executor="inline")
    repeated(recipe, listener)
    place = ("--runs-dir", recipe.runs_dir)
    search.delete_study("study-nested-2-of-2", runs_dir=recipe.runs_dir)
    done = command("delete", "study", "--yes", *place)
    assert "with 1 repetition of it" in done.out
    assert search.list_studies(recipe.runs_dir) == []
    run_study(recipe, listener, executor="inline")
    repeated(recipe, listener)
    study = search.load_study("study-nested-1-of-2", runs_dir=recipe.runs_dir).optuna
    other = dict(study.user_attrs["recipe"]) | {"epochs": 7}
    study.set_user_attr("recipe", other)
    with pytest.raises(UserError, match="delete it first"):
        repeated(recipe, listener)


@pytest.mark.slow
def test_a_deleted_repetition_takes_the_result_with_it(
    make: Maker, listener: EventRecorder
) -> None:
    """Rather than a mean of the others."""
    outcome = run_study(make(), listener, executor="inline")
    repeated(make(), listener)
    search.delete_study("study-nested-1-of-2", runs_dir=outcome.paths.runs_dir)
    assert evidence_of(outcome).nested == ()
