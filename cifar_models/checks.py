"""Constructor checks shared by the network configurations."""

from collections.abc import Sequence


def check_positive(name: str, values: Sequence[int]) -> None:
    """Raise ValueError unless every value is an integer of at least 1."""
    if not values or any(value < 1 for value in values):
        raise ValueError(f"{name} must be positive integers, got {values!r}")


def check_rates(name: str, values: Sequence[float]) -> None:
    """Raise ValueError unless every value is a dropout rate in [0, 1)."""
    if any(not 0 <= value < 1 for value in values):
        raise ValueError(f"{name} must be at least 0 and below 1, got {values!r}")
