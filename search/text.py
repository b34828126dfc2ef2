"""How the program writes numbers, durations and texts from outside; light to import."""

import re
from collections.abc import Sequence
from datetime import datetime

from search.metric import Metric


def rough_range(low: float, high: float) -> str:
    """Return an estimated range of seconds: about 5 s, about 40 min to 2 h."""
    first, last = _roughly(low), _roughly(high)
    if first == last:
        return f"about {first}"
    number, unit = first.split()
    return f"about {number if unit == last.split()[1] else first} to {last}"


def _roughly(seconds: float) -> str:
    """Return a duration with one or two digits, in a suitable unit."""
    sizes = (("s", 1), ("min", 60), ("h", 3600), ("days", 86400))
    unit, size = [one for one in sizes if one[1] == 1 or seconds >= 1.5 * one[1]][-1]
    number = seconds / size
    step = 5 if number >= 10 else 1 if unit in ("s", "min") else 0.5
    return f"{max(round(number / step) * step, step):g} {unit}"


def setting(value: object) -> str:
    """Return a setting's value as in a recipe: true, 'kfold', 3; "none" if it is not set."""
    if isinstance(value, bool):
        return str(value).lower()
    return "none" if value is None else repr(value)


def on_folds(n_folds: int, of: int) -> str:
    """Return " on 1 of 5 folds" for a trial with fewer folds than the study, otherwise ""."""
    return f" on {n_folds} of {of} folds" if n_folds < of else ""


def size(count: int) -> str:
    """Return a size in bytes: 512 bytes, 3.4 MB, 12 GB."""
    if count < 1_000_000:
        return f"{count:,} bytes" if count < 1000 else f"{count / 1e3:.0f} kB"
    size, unit = (count / 1e9, "GB") if count >= 1e9 else (count / 1e6, "MB")
    return f"{size:.1f} {unit}" if size < 10 else f"{size:,.0f} {unit}"


def aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """Return a line for each row, with cells of a column as wide as its widest."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]


def printable(text: str) -> str:
    """Return the text with escapes for everything that could control a terminal."""
    return "".join(letter if letter.isprintable() else repr(letter)[1:-1] for letter in text)


def one_line(text: str) -> str:
    """Return the text on one line, escaped as by `printable`."""
    return printable(" ".join(text.split()))


def escaped(text: str) -> str:
    """Return the text on one line, escaped against Markdown and HTML."""
    return re.sub(r"([\\`*_{}\[\]#|<>~&$])", r"\\\1", printable(text))


def code(text: str) -> str:
    """Return the text on one line as a code span, even if it contains backticks."""
    shown = printable(text)
    fence, pad = "`" * (_longest_run(shown) + 1), " " if "`" in shown else ""
    return f"{fence}{pad}{shown}{pad}{fence}"


def code_block(text: str, language: str) -> str:
    """Return lines of code as a fenced block."""
    lines = "\n".join(printable(line) for line in text.rstrip().split("\n"))
    fence = "`" * max(_longest_run(lines) + 1, 3)
    return f"{fence}{language}\n{lines}\n{fence}"


def _longest_run(text: str) -> int:
    return max((len(run) for run in re.findall("`+", text)), default=0)


def percent(fraction: float, digits: int = 1) -> str:
    """Return a fraction as a percentage: 0.8124 is "81.2%"."""
    return f"{100 * fraction:.{digits}f}%"


def score(value: float | None, metric: Metric) -> str:
    """Return a score: a share as a percentage, others with four decimals, None as a dash."""
    if value is None:
        return "–"
    return percent(value, 2) if metric.is_share else f"{value:.4f}"


def spread(value: float | None, metric: Metric) -> str:
    """Return a standard deviation: in points of a percentage for a share; None as a dash."""
    if value is None:
        return "–"
    return f"{100 * value:.2f} points" if metric.is_share else f"{value:.4f}"


def apart(first: float, second: float, metric: Metric) -> str:
    """Return how far two scores are apart as `score` shows them, so that a reader can check it."""
    return spread(abs(round(first, 4) - round(second, 4)), metric)


def duration(seconds: float | None) -> str:
    """Return a duration in its two largest units: "1 h 12 min", "7.5 s"; None as a dash."""
    if seconds is None:
        return "–"
    if 0 < seconds < 0.05:
        return "less than 0.1 s"
    if seconds < 59.95:
        return f"{round(seconds, 1):g} s"
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


def trials_done(done: int, requested: int, *, at_most: bool = False) -> str:
    """Return how many trials are done: "3 of 4 trials done", "3 trials done, 1 requested".

    Args:
        done: How many trials are done.
        requested: How many were requested.
        at_most: Whether there may be fewer: "0 of at most 4 trials done".
    """
    if done > requested:
        return f"{plural(done, 'trial')} done, {requested:,} requested"
    limit = "at most " if at_most else ""
    return f"{done:,} of {limit}{plural(requested, 'trial')} done"


def listed(words: Sequence[str], conjunction: str = "and") -> str:
    """Return the words as a list: "a, b and c"; "" for none."""
    *others, last = words or ("",)
    return f"{', '.join(others)} {conjunction} {last}" if others else last


def listed_names(names: Sequence[str], most: int = 5) -> str:
    """Return the first names, quoted, and how many more there are."""
    shown = ", ".join(map(repr, names[:most]))  # repr: a name may hold anything
    more = len(names) - most
    return f"{shown} and {more:,} more" if more > 0 else shown


def validation_text(validation: str, holdout_fraction: float, folds: int) -> str:
    """Return how trials are validated: "holdout 0.2", "5-fold", "given holdout 0.25"."""
    known = {
        "kfold": f"{folds}-fold",
        "holdout": f"holdout {holdout_fraction:g}",
        "given": f"given holdout {holdout_fraction:.3g}",
    }
    return known[validation]


def times(number: int) -> str:
    """Return how often: "never", "once", "twice", "3 times"."""
    words = ("never", "once", "twice")
    return words[number] if number < len(words) else f"{number} times"


def opened(number: int) -> str:
    """Return how often: "never opened", "opened once", "opened twice", "opened 3 times"."""
    return f"opened {times(number)}" if number else "never opened"


def points(difference: float, digits: int = 2) -> str:
    """Return a difference of two fractions in points, with its sign: 0.0912 is "+9.12"."""
    rounded = round(100 * difference, digits)
    sign = "+" if rounded > 0 else "−" if rounded < 0 else ""
    return f"{sign}{abs(rounded):.{digits}f}"


def interval(fractions: tuple[float, float]) -> str:
    """Return an interval of accuracies: "77.1% to 78.6%" with two decimals."""
    low, high = fractions
    return f"{percent(low, 2)} to {percent(high, 2)}"


def score_interval(both: tuple[float, float], metric: Metric) -> str:
    """Return an interval of scores: "77.1% to 78.6%" with two decimals, or "0.4512 to 0.5120"."""
    low, high = both
    return f"{score(low, metric)} to {score(high, metric)}"


def probability(p_value: float) -> str:
    """Return a p-value with four decimals on one line: "p = 0.0123", "p < 0.0001"."""
    words = "p < 0.0001" if p_value < 0.0001 else f"p = {p_value:.4f}"
    return words.replace(" ", "\N{NO-BREAK SPACE}")


def chance(share: float) -> str:
    """Return an estimated probability, which is never certainty: "63%", "over 99%", "under 1%"."""
    if share > 0.99:
        return "over 99%"
    return "under 1%" if share < 0.01 else percent(share, 0)


def moment(time: datetime) -> str:
    """Return a time to the second, with its time zone if known."""
    return time.strftime("%Y-%m-%d %H:%M:%S %Z").strip()
