"""What a machine may lack: the scenarios that need it are left out, with a word."""

import subprocess
from typing import final


@final
class UnavailableError(Exception):
    """This machine cannot do it; the text says why."""


def run_as_root(*command: str) -> None:
    """Run a command of the system; raises UnavailableError if it is missing or not allowed."""
    try:
        done = subprocess.run(command, check=False, capture_output=True, text=True)
    except FileNotFoundError as error:
        raise UnavailableError(f"{command[0]} is not installed") from error
    if done.returncode != 0:
        raise UnavailableError(f"{command[0]} failed: {done.stderr.strip()}")
