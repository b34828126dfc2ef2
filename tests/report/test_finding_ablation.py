"""Which changes lead to the winner: sentences, table and figures of a stored path."""

import io
from dataclasses import replace

import numpy as np
import pytest
from rich.console import Console

from search.ablation.changes import Change
from search.ablation.path import Ablation, AblationPath, Step
from search.report.blocks import Plot
from search.report.evidence import Evidence
from search.report.findings.ablation import Ablated
from search.tuning.after_search import Finalist
from search.views.ablation import describe_path
from spaces.cnn import CNN_SPACE
from tests.report import report_fakes as fakes

_STEPS = (
    Step(Change("model.conv_dropout", (("model", "conv_dropout"),), "0.1", "0"), 0.83, 0.83),
    Step(Change("batch_size", (("batch_size",),), "64", "32"), 0.84, 0.79),
    Step(Change("schedule", (("schedule",),), "constant", "raised"), 0.82, None),
)


def _with_path(evidence: Evidence, path: AblationPath) -> Evidence:
    winner = evidence.record.winner()
    assert winner is not None
    return replace(evidence, ablation=Ablation(winner.number, "the hand-tuned network", path))


def _found(evidence: Evidence, path: AblationPath) -> Ablated:
    found = Ablated.of(_with_path(evidence, path))
    assert found is not None
    return found


def test_each_step_has_its_gain(kfold_evidence: Evidence) -> None:
    """Against the score before it; the sentence names what helps."""
    found = _found(kfold_evidence, AblationPath(0.8, _STEPS, 7))
    assert [one.gain for one in found.steps] == pytest.approx([0.03, 0.01, -0.02])
    assert [one.label for one in found.steps] == ["model: conv dropout", "batch size", "schedule"]
    answer = found.sentences()[0]
    assert "model: conv dropout (+3.00 points) and batch size (+1.00 points)" in answer
    assert "schedule" not in answer
    (plot,) = (block for block in found.blocks() if isinstance(block, Plot))
    assert plot.table is not None
    assert plot.table.rows[2] == (
        "schedule", "constant", "raised", "82.00%", "\N{MINUS SIGN}2.00 points", "–",
    )  # fmt: skip


def test_the_figures_begin_where_the_path_begins(kfold_evidence: Evidence) -> None:
    """One point more than there are changes, in page and paper."""
    found = _found(kfold_evidence, AblationPath(0.8, _STEPS, 7))
    (plot,) = found.plots()
    assert plot.page is not None
    assert plot.paper is not None
    (line,) = plot.page().figure.data
    assert list(line.x) == pytest.approx([80, 83, 84, 82])
    axes = plot.paper().axes[0]
    assert np.asarray(axes.lines[0].get_xdata()).tolist() == pytest.approx([80, 83, 84, 82])
    assert axes.get_yticklabels()[0].get_text() == "the hand-tuned network"


def test_a_step_that_diverged_has_no_score(kfold_evidence: Evidence) -> None:
    """And what follows it no gain; where nothing helps, the sentence says so."""
    steps = (replace(_STEPS[0], score=0.79), replace(_STEPS[1], score=None), _STEPS[2])
    found = _found(kfold_evidence, AblationPath(0.8, steps, 7))
    assert [one.gain for one in found.steps] == [pytest.approx(-0.01), None, None]
    assert "no change improves the score" in found.sentences()[0]
    assert all(plot.paper is not None and plot.paper() for plot in found.plots())


def test_a_path_is_readable_by_itself() -> None:
    """As a notebook shows it: the ends, and a line for each change."""
    shown = repr(Ablation(3, "the hand-tuned network", AblationPath(0.8, _STEPS, 7))).splitlines()
    assert shown[0] == "from the hand-tuned network (0.8000) to trial 3"
    assert len(shown) == 1 + len(_STEPS)


def test_a_path_to_an_earlier_winner_is_not_shown(kfold_evidence: Evidence) -> None:
    """Nor is there one where nobody looked for it."""
    assert Ablated.of(kfold_evidence) is None
    old = Ablation(10_000, "the hand-tuned network", AblationPath(0.8, _STEPS, 7))
    assert Ablated.of(replace(kfold_evidence, ablation=old)) is None


def test_steps_within_noise_are_not_credited() -> None:
    """Of one or two of 288 images, although their gains are not 0."""
    steps = tuple(replace(_STEPS[place], score=n / 288) for place, n in enumerate((283, 285, 284)))
    found = _found(_small(), AblationPath(284 / 288, steps, 7))
    assert found.gain == 0
    assert found.within_noise
    assert found.credited() == []
    answer = found.answer()
    assert answer.index("nothing is gained beyond noise") < answer.index("within noise:")
    assert "most comes from" not in answer
    assert all((one.noise or 0.0) > abs(one.gain or 0.0) for one in found.steps)


def test_a_change_beyond_noise_is_credited_and_no_other() -> None:
    """20 points of 288 images are no chance, one point may be."""
    steps = (replace(_STEPS[0], score=0.80), replace(_STEPS[1], score=0.81), _STEPS[2])
    found = _found(_small(), AblationPath(0.60, steps, 7))
    assert not found.within_noise
    assert [one.setting for one in found.credited()] == ["model.conv_dropout"]
    assert "most comes from model: conv dropout (+20.00 points)." in found.answer()


def test_what_seeds_make_counts_where_finalists_tell_it() -> None:
    """A step that the images alone do not explain may be within the spread of seeds."""
    evidence, path = _small(), AblationPath(0.60, _STEPS, 7)
    plain = _found(evidence, path).steps[0]
    record = evidence.record
    finalists = (Finalist(1, (0.70, 0.95)), Finalist(0, (0.40, 0.60)))
    seeded = _found(replace(evidence, record=replace(record, finalists=finalists)), path).steps[0]
    assert (plain.noise or 0.0) < (plain.gain or 0.0) < (seeded.noise or 0.0)


def test_a_loss_of_unknown_noise_credits_nothing() -> None:
    """Each candidate is trained once, and the error of a loss is not known."""
    steps = tuple(
        replace(one, score=score) for one, score in zip(_STEPS, (0.5, 0.4, 0.3), strict=True)
    )
    found = _found(_small(metric="loss"), AblationPath(0.9, steps, 7))
    assert [one.noise for one in found.steps] == [None] * 3
    assert found.credited() == []
    assert "not known" in found.answer()


def test_another_score_of_the_same_candidate_is_explained() -> None:
    """The hand-tuned network of the search had another seed, and the winner may be a finalist."""
    evidence = _small()
    path = AblationPath(0.75, _STEPS, 7)
    (note,) = _found(evidence, path).notes
    assert "60.00%" in note
    assert "75.00%" in note
    assert _found(evidence, AblationPath(0.60, _STEPS, 7)).notes == ()
    finalists = (Finalist(1, (0.7, 0.72)), Finalist(0, (0.5, 0.5)))
    again = replace(evidence, record=replace(evidence.record, finalists=finalists))
    notes = _found(again, path).notes
    assert len(notes) == 2
    assert "71.00%" in notes[1]
    shown = io.StringIO()
    found = _with_path(again, path)
    assert found.ablation is not None
    for line in describe_path(found.ablation, again.record):
        Console(file=shown, width=500).print(line)
    assert all(words in shown.getvalue() for words in (_found(again, path).answer(), *notes))


def _small(metric: str = "accuracy") -> Evidence:
    """Return a search with 288 validation images, won by trial 1; trial 0 is hand-tuned."""
    baseline = CNN_SPACE.baseline()
    assert baseline is not None
    other = baseline.model_copy(update={"batch_size": 32})
    trials = [
        fakes.complete_trial(0, [0.60], candidate=baseline),
        fakes.complete_trial(1, [0.82], candidate=other),
    ]
    record = fakes.study_record(
        trials, recipe={"metric": metric, "validation": "holdout", "holdout_fraction": 0.2}
    )
    return Evidence(replace(record, dataset=replace(record.dataset, n_train=1440)))
