"""Which of very many trials are drawn."""

from hypothesis import given
from hypothesis import strategies as st

from search.metric import ACCURACY, LOSS
from search.report.thinning import BEST, drawn, drawn_words

SCORES = st.lists(st.none() | st.floats(0, 1), max_size=900)


@given(values=SCORES, most=st.integers(BEST + 1, 400))
def test_as_many_as_may_be_and_the_best_among_them(values: list[float | None], most: int) -> None:
    """All of few; of many exactly so many, in order, each once, with the best."""
    for metric in (ACCURACY, LOSS):
        places = drawn(values, metric, most)
        assert places == sorted(set(places))
        assert len(places) == min(len(values), most)
        known = [value for value in values if value is not None]
        best = sorted(known, reverse=metric.higher_is_better)[:BEST]
        kept = sorted(
            (value for place in places if (value := values[place]) is not None),
            reverse=metric.higher_is_better,
        )
        assert kept[: len(best)] == best


def test_others_are_evenly_spaced() -> None:
    """No stretch of the search is left out."""
    places = drawn([0.5] * 10_000, ACCURACY)
    gaps = [b - a for a, b in zip(places[BEST:], places[BEST + 1 :], strict=False)]
    assert max(gaps) <= 6


def test_what_is_left_out_is_told_with_where_it_is() -> None:
    """Nothing is said where nothing is left out."""
    assert drawn_words(7, 7) == ""
    told = drawn_words(2_000, 10_000)
    assert "10,000" in told
    assert "1,900" in told
    assert "trials.csv" in told
