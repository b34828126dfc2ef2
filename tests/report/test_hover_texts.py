"""What hovering over a trial tells of it."""

from search.report.charts import trial_hover_texts
from tests.report import report_fakes as fakes
from tests.report.baseline_fakes import HAND_TUNED


def test_complete_trial_tells_score_epoch_folds_candidate_and_size() -> None:
    """All that a person would look up in the table stands beside the mark."""
    trial = fakes.complete_trial(3, [0.5, 0.7], [0.4, 0.6], candidate=HAND_TUNED)
    story = trial_hover_texts(fakes.study_record([trial]))[3]
    assert story.startswith("<b>trial 3</b>, complete: 65.00% at E* = 2<br>")
    assert "folds: 70.00%, 60.00%" in story
    assert "convolutions" in story
    assert "114,186 parameters, 1 min 00 s" in story


def test_pruned_trial_tells_the_epoch_it_came_to() -> None:
    """Its score is its last report, so that the epoch must be said."""
    trial = fakes.other_trial(0, "pruned", value=0.4, history=fakes.history([[0.3, 0.4]]))
    assert trial_hover_texts(fakes.study_record([trial])) == {
        0: "<b>trial 0</b>, pruned: 40.00% after epoch 2"
    }


def test_failed_and_repeated_trials_tell_why() -> None:
    """A reason is text and never markup, and an equal candidate names the trial trained."""
    failed = fakes.other_trial(0, "failed", reason="killed <b> & gone")
    again = fakes.complete_trial(1, [0.5], same_as=0)
    stories = trial_hover_texts(fakes.study_record([failed, again]))
    assert stories[0] == "<b>trial 0</b>, failed: –<br>killed &lt;b&gt; &amp; gone"
    assert "same candidate as trial 0, not trained again" in stories[1]


def test_lines_of_a_story_fit_a_telephone() -> None:
    """Long descriptions are broken into lines that a narrow window has room for."""
    trial = fakes.complete_trial(0, *[[0.5]] * 10, candidate=HAND_TUNED)
    story = trial_hover_texts(fakes.study_record([trial]))[0]
    assert max(map(len, story.split("<br>"))) <= 52
