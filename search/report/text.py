"""How the report writes numbers. Pure."""

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


def opened(number: int) -> str:
    """Return how often: "never opened", "opened once", "opened twice", "opened 3 times"."""
    words = ("never opened", "opened once", "opened twice")
    return words[number] if number < len(words) else f"opened {number} times"


def moment(time: datetime) -> str:
    """Return a time to the second, with its zone where that is known."""
    return time.strftime("%Y-%m-%d %H:%M:%S %Z").strip()
