"""A candidate in full sentences, for those who read a page rather than a table."""

from collections.abc import Iterator, Sequence

from cifar_models import CNNConfig, MLPConfig
from spaces.candidate import Candidate, OptimizerConfig, SGDConfig
from spaces.words import (
    ACTIVATIONS,
    HEADS,
    OPTIMIZERS,
    POOLINGS,
    SCHEDULES,
    write_count,
    write_list,
    write_number,
    write_numbers,
)

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
