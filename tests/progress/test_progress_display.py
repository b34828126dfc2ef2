"""What a run shows: plain lines in a pipe, a live block on a terminal."""

import io
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from rich.console import Console

from search.events import Notice, StepProgress
from search.progress.console import Display, LiveDisplay, PlainDisplay, QuietDisplay, open_display
from search.progress.words import describe_budget, describe_number, plan_lines
from search.tuning.budget import Budget, BudgetPlan
from search.tuning.run_events import (
    EpochEnded,
    FoldsEarned,
    PlanMade,
    SearchEnded,
    Stopping,
    StudyOpened,
    TrialEnded,
    TrialStarted,
    TrialWaiting,
)
from tests.fakes import make_plan, make_recipe, make_trial

_CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
_COLOUR = re.compile(r"\x1b\[(?:\d+;)*(?:3|4|9|10)\d(?:;\d+)*m")


def plain() -> Display:
    return PlainDisplay(Console(file=io.StringIO(), width=80))


def live(width: int = 80) -> Display:
    return LiveDisplay(Console(file=io.StringIO(), force_terminal=True, width=width))


def ascii_console() -> Console:
    """Return a terminal that has no block characters."""
    file = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    return Console(file=file, force_terminal=True, width=80)


def raw(display: Display) -> str:
    """Close the display, which draws its last state, and return all that it wrote."""
    display.close()
    file = display._console.file
    assert isinstance(file, io.StringIO)
    return file.getvalue()


def shown(display: Display) -> str:
    return _CONTROL.sub("", raw(display))


def open_search(display: Display, n_planned: int = 4, **settings: Any) -> None:
    display(StudyOpened(make_recipe(**settings), n_planned, ()))


def run_two_trials(display: Display) -> None:
    open_search(display)
    display(TrialStarted(0, 0, 0))
    display(TrialStarted(1, 1, 1))
    display(TrialEnded(make_trial(0, mean=0.75)))
    display(TrialStarted(2, 2, 0))
    display(EpochEnded(1, 3, 0.4375))


@pytest.mark.parametrize("make", [plain, live])
def test_the_plan_is_shown_first(make: Callable[[], Display]) -> None:
    """Dataset, study, evaluation and resources have a line each, and the time has one."""
    display = make()
    display(PlanMade(make_plan(n_done=2, low=40 * 60, high=2 * 3600)))
    text = " ".join(shown(display).split())
    assert "dataset: pets: 1,000 training images of 2 classes, 3 x 32 x 32; 100 test images" in text
    assert "study: mine: space cnn, random search; 2 of 4 trials done" in text
    assert "evaluation: 20% holdout, validation accuracy; pruner halving, at most 5" in text
    assert "resources: 2 workers x 1 thread, cpu, bf16; checkpoints up to 5.0 MB" in text
    assert "time: about 40 min to 2 h for search and refit, estimated from a short warm-up" in text


def test_a_terminal_is_not_left_empty_while_all_gets_ready() -> None:
    """From the start there is a word."""
    assert "getting ready" in shown(live())


@pytest.mark.parametrize("make", [plain, live])
def test_line_and_block_have_one_estimate(make: Callable[[], Display]) -> None:
    """Both begin with the plan's, of which a trial's end says what is left."""
    display = make()
    display(PlanMade(make_plan(low=3500, high=7100)))
    open_search(display)
    assert display._left() == "about 90 min left, including the refit"
    display(TrialEnded(make_trial(1)))
    assert display._left() in " ".join(re.sub("[│]", "", shown(display)).split())


@pytest.mark.parametrize("make", [plain, live])
def test_a_time_that_is_up_is_told_at_once(make: Callable[[], Display]) -> None:
    """Once, and from then on lines and block say what is awaited."""
    display = make()
    open_search(display, timeout=1e-9)
    display(TrialStarted(0, 0, 0))
    display(EpochEnded(0, 1, 0.5))
    display(EpochEnded(0, 2, 0.5))
    assert display._left().startswith("time is up, finishing the running trials: about")
    display(TrialEnded(make_trial(0)))
    display(SearchEnded())
    text = " ".join(shown(display).split())
    assert text.count("(timeout): finishing the running trial") == 1
    assert "search ended by the timeout, 1 of 4 trials done" in text


def test_a_search_that_needs_no_more_time_is_not_told_that_it_is_up() -> None:
    """Where all trials were started the timeout has nothing to say."""
    display = plain()
    open_search(display, n_planned=1, timeout=1e-9)
    display(TrialStarted(0, 0, 0))
    display(EpochEnded(0, 1, 0.5))
    display(TrialEnded(make_trial(0)))
    display(SearchEnded())
    assert "time is up" not in shown(display)
    assert "timeout" not in shown(display)


@pytest.mark.parametrize(
    ("low", "high", "words"),
    [
        (600, 1200, "about 10 to 20 min for search and refit, estimated from a short warm-up; "
         "no trial starts after 1 h 00 min"),
        (3600, 7200, "about 60 min for search and refit, estimated from a short warm-up; "
         "no trial starts after 1 h 00 min, so about 2 to 4 of the 4 remaining trials will start"),
        (7200, 14400, "about 60 min for search and refit, estimated from a short warm-up; "
         "no trial starts after 1 h 00 min, so about 1 to 2 of the 4 remaining trials will start"),
    ],
)  # fmt: skip
def test_the_plan_heeds_the_timeout(low: float, high: float, words: str) -> None:
    """The plan stays within the timeout, and says how many trials start before it."""
    display = plain()
    display(PlanMade(make_plan(low=low, high=high, timeout=3600.0)))
    assert shown(display).splitlines()[-1] == f"time:       {words}"


@pytest.mark.parametrize(
    ("n_done", "by_default", "words"),
    [
        (0, False, ["for search, refit, test and report: about 4 trials of 5 epochs"]),
        (1, False, ["from now for the remaining 3 trials, refit, test and report"]),
        (1, True, ["from now for the remaining 3 trials, refit, test and report"]),
        (4, False, []),
        (0, True, []),
    ],
)
def test_a_budget_says_what_it_is_for(n_done: int, by_default: bool, words: list[str]) -> None:
    """A study that is resumed keeps its plan; a default hour that limits nothing is not named."""
    bought = BudgetPlan(5, 4, None, 60.0, 60.0)
    budget = Budget(900.0, 0.0, 12.0, 1.0, bought, bought, by_default=by_default)
    plan = replace(make_plan(n_done=n_done), budget=budget)
    found = [text for label, text in plan_lines(plan) if label == "budget"]
    assert len(found) == len(words)
    assert all(one in text for text, one in zip(found, words, strict=True))


@pytest.mark.parametrize(
    ("time_for", "n_done", "words"),
    [
        (3, 0, "0 of at most 4 trials done"),
        (4, 0, "0 of 4 trials done"),
        (3, 1, "1 of 4 trials done"),
    ],
)
def test_more_trials_than_there_is_time_for_are_a_limit(
    time_for: int, n_done: int, words: str
) -> None:
    """As the budget's plan says how many it expects; a resumed study has its own plan."""
    bought = BudgetPlan(5, time_for, None, 60.0, 60.0)
    budget = Budget(900.0, 0.0, 12.0, 1.0, bought, bought)
    plan = replace(make_plan(n_done=n_done), budget=budget)
    (study,) = (text for label, text in plan_lines(plan) if label == "study")
    assert study.endswith(words)


def test_a_budget_that_is_too_short_says_so() -> None:
    """The poorest plan is carried out all the same."""
    poorest = BudgetPlan(2, 1, 10**6, 60.0, 60.0)
    budget = Budget(20.0, 0.0, 12.0, 1.0, poorest, poorest, is_short=True)
    assert describe_budget(budget) == (
        "20 s for search, refit, test and report, which is too short: 1 trial of 2 epochs, "
        "networks of up to 1 million multiply-adds, will take longer"
    )


def test_the_best_so_far_is_a_curve() -> None:
    """From the first score to the best, as blocks, or in plain characters where they lack."""
    display = live()
    open_search(display)
    for number, mean in enumerate((0.25, 0.125, 0.75)):
        display(TrialEnded(make_trial(number, mean=mean)))
    assert "25.00% ▁▁█ 75.00%" in shown(display)
    plain_characters = LiveDisplay(ascii_console())
    open_search(plain_characters)
    for number, mean in enumerate((0.25, 0.75)):
        plain_characters(TrialEnded(make_trial(number, mean=mean)))
    plain_characters.close()
    written = plain_characters._console.file
    assert isinstance(written, io.TextIOWrapper)
    written.seek(0)
    assert "25.00% _# 75.00%" in _CONTROL.sub("", written.read())


def test_a_race_shows_who_leads_and_who_goes_on() -> None:
    """While no trial has ended yet, the block says how the race stands."""
    display = live()
    open_search(display, validation="kfold", folds=5, racing=True)
    for number in (0, 1):
        display(TrialStarted(number, number, number))
        display(EpochEnded(number, 5, 0.25 + number / 4))
        display(TrialWaiting(number))
    display(FoldsEarned((1,), 2, 5))
    text = shown(display)
    assert "leading on the first fold: 50.00% (trial 1)" in text
    assert "race: trial 1 on 2 of 5 folds" in text
    assert "25.00% ▁█ 50.00%" in text


def test_a_console_that_is_no_terminal_gets_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pipes with forced colours, and terminals that cannot move the cursor, get no block."""
    piped = Console(file=io.StringIO(), force_terminal=True)
    assert isinstance(open_display(piped), PlainDisplay)
    monkeypatch.setenv("TERM", "dumb")
    dumb = Console(file=ascii_console().file, force_terminal=True)
    assert isinstance(open_display(dumb), PlainDisplay)


def test_quiet_says_nothing() -> None:
    """Not even what stands out."""
    display = QuietDisplay(Console(file=io.StringIO()))
    display(Notice("using DIGITS"))
    display(PlanMade(make_plan()))
    run_two_trials(display)
    display(FoldsEarned((1,), 2, 5))
    display(StepProgress("refit", 1, 2))
    display(SearchEnded())
    assert raw(display) == ""


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ({}, "trial 0 complete: 50.00% at epoch 2 of 5; 1 of 4 done, best so far: 50.00%"),
        ({"fold_scores": (0.4, 0.6), "std": 0.1}, "complete: 50.00% +- 14.14% at epoch 2 of 5"),
        ({"state": "pruned", "value": 0.25, "epochs": 1}, "pruned after 1 epoch at 25.00%"),
        ({"state": "pruned", "value": 0.25, "epochs": 3}, "pruned after 3 epochs at 25.00%"),
        ({"state": "failed", "reason": "MemoryError: x"}, "failed: MemoryError: x; 0 of 4 done"),
        ({"state": "failed", "reason": "interrupted"}, "trial 0 interrupted; it goes on"),
        ({"diverged": True, "reason": "loss not finite"}, "diverged: loss not finite; 1 of 4"),
        ({"state": "pruned", "infeasible": True, "reason": "too big"}, "not trained: too big; 1"),
    ],
)
def test_every_kind_of_end_has_its_line(facts: dict[str, Any], words: str) -> None:
    """A line says how the trial ended, what is done, and what is best."""
    display = plain()
    open_search(display)
    display(TrialEnded(make_trial(0, **facts)))
    last = shown(display).splitlines()[-1]
    assert words in last
    assert re.search(r" left(, including the refit)?$", last)


def test_losses_are_shown_as_losses() -> None:
    """With --metric loss no figure is a percentage."""
    display = plain()
    open_search(display, metric="loss")
    display(TrialEnded(make_trial(0)))
    display(SearchEnded())
    last = shown(display).splitlines()[-2:]
    assert "complete: 0.5000 at epoch 2" in last[0]
    assert last[1] == "search ended, 1 of 4 trials done, best so far: 0.5000 (trial 0)"


def test_an_interrupted_search_is_not_told_as_one_that_ended() -> None:
    """Whoever stopped it reads how far it came."""
    display = plain()
    open_search(display)
    display(TrialEnded(make_trial(0)))
    display(Stopping(1))
    display(SearchEnded())
    assert shown(display).splitlines()[-1].startswith("search interrupted, 1 of 4 trials done")


def test_plain_output_has_no_control_codes_and_no_broken_lines() -> None:
    """Lines stay whole however long they are, and nothing but text is written."""
    display = plain()
    open_search(display)
    display(TrialEnded(make_trial(0, "failed", reason="x" * 300)))
    assert raw(display) == shown(display)
    assert "x" * 300 in shown(display)


def test_plain_progress_is_said_at_every_quarter_only() -> None:
    """A long step fills no log file."""
    display = plain()
    for done in range(1, 101):
        display(StepProgress("Decoding pets", done, 100))
    lines = shown(display).splitlines()
    assert lines[-1] == "Decoding pets: 100 of 100"
    assert len(lines) == 5


def test_the_live_block_shows_every_worker_and_the_whole() -> None:
    """Done, running, best with its number, time left, and each worker's trial, epoch, score."""
    display = live()
    run_two_trials(display)
    text = shown(display)
    assert "study mine" in text
    assert "1 of 4 trials done, 2 running (1 complete)" in text
    assert re.search(r"best so far: 75\.00% \(trial 0\); about \d+ s left", text)
    assert re.search(r"worker +trial +epoch +validation accuracy", text)
    assert re.search(r"\b0 +2 +0/5 +–", text)
    assert re.search(r"\b1 +1 +3/5 +43\.75%", text)


def test_the_time_left_is_unknown_before_the_first_end() -> None:
    """No estimate is made up."""
    display = live()
    open_search(display)
    assert "best so far: none; ? left" in shown(display)


def test_a_narrow_terminal_is_enough() -> None:
    """At 40 columns the block is drawn within the width."""
    display = live(40)
    display(StepProgress("Decoding a folder with a long name", 1, 3))
    run_two_trials(display)
    block = [line for line in re.split(r"[\r\n]+", shown(display)) if line.startswith("│")]
    assert any("43.75%" in line for line in block)
    assert all(len(line) <= 40 for line in block)


def test_a_long_step_shows_a_bar_until_it_is_done() -> None:
    """The bar goes when the step ends."""
    display = live()
    display(StepProgress("Decoding pets", 1_500, 3_000))
    assert "1,500 of 3,000" in shown(display)
    display = live()
    display(StepProgress("Decoding pets", 1, 2))
    display(StepProgress("Decoding pets", 2, 2))
    assert "Decoding" not in shown(display)


@pytest.mark.parametrize("make", [plain, live])
def test_a_notice_is_shown_as_it_is(make: Callable[[], Display]) -> None:
    """Brackets and colons in names are no markup."""
    display = make()
    display(Notice("using [bold]DIGITS[/bold] :smile: instead"))
    assert "using [bold]DIGITS[/bold] :smile: instead" in shown(display)


def test_a_notice_stands_out_on_a_terminal() -> None:
    """What the user must see is bold, unlike the lines of the trials."""
    display = live()
    display(Notice("using DIGITS"))
    open_search(display)
    text = raw(display)
    assert "\x1b[1musing DIGITS" in text
    assert "\x1b[1mstudy mine: 0" not in text


def test_no_color_is_respected(monkeypatch: pytest.MonkeyPatch) -> None:
    """With NO_COLOR in the environment the live block has no colours; without, it has."""
    monkeypatch.setenv("TERM", "xterm-256color")
    for name in ("NO_COLOR", "COLORTERM", "TTY_COMPATIBLE"):
        monkeypatch.delenv(name, raising=False)
    coloured, grey = live(), None
    run_two_trials(coloured)
    monkeypatch.setenv("NO_COLOR", "1")
    grey = live()
    run_two_trials(grey)
    assert _COLOUR.search(raw(coloured))
    assert not _COLOUR.search(raw(grey))


@pytest.mark.parametrize("make", [plain, live])
def test_events_before_a_study_is_opened_are_passed_over(make: Callable[[], Display]) -> None:
    """A listener must not raise, whatever the order of events."""
    display = make()
    display(TrialStarted(0, 0, 0))
    display(EpochEnded(0, 1, 0.5))
    display(TrialWaiting(0))
    display(TrialEnded(make_trial(0)))
    display(SearchEnded())
    assert "trial" not in shown(display)


def test_a_race_is_told() -> None:
    """Who earned folds gets a line, and a loser's line says on how many folds it was beaten."""
    display = plain()
    open_search(display, validation="kfold", folds=5, racing=True)
    display(FoldsEarned((3, 1), 2, 5))
    display(TrialEnded(make_trial(0, "pruned", value=0.25)))
    text = shown(display)
    assert "race: trials 3, 1 earned 2 of 5 folds" in text
    assert "trial 0 pruned after 5 epochs on 1 of 5 folds at 25.00%" in text


def test_waiting_trials_leave_the_table_of_workers() -> None:
    """A trial that waits for others is counted; its worker's row is gone."""
    display = live()
    run_two_trials(display)
    display(TrialWaiting(2))
    assert "1 running, 1 waiting" in shown(display)


def test_a_trial_that_is_run_again_names_its_point() -> None:
    """After an interruption numbers run on, so the point of the plan is said."""
    assert (
        describe_number(make_trial(7, "complete", plan=3, attempt=1))
        == "trial 7 (retry of index 3)"
    )
    assert describe_number(make_trial(7, "complete")) == "trial 7"
