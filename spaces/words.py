"""The words for what candidates are made of."""

from collections.abc import Sequence

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
