"""What the networks of a space start from besides random numbers, such as files of weights."""

from cifar_models.family import ModelInput
from spaces.probing import probe
from spaces.space import Space


def model_inputs(space: Space) -> tuple[ModelInput, ...]:
    """Return what the networks of a space start from, each once.

    Raises ValueError if the space cannot be asked for candidates.
    """
    inputs = (
        one
        for _, candidate in probe(space.suggest).accepted
        for one in candidate.model.starting_inputs
    )
    return tuple(dict.fromkeys(inputs))
