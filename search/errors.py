"""The two failures that a user may see, each as one line: names of files may hold anything."""

from typing import final

from search.text import one_line


@final
class UserError(Exception):
    """A mistake in what was asked for: names the setting, its value and what is accepted."""

    exit_status = 2

    def __str__(self) -> str:
        """Return it on one line, with escapes for what a terminal would act on."""
        return one_line(super().__str__())


@final
class MachineError(Exception):
    """A failure of the machine: says what was kept and how to go on."""

    exit_status = 1

    def __str__(self) -> str:
        """Return it on one line, with escapes for what a terminal would act on."""
        return one_line(super().__str__())
