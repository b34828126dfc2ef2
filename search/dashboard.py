"""Starts optuna-dashboard on the studies."""

import subprocess
import sys
from pathlib import Path

from search.errors import UserError


def run_dashboard(url: str, artifacts_dir: Path, host: str, port: int) -> int:
    """Run optuna-dashboard until it ends or Ctrl-C; returns its exit status.

    It has no authentication of its own, so only loopback addresses are accepted.
    Raises UserError for another host.
    """
    if host not in ("127.0.0.1", "localhost", "::1"):
        raise UserError(
            f"host: {host!r} would open the studies to the network, and optuna-dashboard asks for "
            "no password; use 127.0.0.1"
        )
    artifacts_dir.mkdir(parents=True, exist_ok=True)
    program = str(Path(sys.executable).with_name("optuna-dashboard"))
    command = [program, url, "--host", host, "--port", str(port)]
    command += ["--artifact-dir", str(artifacts_dir)]
    try:
        return subprocess.run(command, check=False).returncode  # noqa: S603
    except FileNotFoundError as error:
        raise UserError(
            "optuna-dashboard is not installed: pip install optuna-dashboard"
        ) from error
    except KeyboardInterrupt:
        return 0
