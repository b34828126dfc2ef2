"""A stored study's report finds the baseline study that lies beside it."""

from dataclasses import replace
from pathlib import Path

import optuna
import pytest
from optuna.storages import BaseStorage, InMemoryStorage

from search.catalog.studies import stored_baselines
from search.evaluation.test_results import save_predictions
from search.paths import RunPaths
from search.pipeline import write_stored_report
from search.report.evidence import TestedStudy
from search.tuning.store import read_study
from tests.report import baseline_fakes
from tests.report import report_fakes as fakes
from tests.views.showing_fakes import store_study


@pytest.fixture
def storage() -> BaseStorage:
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    return InMemoryStorage()


@pytest.fixture
def search(storage: BaseStorage) -> optuna.Study:
    """Return a finished search of one candidate, which is not the hand-tuned one."""
    candidate = baseline_fakes.HAND_TUNED.replace(batch_size=32)
    trial = fakes.complete_trial(0, [0.5, 0.8], candidate=candidate)
    record = fakes.study_record([trial], recipe={"with_baseline": False})
    return store_study(fakes.with_end(record), storage)


def write_report(study: optuna.Study, runs_dir: Path) -> str:
    page = write_stored_report(read_study(study), study, RunPaths(runs_dir, study.study_name))
    return page.read_text(encoding="utf-8")


def keep(tested: TestedStudy, runs_dir: Path) -> None:
    """Write a study's predictions where a run keeps them."""
    paths = RunPaths(runs_dir, tested.record.name)
    paths.study_dir.mkdir()
    assert tested.predictions is not None
    save_predictions(paths.test_predictions, tested.predictions)


@pytest.mark.slow
def test_only_baseline_studies_are_read(storage: BaseStorage, search: optuna.Study) -> None:
    """Searches and studies of other programs are passed over."""
    optuna.create_study(study_name="theirs", storage=storage).set_user_attr("recipe", "flour")
    optuna.create_study(study_name="empty", storage=storage)
    baseline = baseline_fakes.reproduction(2).record
    store_study(baseline, storage)
    assert [one.name for one in stored_baselines(search)] == [baseline.name]
    assert next(stored_baselines(search)).repeats == baseline.repeats


@pytest.mark.slow
def test_the_report_sets_the_baseline_beside_the_winner(
    storage: BaseStorage, search: optuna.Study, tmp_path: Path
) -> None:
    """With both studies' predictions the images are paired and the figure is drawn."""
    baseline = baseline_fakes.reproduction(2)
    store_study(baseline.record, storage)
    record = read_study(search)
    keep(baseline, tmp_path)
    keep(TestedStudy(record, fakes.model_predictions(record)), tmp_path)
    page = write_report(search, tmp_path)
    assert "McNemar’s test gives" in page
    assert RunPaths(tmp_path, record.name).figure("versus-baseline", "pdf").is_file()


@pytest.mark.slow
def test_a_baseline_without_predictions_is_compared_by_class(
    storage: BaseStorage, search: optuna.Study, tmp_path: Path
) -> None:
    """The page names both studies that kept none."""
    baseline = baseline_fakes.reproduction(2).record
    store_study(baseline, storage)
    page = write_report(search, tmp_path)
    assert f"not kept for {read_study(search).name} and {baseline.name}," in page


@pytest.mark.slow
def test_without_a_baseline_the_page_names_the_command(
    storage: BaseStorage, search: optuna.Study, tmp_path: Path
) -> None:
    """A baseline on other data is none."""
    baseline = baseline_fakes.reproduction(2).record
    store_study(
        replace(baseline, dataset=replace(baseline.dataset, fingerprint="e2" * 32)), storage
    )
    assert "python -m search baseline --space cnn" in write_report(search, tmp_path)


@pytest.mark.slow
def test_a_baseline_study_has_a_report_of_its_own(storage: BaseStorage, tmp_path: Path) -> None:
    """It is compared with no other baseline, and its figures bear its network's name."""
    study = store_study(baseline_fakes.reproduction(2).record, storage)
    page = write_report(study, tmp_path)
    assert "<h3>Trainings</h3>" in page
    names = {path.stem for path in RunPaths(tmp_path, study.study_name).report_dir.glob("*.pdf")}
    assert names == {"cnn-learning-curve", "cnn-confusion-matrix"}
