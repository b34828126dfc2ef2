"""Candidates in plain words, and what tells two of them apart."""

from collections.abc import Iterator, Mapping, Sequence

from cifar_models import CNNConfig, MLPConfig
from spaces.candidate import Candidate, OptimizerConfig, SGDConfig
from spaces.words import (
    ACTIVATIONS,
    AUGMENTATIONS,
    HEADS,
    OPTIMIZERS,
    POOLINGS,
    SCHEDULES,
    write_count,
    write_list,
    write_number,
    write_numbers,
)

_MISSING = "-"


def describe_candidate(candidate: Candidate) -> str:
    """Return one sentence: the network, then how it is trained."""
    model = candidate.model
    network = _describe_cnn(model) if isinstance(model, CNNConfig) else _describe_mlp(model)
    parts = [
        network,
        f"{_describe_optimizer(candidate.optimizer)}, {SCHEDULES[candidate.schedule.name]}",
        f"batches of {candidate.batch_size}",
        AUGMENTATIONS[candidate.augmentation],
    ]
    if candidate.test_time_flip:
        parts.append("predictions averaged with the mirror image's")
    if candidate.label_smoothing:
        parts.append(f"label smoothing {write_number(candidate.label_smoothing)}")
    if candidate.gradient_clip is not None:
        parts.append(f"gradients clipped to a norm of {write_number(candidate.gradient_clip)}")
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
    pooling = POOLINGS[model.pooling] + (" before batch norm" if model.pool_first else "")
    return (
        f"{write_count(len(model.channels))} {what} of {write_numbers(model.channels)} channels "
        f"({size}x{size} kernels, {ACTIVATIONS[model.activation]}, {pooling}, "
        f"{_dropout((model.conv_dropout,))}), {HEADS[model.head]} with "
        f"{_dropout((model.head_dropout,))}"
    )


def _describe_mlp(model: MLPConfig) -> str:
    norm = "batch norm" if model.batch_norm else "no batch norm"
    return (
        f"{write_count(len(model.hidden_widths) + 1)} linear layers with hidden widths "
        f"{write_numbers(model.hidden_widths)} ({norm}, {ACTIVATIONS[model.activation]}, "
        f"{_dropout(model.dropouts)})"
    )


def _describe_optimizer(optimizer: OptimizerConfig) -> str:
    settings = [f"learning rate {write_number(optimizer.learning_rate)}"]
    if isinstance(optimizer, SGDConfig):
        kind = "Nesterov momentum" if optimizer.nesterov else "momentum"
        settings.append(f"{kind} {write_number(optimizer.momentum)}")
    settings.append(f"weight decay {write_number(optimizer.weight_decay)}")
    return f"{OPTIMIZERS[optimizer.name]} with {write_list(settings)}"


def _dropout(rates: Sequence[float]) -> str:
    if not any(rates):
        return "no dropout"
    return f"dropout {write_numbers(rates if len(set(rates)) > 1 else rates[:1])}"


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
            return write_number(value)
        case tuple() | list():
            return ", ".join(_text(item) for item in value)
        case _:
            return "none" if value is None else str(value)
