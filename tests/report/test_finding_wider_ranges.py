"""The command that searches beyond the ends of ranges."""

import shlex
from dataclasses import replace
from itertools import pairwise

import pytest
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)

from search.checks import check_study_name
from search.report.blocks import Code
from search.report.evidence import Evidence
from search.report.findings.recommendations import End, Recommendations
from search.report.findings.wider_ranges import WiderRanges, widened
from spaces.cnn import CNN_SPACE
from spaces.ranges import parse_ranges


@pytest.mark.parametrize(
    ("distribution", "end", "expected"),
    [
        (FloatDistribution(1, 2, step=0.25), "upper", "1..2.5"),
        (FloatDistribution(0, 0.5), "lower", None),
        (FloatDistribution(0.2, 0.5), "lower", "0.05..0.5"),
        (FloatDistribution(1e-4, 1e-2, log=True), "upper", "0.0001..0.1"),
        (FloatDistribution(1e-4, 1e-2, log=True), "lower", "1e-05..0.01"),
        (IntDistribution(16, 128, log=True), "upper", "16..256"),
        (IntDistribution(4, 8), "lower", "2..8"),
        (IntDistribution(1, 4), "lower", None),
        (IntDistribution(1_000_000, 2_000_000), "upper", "1000000..2500000"),
        (IntDistribution(0, 4), "lower", None),
        (CategoricalDistribution((32, 64, 128)), "upper", "32,64,128,256"),
        (CategoricalDistribution((32, 64, 128)), "lower", "16,32,64,128"),
        (CategoricalDistribution((1, 2, 3, 4, 5)), "upper", "1,2,3,4,5,6"),
    ],
)
def test_a_range_goes_on_as_it_is(
    distribution: BaseDistribution, end: End, expected: str | None
) -> None:
    """By half its width, by a decade, or by its next choice; nothing lies below zero."""
    assert widened(distribution, end) == expected


@pytest.mark.slow
def test_the_command_sets_every_range_that_the_space_accepts(kfold_evidence: Evidence) -> None:
    """Each reaches beyond what was searched, under a new name."""
    advice, found = Recommendations.of(kfold_evidence), WiderRanges.of(kfold_evidence)
    assert advice is not None
    assert advice.borders
    assert found is not None
    (code,) = (block for block in found.blocks() if isinstance(block, Code))
    words = shlex.split(code.text)
    settings = [b for a, b in pairwise(words) if a == "--set"]
    assert settings
    assert {one.partition("=")[0] for one in settings} <= {one.parameter for one in advice.borders}
    CNN_SPACE.with_ranges(**parse_ranges(CNN_SPACE.parameters(), settings))
    name = kfold_evidence.record.name
    assert words[-2:] == ["--study-name", f"{name}-wider"]
    assert words[3:5] == ["run", f"runs/{name}/report/recipe.toml"]  # a copy would lose the parent


@pytest.mark.parametrize(
    ("planned", "n_first", "trials"),
    [(60, 9, None), (10, 9, "29"), (12, 1, "21"), (None, 9, None)],
)
def test_enough_trials_draw_from_wider_ranges(
    kfold_evidence: Evidence, planned: int | None, n_first: int, trials: str | None
) -> None:
    """Not only candidates that every search begins with; a grid has as many as its points."""
    record = kfold_evidence.record
    recipe = record.recipe.model_copy(update={"trials": planned})
    found = WiderRanges.of(
        replace(kfold_evidence, record=replace(record, recipe=recipe, n_first=n_first))
    )
    assert found is not None
    (code,) = (block for block in found.blocks() if isinstance(block, Code))
    options = dict(pairwise(shlex.split(code.text)))
    assert options.get("--trials") == trials


def test_a_long_name_stays_a_name(kfold_evidence: Evidence) -> None:
    """The command would be refused with more than 64 characters."""
    record = replace(kfold_evidence.record, name="n" * 64)
    found = WiderRanges.of(replace(kfold_evidence, record=record))
    assert found is not None
    (code,) = (block for block in found.blocks() if isinstance(block, Code))
    assert check_study_name(shlex.split(code.text)[-1]) == "n" * 58 + "-wider"


def test_without_advice_there_is_no_command(unfinished_evidence: Evidence) -> None:
    """Nothing is at an end of a range before a trial is complete."""
    assert WiderRanges.of(unfinished_evidence) is None
