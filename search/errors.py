"""The two failures that a user may see, each as one line."""

from typing import final


@final
class UserError(Exception):
    """A mistake in what was asked for: names the setting, its value and what is accepted."""

    exit_status = 2


@final
class MachineError(Exception):
    """A failure of the machine: says what was kept and how to go on."""

    exit_status = 1
