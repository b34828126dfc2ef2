"""What is wrong with a space, as opposed to a point that it rejects."""

from typing import final


@final
class SpaceError(ValueError):
    """A mistake in a space, such as a range upside down; unlike other ValueErrors no rejection."""
