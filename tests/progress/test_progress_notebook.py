"""The display of a notebook: what it shows after which events, and how often it is redrawn."""

import html

import pytest

from search.events import Notice, StepProgress
from search.progress.notebook import NotebookDisplay
from search.tuning.run_events import (
    EpochEnded,
    PlanMade,
    SearchEnded,
    Stopping,
    StudyOpened,
    TrialEnded,
    TrialStarted,
)
from tests.fakes import make_plan, make_recipe, make_trial


class Screen:
    """What is shown, and a clock that tests move."""

    def __init__(self) -> None:
        self.shown: list[str] = []
        self.time = 0.0
        self.display = NotebookDisplay(self.shown.append, lambda: self.time)

    @property
    def text(self) -> str:
        return html.unescape(self.shown[-1])


@pytest.fixture
def screen() -> Screen:
    return Screen()


def start(screen: Screen) -> None:
    screen.display(PlanMade(make_plan()))
    screen.display(StudyOpened(make_recipe(), 4, ()))


def test_a_search_is_shown_from_plan_to_end(screen: Screen) -> None:
    """The plan, the bar with counts and the best, the last trials."""
    start(screen)
    assert "mine: space cnn" in screen.text
    assert "study mine: 0 of 4 trials done, best so far: none" in screen.text
    assert '<progress value="0" max="4"' in screen.text
    for number in range(4):
        screen.display(TrialStarted(number, number, 0))
        screen.display(TrialEnded(make_trial(number)))
    assert '<progress value="4" max="4"' in screen.text
    assert "best so far: 50.00% (trial 0)" in screen.text
    assert "trial 3 complete: 50.00%" in screen.text
    assert "trial 0 complete" not in screen.text  # only the last three
    screen.display(SearchEnded())
    assert "left" not in screen.text.split("study mine")[1]


def test_epochs_do_not_redraw_each_time(screen: Screen) -> None:
    """At most four times a second; the last state is drawn at the end."""
    start(screen)
    screen.display(TrialStarted(0, 0, 0))
    before = len(screen.shown)
    for epoch in range(1, 101):
        screen.time += 0.01
        screen.display(EpochEnded(0, epoch, 0.5))
    assert 3 <= len(screen.shown) - before <= 5
    screen.display.close()
    assert screen.text.count("<progress") == 1


def test_steps_have_a_bar_while_they_last(screen: Screen) -> None:
    """Decoding, downloads, the refit."""
    screen.display(StepProgress("refit of trial 3", 2, 5))
    assert "refit of trial 3: 2 of 5" in screen.text
    screen.time = 1
    screen.display(StepProgress("refit of trial 3", 5, 5))
    assert "refit" not in screen.text


def test_notices_stay_and_are_escaped(screen: Screen) -> None:
    """They may repeat names of files, which may be anything."""
    start(screen)
    screen.display(Notice("dataset: <b>odd</b>"))
    screen.display(Stopping(2))
    screen.display.close()
    assert "&lt;b&gt;odd&lt;/b&gt;" in screen.shown[-1]
    assert "<b>odd" not in screen.shown[-1]
    assert "finishing and saving the current epoch of 2 trainings" in screen.text
