"""What a run says at its end."""

import io
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from cifar_models import CNNConfig, MLPConfig
from search.data.dataset import DatasetInfo
from search.training.metrics import TestResult
from search.tuning.endings import EndInfo, end_info, model_command, why_no_winner
from search.tuning.records import StudyRecord, TrialRecord
from search.views.running import baseline_line, best_table, describe_finish
from spaces import AdamWConfig, Candidate, CosineConfig, SGDConfig
from spaces.candidate import summarize_candidate
from tests.fakes import make_recipe, make_trial

_PETS = DatasetInfo("pets", "f" * 64, ("cat", "dog"), (3, 32, 32), 1000, 100, Path("cache"))


def make_test(right: int) -> TestResult:
    """Return the test of a model that names `right` of 100 images rightly."""
    accuracy = right / 100
    return TestResult(
        accuracy=accuracy,
        interval=(accuracy - 0.1, accuracy + 0.1),
        loss=0.5,
        n_images=100,
        classes=(),
        confusion=(),
        confused_pairs=(),
        mistakes=(),
    )


def make_record(*trials: TrialRecord, right: int | None = None, **settings: Any) -> StudyRecord:
    return StudyRecord(
        name="mine",
        recipe=make_recipe(**settings),
        dataset=_PETS,
        folds_hash="f",
        versions={},
        hardware={},
        trials=trials,
        test=None if right is None else make_test(right),
    )


def shown(*renderables: Any, width: int = 120) -> str:
    console = Console(file=io.StringIO(), width=width)
    for one in renderables:
        console.print(one)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


CANDIDATE = Candidate(
    model=CNNConfig(channels=(96, 192), activation="gelu"),
    optimizer=AdamWConfig(learning_rate=0.00123),
    schedule=CosineConfig(),
    batch_size=128,
    augmentation="flip",
)


def test_the_five_best_are_a_table() -> None:
    """Best first, with fold spread, E*, parameters and the candidate in a few words."""
    facts: dict[str, Any] = {"fold_scores": (0.4, 0.6), "std": 0.1, "candidate": CANDIDATE}
    trials = [make_trial(n, mean=n / 10, n_parameters=1234, **facts) for n in range(7)]
    lines = shown(best_table(make_record(*trials))).splitlines()
    rows = [line for line in lines if "+-" in line]
    assert [row.split()[1] for row in rows] == ["6", "5", "4", "3", "2"]
    assert "60.00% +- 14.14%" in rows[0]
    assert "2/5" in rows[0]
    assert "1,234" in rows[0]
    assert "cnn 96-192 gelu, adamw 0.0012, cosine, batch 128, flip" in rows[0]


def test_a_narrow_terminal_has_room_for_the_table() -> None:
    """No line is wider than the terminal, and no number is lost."""
    trials = [make_trial(n, n_parameters=1_234_567, candidate=CANDIDATE) for n in range(3)]
    text = shown(best_table(make_record(*trials)), width=60)
    assert all(len(line) <= 60 for line in text.splitlines())
    assert "1,234,567" in text


def test_short_words_name_network_and_training() -> None:
    """What is as usual is left out."""
    plain = Candidate(
        model=MLPConfig(hidden_widths=(64, 32), dropouts=(0.0, 0.0)),
        optimizer=SGDConfig(learning_rate=0.1),
    )
    assert summarize_candidate(plain) == "mlp 64-32 relu, sgd 0.1, batch 64"


@pytest.mark.parametrize(
    ("right", "words"),
    [
        (80, "the winner is 5.00 points better"),
        (70, "the winner is 5.00 points worse"),
        (75, "level with the winner"),
    ],
)
def test_the_baseline_stands_beside_the_winner(right: int, words: str) -> None:
    """Its test with its interval, and the difference in points."""
    line = baseline_line(make_record(right=right), make_record(right=75))
    assert line is not None
    assert line.startswith("baseline: 75.00% (95% interval 65.00% to 85.00%), study mine; ")
    assert line.endswith(f"; {words}")


def test_what_the_report_has_tested_is_told_instead_of_the_bare_difference() -> None:
    """A lead that the report calls chance is no victory in the terminal."""
    line = baseline_line(make_record(right=76), make_record(right=75), "no clear difference")
    assert line is not None
    assert line.endswith("; no clear difference")


def test_an_untested_winner_is_set_beside_nothing() -> None:
    """Nothing is compared before there is a test."""
    assert baseline_line(make_record(), make_record(right=75)) is None


@pytest.mark.parametrize(
    ("states", "stopped", "end"),
    [
        (("complete",) * 4, False, EndInfo("done", 4, 4)),
        (("complete", "pruned", "waiting", "waiting"), False, EndInfo("timeout", 2, 4)),
        (("complete", *("failed",) * 3), False, EndInfo("done", 4, 4)),
        (("complete", "waiting"), True, EndInfo("interrupted", 1, 4)),
        (("complete",) * 5, False, EndInfo("done", 4, 4)),
    ],
)
def test_what_ended_a_search_is_known(states: tuple[str, ...], stopped: bool, end: EndInfo) -> None:
    """From what is stored: trials that still wait were not begun in time."""
    trials = [make_trial(number, state) for number, state in enumerate(states)]
    record = make_record(*trials)
    limited = replace(record, recipe=record.recipe.model_copy(update={"timeout": 60.0}))
    assert end_info(limited, stopped=stopped) == end


@pytest.mark.parametrize(
    ("states", "planned"),
    [
        (("failed", "failed"), 2),
        (("failed", "waiting"), 1000),
        ((), 1000),
    ],
)
def test_an_older_grid_is_done_once_nothing_is_open(states: tuple[str, ...], planned: int) -> None:
    """It stores how many trials were asked for, though the grid has fewer points."""
    trials = [
        make_trial(3 * plan + attempt, one, plan=plan, reason="the worker died")
        for plan, one in enumerate(states)
        for attempt in range(3)
    ]
    record = make_record(*trials, sampler="grid", trials=1000)
    assert record.n_planned() == planned
    assert record.has_no_winner() == (planned == 2)
    assert ("is not finished" in why_no_winner(record)) == (planned == 1000)
    random = make_record(*trials, sampler="random", trials=1000)
    assert random.n_planned() == 1000


@pytest.mark.parametrize(
    ("limits", "hint"),
    [
        ({"max_parameters": 9}, "a larger `max_parameters` or another space, and"),
        ({"max_multiply_adds": 9}, "use a larger `max_multiply_adds` or another space, and"),
        (
            {"max_parameters": 9, "max_multiply_adds": 9},
            "use a larger `max_parameters`, a larger `max_multiply_adds` or another space, and",
        ),
        (
            {"max_multiply_adds": 9, "budget": 60.0},
            "use a larger `budget`, a larger `max_multiply_adds` or another space, and",
        ),
        ({"budget": 60.0, "max_parameters": 9}, "use a larger `max_parameters` or another space"),
        ({}, "use another space, and another `study_name`"),
    ],
)
def test_networks_that_are_too_large_have_a_limit_to_raise(
    limits: dict[str, Any], hint: str
) -> None:
    """The one that was set."""
    trial = make_trial(0, "pruned", infeasible=True)
    assert hint in why_no_winner(make_record(trial, trials=1, **limits))


def test_no_time_is_up_that_was_not_limited() -> None:
    """Whatever else is missing, it is not for want of time."""
    record = make_record(make_trial(0), make_trial(1, "waiting"))
    assert record.recipe.timeout is None
    assert end_info(record, stopped=False).reason == "done"


def test_a_search_ended_by_the_clock_says_so() -> None:
    """With how far it came and how to go on; one that is done does not."""
    record = make_record(make_trial(0), make_trial(1, "waiting"))
    late = shown(*describe_finish(record, None, EndInfo("timeout", 12, 20)))
    assert "time is up: 12 of 20 trials done; run again to continue" in late
    assert "time" not in shown(*describe_finish(record, None, EndInfo("done", 20, 20)))


@pytest.mark.parametrize(
    ("states", "n_trials"),
    [
        (("complete", "pruned", "waiting", "waiting"), 2),
        (("complete", "waiting", "complete", "waiting"), 1),
        (("waiting", "complete", "complete", "waiting"), 1),
    ],
)
def test_an_interrupted_search_says_how_to_get_a_model(
    states: tuple[str, ...], n_trials: int
) -> None:
    """The command asks for no trial that is still open, but where the first one is for that."""
    trials = [make_trial(number, state) for number, state in enumerate(states)]
    record = make_record(*trials, dataset="my pets", racing=False, with_baseline=False)
    text = shown(*describe_finish(record, None, end_info(record, stopped=True)), width=300)
    command = (
        "python -m search run --space cnn --epochs 5 --no-baseline "
        f"--dataset 'my pets' --study-name mine --trials {n_trials}"
    )
    assert f"to get a model from the finished trials only:\n  {command}\n" in text


def test_where_nothing_can_win_no_model_is_promised() -> None:
    """Neither pruned trials alone make one, nor does a search whose trials have all ended."""
    pruned = make_record(make_trial(0, "pruned"), make_trial(1, "waiting"), trials=2)
    whole = make_record(make_trial(0), trials=1)
    assert model_command(pruned) is None
    for record in (pruned, whole):
        end = end_info(record, stopped=True)
        assert "get a model" not in shown(*describe_finish(record, None, end))
