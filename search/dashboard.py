"""Starts optuna-dashboard on the studies."""

import signal
import socket
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from search.errors import UserError

_LOOPBACK = ("127.0.0.1", "localhost", "::1")


def dashboard_command(url: str, artifacts_dir: Path, host: str, port: int) -> list[str]:
    """Return the command that starts optuna-dashboard.

    It has no authentication of its own, so only loopback addresses are accepted.
    Raises UserError for another host, and for a port that is taken.
    """
    if host not in _LOOPBACK:
        raise UserError(
            f"host: {host!r} would open the studies to the network, and optuna-dashboard asks for "
            f"no password; use {', '.join(_LOOPBACK)}"
        )
    _check_port(host, port)
    program = str(Path(sys.executable).with_name("optuna-dashboard"))
    address = ["--host", host, "--port", str(port)]
    return [program, url, *address, "--artifact-dir", str(artifacts_dir)]


def run_dashboard(command: Sequence[str], artifacts_dir: Path) -> int:
    """Run the command until it ends, or until Ctrl-C or SIGTERM; returns the exit status.

    Raises UserError where optuna-dashboard is not installed.
    """
    artifacts_dir.mkdir(parents=True, exist_ok=True)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        # In a group of its own, so that Ctrl-C reaches this process alone, which then ends it.
        child = subprocess.Popen(command, start_new_session=True)  # noqa: S603
    except FileNotFoundError as error:
        raise UserError(
            "optuna-dashboard is not installed: pip install optuna-dashboard"
        ) from error
    try:
        return child.wait()
    except KeyboardInterrupt:
        return 0
    finally:
        child.terminate()
        child.wait()


def _check_port(host: str, port: int) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise UserError(f"port: {port} is in use on {host}; give another --port") from error
