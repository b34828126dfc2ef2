"""`python -m tests.benchmarks.peers TASK`: runs one contestant's search in this process."""

import os
import sys
from importlib import import_module
from pathlib import Path

from tests.benchmarks.peers.contestants import CONTESTANTS
from tests.benchmarks.peers.task import Task

if __name__ == "__main__":
    task = Task.model_validate_json(Path(sys.argv[1]).read_bytes())
    contestant = CONTESTANTS[task.tool]
    os.environ.update(contestant.environment)  # before its package is imported
    getattr(import_module(contestant.module), contestant.function)(task)
