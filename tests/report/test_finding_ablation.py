"""Which changes lead to the winner: sentences, table and figures of a stored path."""

from dataclasses import replace

import numpy as np
import pytest

from search.ablation.changes import Change
from search.ablation.path import Ablation, AblationPath, Step
from search.report.blocks import Plot
from search.report.evidence import Evidence
from search.report.findings.ablation import Ablated

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
