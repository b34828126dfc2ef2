"""Starts optuna-dashboard on the studies."""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from search.errors import UserError

_LOOPBACK = ("127.0.0.1", "localhost", "::1")


def dashboard_command(url: str, artifacts_dir: Path, host: str, port: int) -> list[str]:
    """Return the command that starts optuna-dashboard.

    It has no authentication of its own, so only loopback addresses are accepted.
    Raises UserError for another host.
    """
    if host not in _LOOPBACK:
        raise UserError(
            f"host: {host!r} would open the studies to the network, and optuna-dashboard asks for "
            f"no password; use {', '.join(_LOOPBACK)}"
        )
    program = str(Path(sys.executable).with_name("optuna-dashboard"))
    address = ["--host", host, "--port", str(port)]
    return [program, url, *address, "--artifact-dir", str(artifacts_dir)]


def run_dashboard(command: Sequence[str], artifacts_dir: Path) -> int:
    """Run the command until it ends or Ctrl-C; returns its exit status.

    Raises UserError where optuna-dashboard is not installed.
    """
    artifacts_dir.mkdir(parents=True, exist_ok=True)
    try:
        return subprocess.run(command, check=False).returncode  # noqa: S603
    except FileNotFoundError as error:
        raise UserError(
            "optuna-dashboard is not installed: pip install optuna-dashboard"
        ) from error
    except KeyboardInterrupt:
        return 0
