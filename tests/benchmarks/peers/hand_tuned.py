"""The accuracy to beat: the hand-tuned network, trained once by a plain loop."""

from spaces import load_space
from tests.benchmarks.peers.plain import train
from tests.benchmarks.peers.task import Task


def search(task: Task) -> None:
    """Train the one candidate to its last epoch."""
    candidate, recorder = load_space(task.space).baseline(), task.recorder()
    if candidate is None:
        raise ValueError(f"space {task.space} has no baseline")
    for epoch, accuracy in enumerate(train(candidate, task.load(), task.epochs, task.seed), 1):
        recorder.add("baseline", epoch, accuracy)
