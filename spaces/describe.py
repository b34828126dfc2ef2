"""Candidates in words, and the differences between two of them."""

from collections.abc import Iterator, Mapping, Sequence

from cifar_models import CNNConfig, MLPConfig
from spaces.candidate import Candidate, OptimizerConfig, SGDConfig

_NUMBERS = ("No", "One", "Two", "Three", "Four", "Five", "Six", "Seven", "Eight", "Nine")
ACTIVATIONS = {
    "relu": "ReLU",
    "leaky_relu": "leaky ReLU",
    "gelu": "GELU",
    "silu": "SiLU",
    "elu": "ELU",
}
OPTIMIZERS = {"sgd": "SGD", "adam": "Adam", "adamw": "AdamW"}
SCHEDULES = {
    "constant": "held constant",
    "plateau": "lowered on plateaus",
    "cosine": "lowered along a cosine",
    "one_cycle": "raised and lowered in one cycle",
}
POOLINGS = {
    "max": "max pooling",
    "overlapping_max": "overlapping max pooling",
    "average": "average pooling",
}
HEADS = {
    "flatten": "a flattened head",
    "global_average": "a global average pooling head",
    "global_max": "a global max pooling head",
}
AUGMENTATIONS = {
    "none": "no augmentation",
    "flip": "random flips",
    "flip_crop": "random flips and crops",
}


def write_number(value: float) -> str:
    """Return a number with four digits: 0.0073, 1e-6."""
    return str(value) if isinstance(value, int) else f"{value:.4g}".replace("e-0", "e-")


def write_count(number: int) -> str:
    """Return a count as a sentence begins with it: "Three", and figures from ten on."""
    return _NUMBERS[number] if number < len(_NUMBERS) else str(number)


def write_numbers(values: Sequence[float]) -> str:
    """Return numbers as a list."""
    return write_list([write_number(value) for value in values])


def write_list(words: Sequence[str]) -> str:
    """Return words as one reads them out: "a, b and c"; raises ValueError for none."""
    *others, last = words
    return f"{', '.join(others)} and {last}" if others else last


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


_IMAGES = {
    "none": "images",
    "flip": "randomly flipped images",
    "flip_crop": "randomly flipped and cropped images",
}


def tell_candidate(candidate: Candidate) -> str:
    """Return two or three sentences: the network, how it is trained, and how it is asked."""
    model = candidate.model
    network = _tell_cnn(model) if isinstance(model, CNNConfig) else _tell_mlp(model)
    asked = " Its predictions are averaged with those of the mirror image."
    return f"{network} {_tell_training(candidate)}{asked if candidate.test_time_flip else ''}"


def _tell_cnn(model: CNNConfig) -> str:
    size, n_layers = model.kernel_size, len(model.channels)
    first = " before batch norm" if model.pool_first else ""
    rates = (("after the convolutions", model.conv_dropout), ("in the head", model.head_dropout))
    dropouts = [f"{write_number(rate)} {where}" for where, rate in rates if rate]
    return (
        f"{write_count(n_layers)} {'convolution' if n_layers == 1 else 'convolutions'} of "
        f"{write_numbers(model.channels)} channels, with {size}x{size} kernels, "
        f"{ACTIVATIONS[model.activation]} and {POOLINGS[model.pooling]}{first}, "
        f"{'leads' if n_layers == 1 else 'lead'} to {HEADS[model.head]}, "
        f"{f'with dropout of {write_list(dropouts)}' if dropouts else 'without dropout'}."
    )


def _tell_mlp(model: MLPConfig) -> str:
    dropout = f"dropout of {_rates(model.dropouts)}" if any(model.dropouts) else ""
    parts = ["batch norm" if model.batch_norm else "", ACTIVATIONS[model.activation], dropout]
    without = ["" if model.batch_norm else "batch norm", "" if dropout else "dropout"]
    lacking = " or ".join(filter(None, without))
    return (
        f"{write_count(len(model.hidden_widths) + 1)} linear layers have hidden widths of "
        f"{write_numbers(model.hidden_widths)}, with {write_list(list(filter(None, parts)))}"
        f"{f', without {lacking}' if lacking else ''}."
    )


def _rates(rates: Sequence[float]) -> str:
    return write_numbers(rates if len(set(rates)) > 1 else rates[:1])


def _tell_training(candidate: Candidate) -> str:
    optimizer = candidate.optimizer
    settings = [*_settings(optimizer), *_regularisation(candidate)]
    batches = f"batches of {candidate.batch_size} {_IMAGES[candidate.augmentation]}"
    return (
        f"The network is trained in {batches} by {OPTIMIZERS[optimizer.name]} at a learning rate "
        f"of {write_number(optimizer.learning_rate)}, {SCHEDULES[candidate.schedule.name]}"
        f"{f', with {write_list(settings)}' if settings else ''}."
    )


def _settings(optimizer: OptimizerConfig) -> Iterator[str]:
    if isinstance(optimizer, SGDConfig) and optimizer.momentum:
        kind = "Nesterov momentum" if optimizer.nesterov else "momentum"
        yield f"{kind} {write_number(optimizer.momentum)}"
    if optimizer.weight_decay:
        yield f"weight decay {write_number(optimizer.weight_decay)}"


def _regularisation(candidate: Candidate) -> Iterator[str]:
    if candidate.label_smoothing:
        yield f"label smoothing {write_number(candidate.label_smoothing)}"
    if candidate.gradient_clip is not None:
        yield f"gradients clipped to a norm of {write_number(candidate.gradient_clip)}"
