"""What the networks of a space start from besides random numbers, such as files of weights."""

from collections.abc import Callable
from pathlib import Path

from cifar_models.family import ModelInput
from spaces.candidate import Candidate
from spaces.space import Space


def model_inputs(space: Space) -> tuple[ModelInput, ...]:
    """Return what the networks of a space start from, each once.

    Raises ValueError if the space cannot be asked for candidates.
    """
    inputs = (
        one for _, candidate in space.probes.accepted for one in candidate.model.starting_inputs
    )
    return tuple(dict.fromkeys(inputs))


def input_paths(candidate: str) -> tuple[Path, ...]:
    """Return the files that a stored candidate's network starts from; a user's family has none."""
    inputs = Candidate.from_json(candidate).model.starting_inputs
    return tuple(Path(path) for one in inputs for path in one.paths())


def relocated(candidate: str, place: Callable[[Path], Path]) -> str:
    """Return a stored candidate for a machine where `place` says where these files are."""
    if not input_paths(candidate):
        return candidate
    one = Candidate.from_json(candidate)
    moved = one.model_copy(
        update={"model": one.model.relocated(lambda path: str(place(Path(path))))}
    )
    return moved.model_dump_json()
