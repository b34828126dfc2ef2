"""Numbers and lists as they are read in a sentence."""

from collections.abc import Sequence

_NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


def write_number(value: float) -> str:
    """Return a number with four significant digits: 0.0073, 1e-6."""
    return str(value) if isinstance(value, int) else f"{value:.4g}".replace("e-0", "e-")


def write_numbers(values: Sequence[float]) -> str:
    """Return numbers as a list: "32, 64 and 128"."""
    return write_list([write_number(value) for value in values])


def write_count(number: int, singular: str) -> str:
    """Return a count with its noun: "three convolutions", in figures from ten on."""
    count = _NUMBERS[number] if number < len(_NUMBERS) else str(number)
    return f"{count} {singular}" if number == 1 else f"{count} {singular}s"


def write_list(words: Sequence[str]) -> str:
    """Return words as a list: "a, b and c"; raises ValueError for none."""
    *others, last = words
    return f"{', '.join(others)} and {last}" if others else last


def write_dropout(rates: Sequence[float]) -> str:
    """Return dropout rates in words, a rate that all layers share once: "dropout 0.4"."""
    if not any(rates):
        return "no dropout"
    return f"dropout {write_numbers(rates if len(set(rates)) > 1 else rates[:1])}"
