"""What a machine may lack: the scenarios that need it are left out, with a word."""

from typing import final


@final
class UnavailableError(Exception):
    """This machine cannot do it; the text says why."""
