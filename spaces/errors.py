"""What is wrong with a space, as opposed to a point that it rejects."""

from typing import final


@final
class SpaceError(ValueError):
    """A mistake in a space, such as a range upside down; unlike other ValueErrors no rejection."""

    def _render_traceback_(self) -> list[str]:
        """Return what a notebook shows: one line, without a traceback."""
        return [f"{type(self).__name__}: {self}"]
