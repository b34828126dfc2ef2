"""Runs commands of the program one after another in this process, and writes what each left.

    python -P several.py COMMANDS.json RESULTS.json

COMMANDS.json maps names to the arguments of `python -m search`. One process saves each command the
seconds in which torch is imported.
"""

import contextlib
import io
import json
import runpy
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path


def _run(arguments: Sequence[str]) -> dict[str, object]:
    sys.argv = ["search", *arguments]
    out, err = io.StringIO(), io.StringIO()
    code: object = None
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            runpy.run_module("search", run_name="__main__")  # as `python -m search` does
        except SystemExit as end:
            code = end.code
        except Exception:  # noqa: BLE001 - one command's failure is not the others'
            code = 1
            traceback.print_exc()
    return {"status": int(str(code or 0)), "out": out.getvalue(), "err": err.getvalue()}


def _run_all(commands: Path, results: Path) -> None:
    asked = json.loads(commands.read_text(encoding="utf-8"))
    done = {name: _run(arguments) for name, arguments in asked.items()}
    results.write_text(json.dumps(done), encoding="utf-8")


if __name__ == "__main__":  # workers import it, too
    _run_all(Path(sys.argv[1]), Path(sys.argv[2]))
