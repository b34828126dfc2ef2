"""The dashboard's pictures of a trial: what they show, and that they can be drawn."""

from dataclasses import replace

import pytest

from search.dashboard.trial_pictures import TrialConfusion, TrialCurve, png_bytes
from search.metric import ACCURACY, LOSS, Metric
from search.plotting import paper_style
from tests.report import report_fakes as fakes

TRIAL = fakes.complete_trial(7, [0.5, 0.8, 0.7], [0.4, 0.6, 0.6])


def test_curves_are_those_of_the_folds_and_their_mean() -> None:
    """E* is marked where the trial has one."""
    info = TrialCurve.of(TRIAL, ACCURACY)
    assert info is not None
    assert info.folds == ((0.5, 0.8, 0.7), (0.4, 0.6, 0.6))
    assert info.mean == pytest.approx((0.45, 0.7, 0.65))
    assert info.training == pytest.approx((0.5, 0.75, 0.7))
    assert info.best_epoch == TRIAL.best_epoch == 2
    assert info.title == "trial 7, complete: 70.00% at epoch 2"


def test_a_trial_without_epochs_has_no_pictures() -> None:
    """As one that failed at once; an old one kept no confusion matrix."""
    trial = fakes.other_trial(1, "failed")
    assert TrialCurve.of(trial, LOSS) is None
    assert TrialConfusion.of(trial, LOSS, ("a", "b")) is None


def test_shares_are_of_the_true_class() -> None:
    """A class without images has none."""
    trial = replace(TRIAL, confusion=((3, 1), (0, 0)))
    info = TrialConfusion.of(trial, ACCURACY, ("a", "b"))
    assert info is not None
    assert info.shares == ((0.75, 0.25), (0.0, 0.0))


@pytest.mark.parametrize("epochs", [1, 3])
@pytest.mark.parametrize("metric", [ACCURACY, LOSS], ids=str)
def test_curves_are_drawn(epochs: int, metric: Metric) -> None:
    """One epoch too, as a PNG of some kilobytes."""
    trial = replace(TRIAL, history=TRIAL.history.truncated(epochs), best_epoch=None)
    info = TrialCurve.of(trial, metric)
    assert info is not None
    with paper_style():
        content = png_bytes(info.draw())
    assert content.startswith(b"\x89PNG")
    assert len(content) < 60_000


@pytest.mark.parametrize("n_classes", [2, 10, 30])
def test_matrices_are_drawn(n_classes: int) -> None:
    """Counts and names stand there where they fit; names are text, whatever they hold."""
    counts = tuple(tuple(10 * (i == j) + j for j in range(n_classes)) for i in range(n_classes))
    names = ["$x^2$ <b>", *(f"class {i}" for i in range(1, n_classes))]
    info = TrialConfusion.of(replace(TRIAL, confusion=counts), ACCURACY, names)
    assert info is not None
    with paper_style():
        figure = info.draw()
        assert png_bytes(figure).startswith(b"\x89PNG")
    (axes,) = figure.axes
    assert bool(axes.texts) == (n_classes <= 12)
    shown = [label.get_text() for label in axes.get_xticklabels()]
    assert shown[:1] == (["$x^2$ <b>"] if n_classes <= 25 else [])
