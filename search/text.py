"""How the report writes numbers. Pure."""

from collections.abc import Sequence
from datetime import datetime

from search.training.history import Metric


def percent(fraction: float, digits: int = 1) -> str:
    """Return a fraction as a percentage: 0.8124 is "81.2%"."""
    return f"{100 * fraction:.{digits}f}%"


def score(value: float | None, metric: Metric) -> str:
    """Return a score: an accuracy as a percentage, a loss with four decimals, None as a dash."""
    if value is None:
        return "–"
    return percent(value, 2) if metric == "accuracy" else f"{value:.4f}"


def spread(value: float | None, metric: Metric) -> str:
    """Return a standard deviation: points of a percentage, or a loss; None as a dash."""
    if value is None:
        return "–"
    return f"{100 * value:.2f} points" if metric == "accuracy" else f"{value:.4f}"


def duration(seconds: float) -> str:
    """Return a duration in its two largest units: 4350 is "1 h 12 min"."""
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02d} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min"


def count(number: int | None) -> str:
    """Return an integer with thousands separated, None as a dash."""
    return "–" if number is None else f"{number:,}"


def plural(number: int, noun: str) -> str:
    """Return a count with its noun: "1 trial", "2 trials"."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def listed(words: Sequence[str]) -> str:
    """Return the words as one reads them out: "a, b and c"; nothing for none."""
    *others, last = words or ("",)
    return f"{', '.join(others)} and {last}" if others else last


def times(number: int) -> str:
    """Return how often: "never", "once", "twice", "3 times"."""
    words = ("never", "once", "twice")
    return words[number] if number < len(words) else f"{number} times"


def opened(number: int) -> str:
    """Return how often: "never opened", "opened once", "opened twice", "opened 3 times"."""
    return f"opened {times(number)}" if number else "never opened"


def points(difference: float, digits: int = 2) -> str:
    """Return a difference of two fractions in points: 0.0912 is "+9.12", a fall has a minus."""
    rounded = round(100 * difference, digits)
    sign = "+" if rounded > 0 else "−" if rounded < 0 else ""
    return f"{sign}{abs(rounded):.{digits}f}"


def interval(fractions: tuple[float, float]) -> str:
    """Return an interval of accuracies: "77.1% to 78.6%" with two decimals."""
    low, high = fractions
    return f"{percent(low, 2)} to {percent(high, 2)}"


def probability(p_value: float) -> str:
    """Return a p-value with four decimals on one line: "p = 0.0123", "p < 0.0001"."""
    words = "p < 0.0001" if p_value < 0.0001 else f"p = {p_value:.4f}"
    return words.replace(" ", "\N{NO-BREAK SPACE}")


def moment(time: datetime) -> str:
    """Return a time to the second, with its zone where that is known."""
    return time.strftime("%Y-%m-%d %H:%M:%S %Z").strip()
