"""The winner's learning curves, by hand-made studies."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from search.metric import ACCURACY, LOSS
from search.plotting import paper_style
from search.report.blocks import Paragraph, flattened
from search.report.evidence import Evidence, TestedStudy
from search.report.findings.learning_curves import LearningCurves
from search.training.history import History
from search.tuning.after_search import RefitRecord
from search.tuning.records import StudyRecord
from spaces.augmentation import MixUp
from spaces.cnn import CNN_SPACE
from spaces.losses import FocalLoss
from tests.report import baseline_fakes
from tests.report import report_fakes as fakes


def _curves(record: StudyRecord) -> LearningCurves:
    found = LearningCurves.of(Evidence(record))
    assert found is not None
    return found


def test_curves_are_folds_mean_and_best_epoch() -> None:
    """The mean is over folds epoch by epoch, and E* is where it is best."""
    record = fakes.study_record([fakes.complete_trial(0, [0.2, 0.6, 0.4], [0.4, 0.6, 0.7])])
    info = _curves(record)
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
    info = _curves(record)
    assert info.refit is not None
    assert info.refit.accuracy == pytest.approx((0.35, 0.55))


def _minimizing(plain: float | None, **settings: Any) -> LearningCurves:
    """Return the curves of a candidate with these settings, its training loss recorded so."""
    trial, baseline = fakes.complete_trial(0, [0.2, 0.6]), CNN_SPACE.baseline()
    assert baseline is not None
    epochs = tuple(
        tuple(replace(fold, train_loss=2.0, train_cross_entropy=plain) for fold in folds)
        for folds in trial.history.epochs
    )
    candidate = baseline.model_copy(update=settings)
    trial = replace(trial, candidate=candidate, history=History(epochs))
    return _curves(fakes.study_record([trial]))


def _words(curves: LearningCurves) -> str:
    (paragraph,) = [block for block in flattened(curves.blocks()) if isinstance(block, Paragraph)]
    return paragraph.text


def test_training_losses_are_drawn_as_validation_losses_are() -> None:
    """What was minimized stays in report.json; the drawn one can be compared."""
    info = _minimizing(0.75, label_smoothing=0.1)
    assert info.training.loss == pytest.approx((2.0, 2.0))
    assert info.training.cross_entropy == info.training.values(LOSS) == pytest.approx((0.75, 0.75))
    assert info.training.values(ACCURACY) == info.training.accuracy
    assert "plain cross entropy; training used label smoothing 0.1" in _words(info)
    focal = {"loss": FocalLoss(gamma=3), "class_weights": "balanced"}
    used = "focal loss (gamma 3) and classes weighted by inverse frequency"
    assert f"training used {used}." in _words(_minimizing(0.75, **focal))


def test_a_study_of_before_says_what_its_training_loss_includes() -> None:
    """It has no other, so it is drawn."""
    info = _minimizing(None, label_smoothing=0.1)
    assert info.training.values(LOSS) == pytest.approx((2.0, 2.0))
    assert info.training.cross_entropy == ()
    assert "The training loss includes label smoothing 0.1; the validation" in _words(info)
    assert "label smoothing" not in _words(_minimizing(None, label_smoothing=0.0))


def test_it_is_said_what_else_differs_between_training_and_validation() -> None:
    """Augmentation and mixing only where there are any."""
    words = _words(_minimizing(None, augmentation="none"))
    assert "augmented" not in words
    assert "averaged over an epoch in which the network improves" in words
    assert "on augmented images" in _words(_minimizing(None, augmentation="flip"))
    assert "mixed" not in _words(_minimizing(None, augmentation="flip"))
    assert "larger part of a mixed image" in _words(_minimizing(None, augmentation=(MixUp(),)))


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
    info = _curves(fakes.study_record([trial]))
    assert info.drops == drops


def test_curves_are_those_of_all_trainings(reproduction: TestedStudy) -> None:
    """Each training keeps its own drops, as plateaus end independently; no epoch is the best."""
    info = _curves(reproduction.record)
    assert info.repeats
    assert {curves.drops for curves in info.parts} == {(24, 33), (26, 33), (28, 33)}
    assert (info.drops, info.best_epoch, info.refit) == ((), None, None)
    column = [curves.accuracy[9] for curves in info.parts]
    assert info.mean.accuracy[9] == pytest.approx(np.mean(np.array(column)))


def test_one_training_is_drawn_like_a_holdout() -> None:
    """Its drops are the panel's own, and its last epoch is no best epoch."""
    info = _curves(baseline_fakes.reproduction(1).record)
    assert not info.repeats
    assert (info.drops, info.best_epoch) == ((24, 33), None)


def test_a_crossvalidated_baseline_has_the_curves_of_its_folds() -> None:
    """Scored by folds, the baseline has E* and a refit like any candidate."""
    info = _curves(baseline_fakes.crossvalidated(2).record)
    assert not info.repeats
    assert (len(info.parts), info.best_epoch) == (5, 2)
    assert info.refit is not None


def test_figure_shows_accuracy_over_loss(kfold_evidence: Evidence) -> None:
    """Two panels share the epochs; five folds, mean, training, refit and E* are in each."""
    curves = _curves(kfold_evidence.record)
    assert [plot.name for plot in fakes.plots(curves)] == ["cnn-learning-curve"]
    with paper_style():
        upper, lower = curves.draw().axes
    assert (upper.get_ylabel(), lower.get_ylabel()) == ("accuracy", "loss")
    assert lower.get_xlabel() == "epoch"
    assert all(tick == round(tick) for tick in lower.get_xticks())
    labels = [str(line.get_label()) for line in upper.get_lines()]
    assert labels.count("validation, each fold") == 5
    assert {"validation, mean over folds", "training, mean over folds"} <= set(labels)
    assert "training of the refit" in labels
    assert any(label.startswith("best epoch, E* = ") for label in labels)


def test_each_repeat_is_drawn_with_its_own_drops(reproduction: TestedStudy) -> None:
    """Three trainings and their mean, a mark at each drop, and no best epoch."""
    with paper_style():
        figure = _curves(reproduction.record).draw()
    labels = [str(line.get_label()) for line in figure.axes[0].get_lines()]
    assert labels.count("validation, each repeat") == 3
    assert labels.count("learning rate drops") == 3
    assert not any("E*" in label or "refit" in label for label in labels)


def test_drops_are_drawn_and_named_once(kfold_evidence: Evidence) -> None:
    """A plateau's drop is a mark on the mean curve in both panels; the legend explains it."""
    curves = _curves(kfold_evidence.record).model_copy(update={"drops": (20, 25)})
    with paper_style():
        figure = curves.draw()
    names = [text.get_text() for text in figure.legends[0].get_texts()]
    assert names.count("learning rate drops") == 1
    for axes, mean in zip(figure.axes, (curves.mean.accuracy, curves.mean.loss), strict=True):
        (marks,) = [line for line in axes.get_lines() if line.get_label() == names[-2]]
        assert marks.get_xydata().tolist() == [[20, mean[19]], [25, mean[24]]]  # type: ignore[union-attr]
    traces = [one for one in curves.chart().figure.data if one.name == "learning rate drops"]
    assert [(one.yaxis, one.showlegend) for one in traces] == [("y", True), ("y2", False)]


def test_each_fold_is_named_where_it_is_hovered_over(kfold_evidence: Evidence) -> None:
    """The legend has one name for all folds; hovering tells which, the epoch and the value."""
    traces = _curves(kfold_evidence.record).chart().figure.data
    folds = [one for one in traces if one.name == "validation, each fold" and one.yaxis == "y"]
    assert [one.showlegend for one in folds] == [True, False, False, False, False]
    assert [one.hovertemplate.split("<br>") for one in folds] == [
        [f"validation, fold {fold}", "epoch %{x}, accuracy %{y:.2%}<extra></extra>"]
        for fold in range(1, 6)
    ]
