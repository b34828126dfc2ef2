"""What `--json` writes: events, one a line, and errors among them."""

import io
import json
from typing import Any

import pytest
from rich.console import Console

import search.events
import search.tuning.run_events
from search.cli.terminal import failures_told
from search.errors import MachineError, UserError
from search.events import Event, JsonWriter, Notice
from search.progress.log import JsonLog
from search.tuning.run_events import (
    EVENTS,
    EpochEnded,
    FoldsEarned,
    PlanMade,
    SearchEnded,
    Stopping,
    StudyOpened,
    TrialEnded,
    TrialPaused,
    TrialStarted,
    TrialWaiting,
)
from tests.conftest import Command
from tests.fakes import make_plan, make_recipe, make_trial


def written(console: Console) -> list[dict[str, Any]]:
    assert isinstance(console.file, io.StringIO)
    return [json.loads(line) for line in console.file.getvalue().splitlines()]


@pytest.fixture
def console() -> Console:
    return Console(file=io.StringIO(), width=20, markup=False)


def test_the_first_event_has_the_version(console: Console) -> None:
    """Whatever it is, a script knows at once what it reads; lines are never broken."""
    writer = JsonWriter(console)
    writer.write(Notice("[bold]a long text of more than twenty characters[/bold] é\x1b"))
    writer.write(Notice("b"))
    first, second = written(console)
    assert first == {
        "event": "notice",
        "version": 1,
        "text": "[bold]a long text of more than twenty characters[/bold] é\x1b",
    }
    assert second == {"event": "notice", "text": "b"}
    assert isinstance(console.file, io.StringIO)
    assert console.file.getvalue().isascii()
    assert "\x1b" not in console.file.getvalue()


def test_what_json_cannot_hold_is_null(console: Console) -> None:
    """Losses that are not finite do not make a line that no parser reads."""
    ended = TrialEnded(
        make_trial(0, value=float("nan"), mean=None, fold_scores=(1.0, float("inf")))
    )
    JsonWriter(console).write(ended)
    (event,) = written(console)
    assert (event["score"], event["fold_scores"]) == (None, [1.0, None])


def test_a_search_is_told_event_by_event(console: Console) -> None:
    """Plan, starts, epochs, folds, ends with what is done and best, and the end."""
    log = JsonLog(JsonWriter(console))
    log(PlanMade(make_plan(low=60, high=120)))
    log(StudyOpened(make_recipe(), 4, (make_trial(0, mean=0.25),)))
    log(TrialStarted(1, 1, 0))
    log(EpochEnded(1, 1, 0.5))
    log(TrialPaused(1, 1))
    log(TrialWaiting(1))
    log(FoldsEarned((1,), 2, 5))
    log(TrialEnded(make_trial(1, mean=0.75)))
    log(Stopping(2))
    log(SearchEnded())
    events = written(console)
    assert [one.pop("event") for one in events] == [
        "plan", "search", "trial_started", "epoch", "trial_paused", "trial_waiting", "folds_earned",
        "trial_ended", "stopping", "search_ended",
    ]  # fmt: skip
    plan, search, *_, ended, _, last = events
    assert (plan["images"], plan["classes"], plan["shape"]) == (1000, 2, [3, 32, 32])
    assert (plan["seconds_low"], plan["seconds_high"]) == (60, 120)
    assert search == {"trials": 4, "done": 1}
    assert (ended["score"], ended["done"], ended["trials"], ended["best"]) == (0.75, 2, 4, 1)
    assert last == {"best": 1}


def test_every_event_is_listed_once_under_its_own_name() -> None:
    """A reader of the lines finds what each is."""
    assert len({event.kind for event in EVENTS}) == len(EVENTS)
    modules = (search.events, search.tuning.run_events)
    found = {
        one
        for module in modules
        for one in vars(module).values()
        if isinstance(one, type) and issubclass(one, Event) and one is not Event
    }
    assert found == set(EVENTS)


@pytest.mark.parametrize(
    ("error", "status", "message"),
    [
        (UserError("bad\n  value"), 2, "bad value"),
        (MachineError("disk full"), 1, "disk full"),
        (OSError(28, "No space"), 1, "[Errno 28] No space; everything stored so far is kept: run"),
    ],
)
def test_errors_are_events_too(
    console: Console, error: Exception, status: int, message: str
) -> None:
    """With the program's exit status; the error itself is raised further."""
    with pytest.raises(type(error)), failures_told(JsonWriter(console)):
        raise error
    (event,) = written(console)
    assert (event["event"], event["status"]) == ("error", status)
    assert event["message"].startswith(message)


def test_a_mistake_is_an_event_and_one_line_on_stderr(command: Command) -> None:
    """Before anything heavy is imported, too."""
    result = command("run", "--space", "cnn", "--epochs", "0", "--json")
    event = json.loads(result.out)
    assert event["message"] == result.error()
    assert (event["event"], event["version"], event["status"]) == ("error", 1, 2)


def test_quiet_and_json_exclude_one_another(command: Command) -> None:
    """A script cannot ask for both."""
    for name in ("run", "baseline"):
        error = command(name, "--space", "cnn", "--quiet", "--json").error()
        assert error == "quiet and json exclude one another: give --quiet or --json, got both"
