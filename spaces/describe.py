"""Candidates in plain words, and what tells two of them apart."""

from collections.abc import Iterator, Mapping, Sequence

from cifar_models import CNNConfig, MLPConfig
from spaces.candidate import Candidate, OptimizerConfig, SGDConfig

_MISSING = "-"
_NUMBERS = ("No", "One", "Two", "Three", "Four", "Five", "Six", "Seven", "Eight", "Nine")
_ACTIVATIONS = {
    "relu": "ReLU",
    "leaky_relu": "leaky ReLU",
    "gelu": "GELU",
    "silu": "SiLU",
    "elu": "ELU",
}
_OPTIMIZERS = {"sgd": "SGD", "adam": "Adam", "adamw": "AdamW"}
_SCHEDULES = {
    "constant": "held constant",
    "plateau": "lowered on plateaus",
    "cosine": "lowered along a cosine",
    "one_cycle": "raised and lowered in one cycle",
}
_POOLINGS = {
    "max": "max pooling",
    "overlapping_max": "overlapping max pooling",
    "average": "average pooling",
}
_HEADS = {
    "flatten": "a flattened head",
    "global_average": "a global average pooling head",
    "global_max": "a global max pooling head",
}
_AUGMENTATIONS = {
    "none": "no augmentation",
    "flip": "random flips",
    "flip_crop": "random flips and crops",
}


def describe_candidate(candidate: Candidate) -> str:
    """Return one sentence: the network, then how it is trained."""
    model = candidate.model
    network = _describe_cnn(model) if isinstance(model, CNNConfig) else _describe_mlp(model)
    parts = [
        network,
        f"{_describe_optimizer(candidate.optimizer)}, {_SCHEDULES[candidate.schedule.name]}",
        f"batches of {candidate.batch_size}",
        _AUGMENTATIONS[candidate.augmentation],
    ]
    if candidate.test_time_flip:
        parts.append("predictions averaged with the mirror image's")
    if candidate.label_smoothing:
        parts.append(f"label smoothing {_number(candidate.label_smoothing)}")
    if candidate.gradient_clip is not None:
        parts.append(f"gradients clipped to a norm of {_number(candidate.gradient_clip)}")
    return "; ".join(parts) + "."


def candidate_differences(a: Candidate, b: Candidate) -> tuple[tuple[str, str, str], ...]:
    """Return (dotted field, value in a, value in b) of each difference; "-" means missing."""
    left, right = dict(_flatten(a.model_dump())), dict(_flatten(b.model_dump()))
    fields = [*left, *(field for field in right if field not in left)]
    return tuple(
        (field, *_tell_apart(left.get(field, _MISSING), right.get(field, _MISSING)))
        for field in fields
        if left.get(field, _MISSING) != right.get(field, _MISSING)
    )


def _describe_cnn(model: CNNConfig) -> str:
    size = model.kernel_size
    what = "convolution" if len(model.channels) == 1 else "convolutions"
    pooling = _POOLINGS[model.pooling] + (" before batch norm" if model.pool_first else "")
    return (
        f"{_count(len(model.channels))} {what} of {_list(model.channels)} channels "
        f"({size}x{size} kernels, {_ACTIVATIONS[model.activation]}, {pooling}, "
        f"{_dropout((model.conv_dropout,))}), {_HEADS[model.head]} with "
        f"{_dropout((model.head_dropout,))}"
    )


def _describe_mlp(model: MLPConfig) -> str:
    norm = "batch norm" if model.batch_norm else "no batch norm"
    return (
        f"{_count(len(model.hidden_widths) + 1)} linear layers with hidden widths "
        f"{_list(model.hidden_widths)} ({norm}, {_ACTIVATIONS[model.activation]}, "
        f"{_dropout(model.dropouts)})"
    )


def _describe_optimizer(optimizer: OptimizerConfig) -> str:
    settings = [f"learning rate {_number(optimizer.learning_rate)}"]
    if isinstance(optimizer, SGDConfig):
        kind = "Nesterov momentum" if optimizer.nesterov else "momentum"
        settings.append(f"{kind} {_number(optimizer.momentum)}")
    settings.append(f"weight decay {_number(optimizer.weight_decay)}")
    return f"{_OPTIMIZERS[optimizer.name]} with {_join(settings)}"


def _dropout(rates: Sequence[float]) -> str:
    if not any(rates):
        return "no dropout"
    return f"dropout {_list(rates if len(set(rates)) > 1 else rates[:1])}"


def _flatten(values: Mapping[str, object], prefix: str = "") -> Iterator[tuple[str, object]]:
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from _flatten(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


def _tell_apart(a: object, b: object) -> tuple[str, str]:
    left, right = _text(a), _text(b)
    return (left, right) if left != right else (repr(a), repr(b))


def _text(value: object) -> str:
    match value:
        case bool():
            return "yes" if value else "no"
        case int() | float():
            return _number(value)
        case tuple() | list():
            return ", ".join(_text(item) for item in value)
        case _:
            return "none" if value is None else str(value)


def _number(value: float) -> str:
    return str(value) if isinstance(value, int) else f"{value:.4g}".replace("e-0", "e-")


def _count(number: int) -> str:
    return _NUMBERS[number] if number < len(_NUMBERS) else str(number)


def _list(values: Sequence[float]) -> str:
    return _join([_number(value) for value in values])


def _join(words: Sequence[str]) -> str:
    *others, last = words
    return f"{', '.join(others)} and {last}" if others else last
