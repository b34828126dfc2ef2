"""What a study and its trials say: values, tables, plots, and how they look."""

import re
import statistics
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import plotly.graph_objects as go
import pytest
from PIL import Image

import search
from search.errors import UserError
from search.report.findings import FIGURE_NAMES
from search.study.figures import KINDS
from search.study.running import _checked
from search.study.trial import Trial
from tests.study.conftest import RunMaker


def assert_html(fragment: str) -> None:
    """Check that every tag is closed in order."""
    open_tags: list[str] = []

    class Parser(HTMLParser):
        def handle_starttag(self, tag: str, attrs: object) -> None:
            open_tags.append(tag)

        def handle_endtag(self, tag: str) -> None:
            assert open_tags.pop() == tag

    Parser().feed(fragment)
    assert open_tags == []


@pytest.mark.slow
def test_the_best_trial_has_the_best_score(finished: search.Study) -> None:
    """Its score is the mean of its folds, and its curve has it at the best epoch."""
    best = finished.best
    complete = [one for one in finished.trials if one.state == "complete"]
    assert best.score == max(one.score for one in complete if one.score is not None)
    assert best == finished.trial(best.number)
    assert len(best.folds) == 2
    assert best.score == pytest.approx(sum(best.folds) / 2)
    assert best.best_epoch is not None
    assert best.curve[best.best_epoch - 1] == pytest.approx(best.score)
    assert len(best.curve) == best.epochs <= 3
    assert set(best.params) == {"width", "lr"}
    assert best.candidate is not None
    assert best.candidate.optimizer.learning_rate == best.params["lr"]
    assert best.seconds > 0
    assert (best.n_parameters or 0) > 0
    assert best.reason is None


@pytest.mark.slow
def test_trials_of_other_numbers_are_refused(finished: search.Study) -> None:
    with pytest.raises(search.UserError, match="no trial 99; its trials: 0 to 5"):
        finished.trial(99)
    for wrong, kind in (("2", "str"), (True, "bool"), (1.0, "float"), (None, "NoneType")):
        for call in (finished.trial, finished.best.diff):
            with pytest.raises(search.UserError, match=rf"its number, such as 0, got .*\({kind}\)"):
                call(wrong)  # type: ignore[arg-type]


@pytest.mark.slow
def test_the_data_frame_has_a_row_for_each_trial(finished: search.Study) -> None:
    """Values are those of the trials; folds and parameters have columns."""
    frame = finished.to_dataframe()
    assert list(frame.index) == [one.number for one in finished.trials]
    assert {"state", "score", "fold_0", "fold_1", "params_width", "params_lr"} <= {*frame.columns}
    best = finished.best
    assert frame["score"].idxmax() == best.number
    assert frame.loc[best.number, "fold_1"] == best.folds[1]
    assert frame.loc[best.number, "params_lr"] == best.params["lr"]


def test_differences_are_the_settings_that_differ(finished: search.Study) -> None:
    """A trial differs from itself in nothing, from another as the other does from it."""
    first, second = finished.trial(0), finished.trial(1)
    assert len(first.diff(first)) == 0
    assert list(first.diff(1)) == list(first.diff(second)) == list(first.diff(np.int64(1)))
    there, back = first.diff(second), second.diff(first)
    assert [one.setting for one in there] == [one.setting for one in back]
    assert [(one.first, one.second) for one in there] == [(one.second, one.first) for one in back]
    assert "optimizer.learning_rate" in [one.setting for one in there]
    lines = repr(there).splitlines()
    assert re.fullmatch(r"setting +trial 0 \([0-9.]+%\) +trial 1 \([0-9.]+%\)", lines[0])
    assert len(lines) == 1 + len(there) == 1 + len(there[:])
    assert_html(there._repr_html_())
    frame = there.to_dataframe()
    assert list(frame.index) == [one.setting for one in there]
    assert list(frame.iloc[:, 1]) == [one.second for one in there]


def test_equal_trials_say_so(finished: search.Study) -> None:
    same = finished.best.diff(finished.best)
    assert "have the same settings" in repr(same) == same._repr_html_()


def test_a_trial_that_was_not_trained_differs_in_parameters(finished: search.Study) -> None:
    """As of a network that is too large; a trial without any settings is refused."""
    best = finished.best
    untrained = replace(best.record, number=7, state="pruned", infeasible=True, candidate=None)
    untrained = replace(untrained, value=None, mean=None)
    other = Trial(finished.record, replace(untrained, params={**best.params, "lr": 0.5, "x": 1}))
    assert [(one.setting, one.second) for one in best.diff(other)] == [("lr", "0.5"), ("x", "1")]
    assert "trial 7 (infeasible)" in repr(best.diff(other))
    waiting = Trial(finished.record, replace(untrained, state="waiting", params={}))
    with pytest.raises(search.UserError, match=r"trial 7 is .* has no settings yet"):
        best.diff(waiting)


def test_the_verdict_is_that_of_the_report(finished: search.Study) -> None:
    """The winner's lead among it; the runner-up is another candidate."""
    second = finished.runner_up
    assert second != finished.best
    assert finished.best.score is not None
    assert second.score is not None
    assert second.score <= finished.best.score
    assert f"leads the runner-up, trial {second.number}" in finished.verdict


@pytest.mark.parametrize(
    "call",
    [
        lambda study: search.load_study(3),  # type: ignore[arg-type]
        lambda study: search.load_study(""),
        lambda study: study.model.save(""),
        lambda study: search.load_model(None),  # type: ignore[arg-type]
        lambda study: study.report(3),
        lambda study: study.model.save(3),
        lambda study: study.plot.history().save(3),
        lambda study: study.model.predict(np.zeros((8, 8, 3), np.uint8)),
    ],
)
def test_values_of_other_types_are_one_line(finished: search.Study, call: Any) -> None:
    """Each names the argument and what it got."""
    with pytest.raises(search.UserError, match=r"^[a-z_]+: .*(got|shape)") as caught:
        call(finished)
    assert "\n" not in str(caught.value)


@pytest.mark.slow
def test_the_spread_is_that_of_a_sample(finished: search.Study, run: RunMaker) -> None:
    """As everywhere else that it is shown; one fold has none."""
    best = finished.best
    assert best.std == pytest.approx(statistics.stdev(best.folds))
    assert finished.to_dataframe().loc[best.number, "std"] == best.std
    assert run(trials=1, epochs=1).best.std is None


@pytest.mark.slow
def test_learning_curves_can_be_of_any_trial(finished: search.Study) -> None:
    """Those of the winner are the default; without the refit they are those of any trial."""
    other = next(one for one in finished.trials if one.number != finished.best.number)
    assert f"of trial {other.number} by epoch" in repr(finished.plot.learning_curves(other.number))
    shown = finished.plot.learning_curves(other.number).plotly().data
    (mean,) = [
        one.y for one in shown if one.name == "validation, mean over folds" and one.yaxis == "y"
    ]
    assert list(mean) == pytest.approx(other.curve)
    assert "of the refit" in repr(finished.plot.learning_curves())
    with pytest.raises(search.UserError, match="no trial 99"):
        finished.plot.learning_curves(99)


@pytest.mark.slow
def test_slices_can_be_of_any_parameter(finished: search.Study) -> None:
    """In the order asked for, whether they matter or not."""
    figure = finished.plot.slices("lr")
    titles = [one.text for one in figure.plotly().layout.annotations]
    assert len(titles) == 1
    assert "lr" in titles[0]
    both = finished.plot.slices("width", "lr").plotly().layout.annotations
    assert ["width" in both[0].text, "lr" in both[1].text] == [True, True]
    with pytest.raises(
        search.UserError, match="slices: no parameter 'depth' was varied; width and"
    ):
        finished.plot.slices("depth")


def test_optuna_study_is_there(finished: search.Study) -> None:
    """Whatever reads a study of Optuna can read it."""
    assert finished.optuna.best_trial.number == finished.best.number
    assert len(finished.optuna.trials_dataframe()) == 6


def test_objects_say_what_they_are(finished: search.Study) -> None:
    """Names, figures and states, in text and HTML."""
    result = finished.result
    assert result is not None
    assert repr(finished).startswith("<Study 'finished': 6 of 6 trials done; best validation")
    assert f"test accuracy {result.accuracy:.2%}; test set opened once" in repr(finished)
    assert f"accuracy {result.accuracy:.2%}" in repr(result)
    assert f"Trial {finished.best.number}: complete" in repr(finished.best)
    assert "finished" in repr(finished.model)
    for one in (finished, finished.best):
        assert_html(one._repr_html_())


@pytest.mark.slow
def test_a_retry_says_of_what(run: RunMaker) -> None:
    """Numbers are Optuna's everywhere; a trial that was run again has another one, and says so."""
    study = run(trials=2)
    record = study.trial(1).record
    object.__setattr__(record, "attempt", 1)
    object.__setattr__(record, "plan", 0)
    assert repr(study.trial(1)).startswith("<Trial 1 (retry of index 0): complete")
    assert study.to_dataframe().loc[1, "index"] == 0


@pytest.mark.slow
@pytest.mark.parametrize("state", ["waiting", "running"])
def test_a_trial_that_has_not_ended_has_no_score(state: str, run: RunMaker) -> None:
    study = run(trials=1)
    object.__setattr__(study.trial(0).record, "state", state)
    assert repr(study.trial(0)).startswith(f"<Trial 0: {state}")


@pytest.mark.slow
def test_names_from_elsewhere_are_escaped(run: RunMaker) -> None:
    """A reason may hold anything; a notebook must not run it."""
    study = run(trials=1, study_name="x")
    trial = study.trial(0)
    object.__setattr__(trial.record, "reason", "<script>")
    object.__setattr__(trial.record, "state", "failed")
    assert "<script>" not in trial._repr_html_()
    assert "&lt;script&gt;" in trial._repr_html_()


# Plots


@pytest.mark.slow
@pytest.mark.usefixtures("published_figures")
@pytest.mark.parametrize(
    "name", ["history", "parallel_coordinates", "learning_curves", "confusion_matrix"]
)
def test_plots_are_pictures_and_pages(name: str, finished: search.Study, tmp_path: Path) -> None:
    """Each can be looked at, saved as a picture and as a page, and drawn by either library."""
    figure = getattr(finished.plot, name)()
    png = figure.save(tmp_path / "folder" / f"{name}.png")
    with Image.open(png) as picture:
        assert min(picture.size) > 300
    assert figure.save(tmp_path / f"{name}.pdf").read_bytes().startswith(b"%PDF")
    assert b"<svg" in figure.save(tmp_path / f"{name}.svg").read_bytes()
    assert "plotly" in figure.save(tmp_path / f"{name}.html").read_text()
    assert isinstance(figure.plotly(), go.Figure)
    assert figure._repr_mimebundle_()["image/png"].startswith(b"\x89PNG")
    assert figure.matplotlib().axes


def test_plots_have_names(finished: search.Study) -> None:
    """Those that apply are listed, and each can be had by its name."""
    names = finished.plot.names()
    assert {"history", "confusion_matrix"} <= {*names}
    for name in names:
        assert repr(finished.plot[name]) == repr(getattr(finished.plot, name)())
        assert name in repr(finished.plot)
    assert repr(finished.plot["mlp-confusion-matrix"]) == repr(finished.plot.confusion_matrix())
    with pytest.raises(search.UserError, match="did you mean 'history'"):
        _ = finished.plot["hist"]


def test_every_plot_of_the_report_is_a_method() -> None:
    """Whatever is a file beside the page can be had in a notebook."""
    files = [file for kind in KINDS.values() for file in kind.finding.figures]
    assert sorted(files) == sorted(FIGURE_NAMES)
    assert all(callable(getattr(search.StudyPlots, name)) for name in KINDS)


@pytest.mark.slow
def test_plots_that_do_not_apply_say_why(run: RunMaker, finished: search.Study) -> None:
    """Too few trials, no test yet, no baseline."""
    study = run(trials=1)
    for name, words in (
        ("history", "it needs two trials that have ended"),
        ("parallel_coordinates", "it needs two trials of a search"),
        ("importances", r"importances\(\) cannot be drawn: importances need at least five trials"),
        ("slices", "the parameters that matter most, and importances need at least five"),
        ("confusion_matrix", r"call study.test\(\) first"),
        ("pareto_front", "search.run.*objective="),
    ):
        assert name not in study.plot.names()
        with pytest.raises(search.UserError, match=words):
            getattr(study.plot, name)()
    with pytest.raises(search.UserError, match=r"sampler='baseline'\).test\(\)"):
        finished.plot.versus_baseline()
    with pytest.raises(search.UserError, match=r"path must end with .pdf, .png, .svg, .html, got"):
        study.plot.learning_curves().save("plot.gif")


# Report and model


@pytest.mark.slow
def test_the_report_can_be_copied(run: RunMaker, tmp_path: Path) -> None:
    """It is in the study's folder, and a copy where it is wanted."""
    study = run(trials=2)
    study.test()
    own, copy = study.report(), study.report(tmp_path / "copy")
    assert own == study.folder / "report" / "report.html"
    assert copy == tmp_path / "copy" / "report.html"
    names = sorted(path.name for path in own.parent.iterdir())
    assert sorted(path.name for path in copy.parent.iterdir()) == names
    (tmp_path / "file").write_text("")
    with pytest.raises(search.UserError, match="must be a folder"):
        study.report(tmp_path / "file")
    assert not re.search(r"Traceback", copy.read_text())


@pytest.mark.slow
def test_recipes_repeat_the_study(finished: search.Study, run: RunMaker) -> None:
    """Its resolved recipe, given as settings, gives the same trials."""
    settings = finished.recipe.model_dump(
        exclude_none=True, exclude={"dataset", "space", "runs_dir", "study_name"}
    )
    again = run(**settings, study_name="again")
    assert [one.folds for one in again.trials] == [one.folds for one in finished.trials]


def test_a_function_is_named_among_the_objectives() -> None:
    """As are this program's metrics; another name is refused with what there is."""

    def right(labels: Any, probabilities: Any) -> float:
        return float((probabilities.argmax(1) == labels).mean())

    given = {"objective": "right,parameters", "choose": "best right under 2k"}
    assert _checked(given, None, right)["objective"] == "right,parameters"
    assert _checked({"objective": "macro-f1,parameters"}, None, "macro-f1")
    with pytest.raises(
        UserError, match="objective must be a metric, the same as metric 'accuracy'"
    ):
        _checked(given, None, None)
