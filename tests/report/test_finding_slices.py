"""Slices: the score over each of the most important parameters, in values, chart and figure."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.figure import Figure

from search.metric import ACCURACY
from search.plotting import paper_style
from search.report.blocks import Chart
from search.report.evidence import Evidence
from search.report.findings.importances import Importance, Importances
from search.report.findings.parallel_coordinates import Dimension, ParallelCoordinates
from search.report.findings.slices import MOST, Slice, Slices, choose_slices, side_by_side
from tests.report import report_fakes as fakes
from tests.report.conftest import read_page

HOSTILE = "<b>rate</b> $x$"


def importances(values: Mapping[str, float], chance: Sequence[float]) -> Importances:
    """Return importances of these parameters, with what each has by chance."""
    rows = zip(values.items(), chance, strict=True)
    known = (Importance(name=name, importance=value, chance=c) for (name, value), c in rows)
    return Importances(parameters=tuple(known), n_trials=3)


def parallel(names: Sequence[str], positions: Sequence[float], **more: Any) -> Any:
    """Return axes of these names on which the trials all stand at the same positions."""
    n = len(positions)
    labels = tuple(f"{position:g}" for position in positions)
    axes = [Dimension(name, tuple(positions), labels, ((0.0, "a"), (1.0, "b"))) for name in names]
    score = Dimension("validation accuracy", (0.5,) * n, ("",) * n, ())
    values = tuple(0.5 + i / 10 for i in range(n))
    return ParallelCoordinates(
        metric=ACCURACY,
        numbers=tuple(range(n)),
        dimensions=(*axes, score),
        values=values,
        **more,
    )


def of_three(name: str = "p0", positions: Sequence[float] = (0.0, 0.5, 1.0)) -> Slices:
    """Return the slices of two complete trials and a pruned one, of one parameter."""
    trials = [
        fakes.complete_trial(0, [0.5]),
        fakes.other_trial(1, "pruned", value=0.6, history=fakes.history([[0.6]])),
        fakes.complete_trial(2, [0.7]),
    ]
    known = importances({name: 1.0}, [0.15])
    return Slices.along(fakes.study_record(trials), known, parallel([name], positions))


def chart_of(info: Slices) -> Chart:
    (plot,) = info.plots()
    assert plot.page is not None
    return plot.page()


def figure_of(info: Slices) -> Figure:
    (plot,) = info.plots()
    assert plot.paper is not None
    with paper_style():
        return plot.paper()


def with_slices(info: Slices, *slices: Slice) -> Slices:
    return info.model_copy(update={"slices": slices})


def test_parameters_beyond_chance_come_first_and_few_are_shown() -> None:
    """Those that matter lead, in order of importance; the others follow, six together."""
    values = [0.3, 0.2, 0.19, 0.1, 0.1, 0.05, 0.04, 0.02]
    named = {f"p{i}": value for i, value in enumerate(values)}
    known = importances(named, [0.5, 0.1, 0.5, 0.01, 0.5, 0.5, 0.5, 0.01])
    axes = parallel(sorted(named, reverse=True), [0.1, 0.9])
    record = fakes.study_record([fakes.complete_trial(i, [0.5]) for i in range(2)])
    shown = Slices.along(record, known, axes).slices
    assert [one.axis.name for one in shown] == ["p1", "p3", "p7", "p0", "p2", "p4"]
    assert len(shown) == MOST
    assert [one.weight for one in shown[2:4]] == [
        "importance 0.02, beyond chance",
        "importance 0.30, within chance",
    ]


def test_trials_keep_what_became_of_them_and_who_won() -> None:
    """Kinds and winner come from the record, values and epoch from how trials are compared."""
    info = of_three()
    assert info.kinds == ("complete", "pruned", "complete")
    assert (info.of_kind("pruned"), info.winner) == ([1], 2)
    assert info.parallel.values == (0.5, 0.6, 0.7)
    assert (info.score, info.parallel.after, info.reason) == ("validation accuracy", None, None)


def test_a_reason_stands_where_nothing_can_be_drawn() -> None:
    """Without importances there is no order, without trials there are no points."""
    record = fakes.study_record([])
    few = Importances(reason="too few")
    assert Slices.along(record, few, parallel(["p0"], [])).reason == "too few"
    nothing = parallel(["p0"], [], reason="no trial")
    assert Slices.along(record, importances({"p0": 1.0}, [0.15]), nothing).reason == "no trial"


def test_trials_of_one_value_stand_side_by_side() -> None:
    """They take half the way to the next value at most; who is alone, and the first, stay."""
    positions = [0.0] * 30 + [0.1, 0.5] + [1.0] * 30
    places = list(side_by_side(positions))
    assert len(set(places)) == len(places)
    assert places[30:32] == [0.1, 0.5]
    assert (places[0], places[32]) == (0.0, 1.0)
    assert max(map(abs, places[:30])) <= 0.025
    assert 0.05 < max(abs(place - 1) for place in places[32:]) <= 0.1
    assert places == list(side_by_side(positions))


@pytest.mark.parametrize("positions", [[0.3], [0.3, 0.3]])
def test_even_a_single_value_has_a_place(positions: list[float]) -> None:
    """No neighbour is needed to know how far one may spread."""
    places = list(side_by_side(positions))
    assert places == pytest.approx(positions, abs=0.1)


@given(
    positions=st.lists(st.sampled_from([0.0, 0.01, 0.4, 0.9, 1.0]), min_size=1, max_size=40),
)
def test_nothing_stands_beyond_the_ends_of_a_range(positions: list[float]) -> None:
    """There is no value there; equal ones still stand apart, and the first of them in place."""
    places = list(side_by_side(positions, (0.0, 1.0)))
    assert min(places) >= 0
    assert max(places) <= 1
    assert len(set(places)) == len(places)
    assert [places[positions.index(p)] for p in positions] == positions


def with_unused(*, earlier: float = 0.15) -> Slices:
    """Return the slices of a parameter that the winner and two other trials lack."""
    axis = Dimension(
        "sgd_lr",
        (0.15, earlier, 0.0, 0.0, 0.0, 1.0),
        ("1", "1", "not used", "not used", "not used", "9"),
        ((0.0, "not used"), (0.15, "1"), (1.0, "9")),
        floor=0.15,
        unused=frozenset({2, 3, 4}),
        is_range=True,
    )
    axes = parallel(["sgd_lr"], [0.0] * 6)
    axes = axes.model_copy(update={"dimensions": (axis, axes.dimensions[-1])})
    trials = [fakes.complete_trial(i, [0.9 if i == 3 else 0.5]) for i in range(6)]
    return Slices.along(fakes.study_record(trials), importances({"sgd_lr": 1.0}, [0.1]), axes)


@pytest.mark.parametrize("earlier", [0.15, -0.7])
def test_trials_without_the_parameter_have_a_band_of_their_own(earlier: float) -> None:
    """It lies clear of every value, those of an earlier range too; the winner's star is in it."""
    info = with_unused(earlier=earlier)
    (one,) = info.slices
    assert one.band is not None
    low, high = one.band
    assert high < min(one.places[0], one.places[1], one.places[5])
    assert all(low < place < high for place in one.places[2:5])
    assert len(set(one.places[2:5])) == 3
    assert (*one.places[:2], one.places[5]) == (0.15, earlier, 1.0)
    assert one.reach[0] == low
    assert [label for _, label in one.ticks] == ["not used", "1", "9"]
    assert low < one.ticks[0][0] < high
    star = chart_of(info).figure.data[-1]
    assert (star.name, low < star.x[0] < high) == ("winner", True)
    (shape,) = chart_of(info).figure.layout.shapes
    assert (shape.x0, shape.x1) == one.band
    assert len(figure_of(info).axes[0].patches) == 1


@pytest.mark.parametrize(("is_range", "n_places"), [(True, 2), (False, 4)])
def test_numbers_stay_where_they_are(is_range: bool, n_places: int) -> None:
    """Equal choices stand side by side; a number that stood beside its place would be another."""
    axes = parallel(["p"], [0.5] * 4)
    axis = axes.dimensions[0]._replace(positions=(0.2, 0.2, 0.2, 0.9), is_range=is_range)
    known = importances({"p": 1.0}, [0.1])
    (one,) = choose_slices(known, (axis,))
    assert len(set(one.places)) == n_places
    assert one.places == axis.positions or not is_range


def test_a_parameter_of_all_trials_has_no_band() -> None:
    info = of_three()
    assert info.slices[0].band is None
    assert chart_of(info).figure.layout.shapes == ()


def test_a_panel_holds_values_of_an_earlier_range() -> None:
    """Trials beyond the range that the axis has now are not cut off."""
    low, high = of_three(positions=(-0.4, 0.5, 1.0)).slices[0].reach
    assert low < -0.4
    assert high > 1.0


def test_chart_marks_kinds_and_winner() -> None:
    """Complete trials are filled, pruned ones open, the winner is a star over them."""
    complete, pruned, winner = chart_of(of_three()).figure.data
    assert [one.name for one in (complete, pruned, winner)] == ["complete", "pruned", "winner"]
    assert (complete.marker.symbol, pruned.marker.symbol) == ("circle", "circle-open")
    assert (winner.marker.symbol, winner.x, winner.y) == ("star", (1.0,), (0.7,))
    assert complete.customdata == (0, 2)
    assert pruned.text == ("p0: 0.5",)


@pytest.mark.slow
def test_chart_has_one_legend_and_one_score_for_all_panels(kfold: fakes.Fake) -> None:
    """Panels share the score's axis; each mark names its trial; the alt text names all."""
    info = Slices.of(kfold.evidence())
    assert info is not None
    chart = chart_of(info)
    named = [trace.name for trace in chart.figure.data if trace.showlegend]
    assert len(named) == len(set(named))
    layout = chart.figure.layout.to_plotly_json()
    axes = [value for name, value in layout.items() if name.startswith("yaxis")]
    assert len(axes) == len(info.slices) == MOST
    assert len({axis["matches"] for axis in axes if "matches" in axis}) == 1
    assert sum("matches" in axis for axis in axes) == MOST - 1
    told = {number for trace in chart.figure.data for number in trace.customdata}
    assert told == set(info.parallel.numbers)
    assert all(one.axis.name in info.plots()[0].alt for one in info.slices)


@pytest.mark.slow
def test_chart_grows_by_its_panels() -> None:
    """One panel fits a phone; a second row makes the chart higher, not wider."""
    one = of_three()
    three, four = (with_slices(one, *one.slices * n) for n in (3, 4))
    assert chart_of(one).min_width < 350
    assert chart_of(four).min_width == chart_of(three).min_width
    assert chart_of(four).height > chart_of(three).height == chart_of(one).height


def test_names_are_text_in_chart_and_figure() -> None:
    """Markup and formulas of a parameter's name are shown as they are."""
    info = of_three(HOSTILE)
    chart, figure = chart_of(info).figure, figure_of(info)
    assert "&lt;b&gt;rate&lt;/b&gt; $x$" in chart.layout.annotations[0].text
    assert chart.data[0].text[0].startswith("&lt;b&gt;rate")
    title = figure.axes[0].title
    assert title.get_text().startswith(HOSTILE)
    assert not title.get_parse_math()


def test_long_names_leave_room_for_the_rest() -> None:
    """A name of two hundred characters takes two lines in the chart, and is cut on paper."""
    info = of_three("x" * 200)
    assert chart_of(info).figure.layout.annotations[0].text.count("<br>") == 2
    assert "…" in figure_of(info).axes[0].get_title()


def test_figure_has_a_panel_for_each_parameter() -> None:
    """Four parameters fill a row and begin another; what is left of it stays empty."""
    one = of_three()
    figure = figure_of(with_slices(one, *one.slices * 4))
    assert [axes.get_visible() for axes in figure.axes] == [True] * 4 + [False] * 2
    assert figure.get_supylabel() == "validation accuracy"
    names = [text.get_text() for text in figure.legends[0].get_texts()]
    assert names == ["complete", "pruned", "winner"]
    assert [tick.get_text() for tick in figure.axes[0].get_xticklabels()] == ["a", "b"]
    assert len({axes.get_ylim() for axes in figure.axes[:4]}) == 1


@pytest.mark.parametrize(("labels", "leaning"), [("ab", False), (("x" * 20, "y" * 20), True)])
def test_names_of_ticks_lean_where_they_would_meet(labels: Sequence[str], leaning: bool) -> None:
    """Short names stand upright below their ticks; long ones are turned so that each is read."""
    info = of_three()
    one = info.slices[0]
    axis = one.axis._replace(ticks=((0.0, labels[0]), (0.2, labels[1])))
    figure = figure_of(with_slices(info, one._replace(axis=axis)))
    assert {tick.get_rotation() > 0 for tick in figure.axes[0].get_xticklabels()} == {leaning}


@pytest.mark.slow
def test_page_explains_the_slices_or_says_why_there_are_none(
    kfold_evidence: Evidence, unfinished_evidence: Evidence
) -> None:
    """The chart has a heading of its own, after the importances and before the lines."""
    text = read_page(kfold_evidence).text
    order = [
        text.index(one)
        for one in ("Which parameters matter", "Score by parameter", "Drag along an axis")
    ]
    assert order == sorted(order)
    assert "the star is the winner" in text
    lacking = read_page(unfinished_evidence).text
    assert "Score by parameter Not shown: importances need" in lacking


def test_where_too_few_trials_were_drawn_parameters_are_shown_unranked() -> None:
    """No importance is claimed; with names, those are shown."""
    trials = [fakes.complete_trial(i, [0.5 + i / 10]) for i in range(3)]
    axes = parallel(["p0", "p1"], (0.0, 0.5, 1.0))
    untested = Importances(reason="few were drawn", untested=True)
    found = Slices.along(fakes.study_record(trials), untested, axes)
    assert [one.axis.name for one in found.slices] == ["p0", "p1"]
    assert all(one.importance is None and not one.beyond_chance for one in found.slices)
    chart_of(found)
    assert [one.axis.name for one in found.of_parameters(["p1"]).slices] == ["p1"]
    none = Slices.along(fakes.study_record(trials), untested, parallel([], (0.0, 0.5, 1.0)))
    assert none.reason is not None
