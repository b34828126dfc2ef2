"""The winner's learning curves, by hand-made studies."""

from dataclasses import replace

import pytest

from search.report.info.curves import learning_curves_info
from search.tuning.records import RefitRecord
from spaces.cnn import CNN_SPACE
from tests.report import report_fakes as fakes


def test_curves_are_folds_mean_and_best_epoch() -> None:
    """The mean is over folds epoch by epoch, and E* is where it is best."""
    record = fakes.study_record([fakes.complete_trial(0, [0.2, 0.6, 0.4], [0.4, 0.6, 0.7])])
    info = learning_curves_info(record)
    assert info is not None
    assert [fold.accuracy for fold in info.parts] == [(0.2, 0.6, 0.4), (0.4, 0.6, 0.7)]
    assert info.mean.accuracy == pytest.approx((0.3, 0.6, 0.55))
    assert info.mean.loss == pytest.approx((0.7, 0.4, 0.45))
    assert info.training.accuracy == pytest.approx((0.35, 0.65, 0.6))
    assert info.best_epoch == 2
    assert info.refit is None


def test_curves_hold_the_refit_without_validation() -> None:
    """The refit has training curves alone, which the report shows as they are."""
    past = fakes.history([[0.3, 0.5]])
    record = replace(
        fakes.study_record([fakes.complete_trial(0, [0.2, 0.6])]),
        refit=RefitRecord(0, 2, past, 1.0, 1),
    )
    info = learning_curves_info(record)
    assert info is not None
    assert info.refit is not None
    assert info.refit.accuracy == pytest.approx((0.35, 0.55))


@pytest.mark.parametrize(
    ("schedule", "drops"), [("plateau", (2, 3)), ("cosine", ()), ("one_cycle", ())]
)
def test_drops_are_marked_for_plateaus_alone(schedule: str, drops: tuple[int, ...]) -> None:
    """A plateau's are the epochs that end in a fall; a smooth change of the rate has none."""
    params = dict(CNN_SPACE.baseline_params or {}) | {"schedule": schedule}
    trial = replace(
        fakes.complete_trial(0, [0.1, 0.2, 0.3, 0.4]),
        history=fakes.history([[0.1, 0.2, 0.3, 0.4]], rates=[0.1, 0.1, 0.01, 0.001]),
        candidate=CNN_SPACE.candidate(params),
    )
    info = learning_curves_info(fakes.study_record([trial]))
    assert info is not None
    assert info.drops == drops
