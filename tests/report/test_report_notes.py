"""The dashboard's notes: what they say, and that nothing in them can act."""

from dataclasses import replace

import pytest

from search.dashboard.notes import study_note, trial_note
from search.progress.words import describe_end
from search.text import code, code_block, escaped
from search.tuning.records import StudyRecord
from tests.report import report_fakes as fakes


@pytest.fixture(scope="module")
def running() -> StudyRecord:
    """Return a search that has not ended."""
    return fakes.realistic(n_folds=5, ended=False).record


def test_a_running_study_says_how_far_it_is(running: StudyRecord) -> None:
    """The best so far is no winner yet, the test set is closed, the report still to come."""
    note, best = study_note(running), running.winner()
    assert best is not None
    assert best.mean is not None
    assert f"**Winner so far:** trial {best.number}, {100 * best.mean:.2f}%" in note
    assert "**Test set:** not opened" in note
    assert "**Report:** will be `runs/cnn-random-photos/report/report.html`" in note


def test_a_finished_study_says_its_test_result(kfold: fakes.Fake) -> None:
    """With its interval, beside the baseline's line and the recipe to repeat it."""
    note, test = study_note(kfold.record), kfold.record.test
    assert test is not None
    assert f"**Test set:** {100 * test.accuracy:.2f}% (95% interval " in note
    assert "**Winner:** trial" in note
    assert "**Hand-tuned baseline:** trial 0" in note
    assert kfold.record.recipe.toml().rstrip() in note


def test_the_baseline_study_stands_beside_the_test(kfold: fakes.Fake) -> None:
    """Its accuracy on the same images, without a claim; nothing of one not tested."""
    test = kfold.record.test
    assert test is not None
    theirs = replace(kfold.record, name="hand_tuned", test=replace(test, accuracy=0.1))
    (line,) = [
        one for one in study_note(kfold.record, theirs).splitlines() if "hand\\_tuned" in one
    ]
    assert "10.00%" in line
    assert "better" not in line
    untested = replace(theirs, test=None)
    assert study_note(kfold.record, untested) == study_note(kfold.record)


def test_an_empty_study_has_a_note() -> None:
    """As it has before the first trial ends."""
    note = study_note(fakes.study_record([]))
    assert "none has ended yet" in note
    assert "**Winner so far:** none yet" in note


def test_every_kind_of_trial_has_a_note(running: StudyRecord) -> None:
    """It begins with how the trial ended, and ends with the commands that go on from there."""
    for trial in running.trials:
        note = trial_note(trial, running)
        ended = trial.state not in ("waiting", "running")
        outcome = describe_end(trial, running.recipe, running.metric) if ended else trial.kind
        assert note.startswith(f"**{escaped(outcome)}**")
        assert f"python -m search show cnn-random-photos --trial {trial.number}\n" in note


def test_a_complete_trial_shows_its_folds(running: StudyRecord) -> None:
    """All fold scores with their spread."""
    trial = running.complete()[0]
    note = trial_note(trial, running)
    assert ", ".join(f"{100 * score:.2f}%" for score in trial.fold_scores) in note
    assert "standard deviation" in note


def test_an_equal_trial_is_named(running: StudyRecord) -> None:
    """Whoever looks at it learns whose result it has."""
    trial = replace(running.complete()[0], same_as=3)
    assert "same candidate as: trial 3" in trial_note(trial, running)


def test_commands_find_the_study_and_keep_passwords(running: StudyRecord) -> None:
    """They carry what is not a default; a database's password is left out."""
    storage = "postgresql://me:s3cret@host/db"
    recipe = running.recipe.model_copy(update={"storage": storage})
    record = replace(running, recipe=recipe)
    notes = study_note(record) + trial_note(record.complete()[0], record)
    assert "--storage postgresql://me@host/db" in notes
    assert "s3cret" not in notes


def test_reasons_from_outside_stay_text(running: StudyRecord) -> None:
    """A failure's message makes no link and no markup, and stays on its line."""
    trial = fakes.other_trial(0, "failed", reason="boom <b>\n[x](javascript:1) *y*\x1b[2J")
    first = trial_note(trial, running).splitlines()[0]
    assert first == r"**failed: boom \<b\>\\n\[x\](javascript:1) \*y\*\\x1b\[2J**"


@pytest.mark.parametrize(
    ("text", "span"), [("a/b", "`a/b`"), ("a`b", "`` a`b ``"), ("``", "``` `` ```")]
)
def test_code_holds_any_backticks(text: str, span: str) -> None:
    """The fence is longer than every run of them."""
    assert code(text) == span


def test_a_block_cannot_be_left() -> None:
    """Nor by a line that looks like its end."""
    assert code_block("a\n```\nb", "toml") == "````toml\na\n```\nb\n````"


def test_plain_words_stay_as_they_are() -> None:
    """Escapes stand before what acts alone."""
    assert escaped("Two layers (dropout 0.4); SGD, 1e-3.") == "Two layers (dropout 0.4); SGD, 1e-3."
    assert escaped("a_b|c") == "a\\_b\\|c"
