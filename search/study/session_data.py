"""Datasets that exist in memory only: arrays, and PyTorch's datasets, stored to be found again."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol, TypeAlias, runtime_checkable

from search.data.dataset import Source
from search.data.memory import arrays_source, dataset_source, store_source
from search.errors import UserError
from search.events import fan_out
from search.files import machine_failures


@runtime_checkable
class MapDataset(Protocol):
    """A PyTorch dataset: pairs of an image and a label, by number."""

    def __getitem__(self, index: int, /) -> Any:
        """Return the image, a PIL image or an array, and its label."""

    def __len__(self) -> int:
        """Return how many there are."""


Part: TypeAlias = tuple[Any, Any] | MapDataset
Data: TypeAlias = str | Path | Part | Mapping[str, Part]
"""A dataset's name or path, (images, labels), a PyTorch dataset, or {"train": ..., "test": ...}.

Images of "val" validate with validation "given", and otherwise join those of "train".
"""

_PARTS = ("train", "val", "test")
_SETTINGS = ("image_size", "resize", "test_fraction")


def dataset_setting(
    data: Data, data_dir: Path, settings: Mapping[str, Any], groups: Any = None
) -> str:
    """Return what a recipe's `dataset` says of the data.

    What exists in memory is decoded into the cache under `data_dir`, by its content, so that equal
    arrays are one dataset, and a study of them can be resumed from anywhere.

    Args:
        data: The data.
        data_dir: The recipe's setting.
        settings: The recipe's settings as given, of which some say how images are prepared.
        groups: Which images in memory stay together, (N,), those of "val" after those of "train";
            None: all are independent.

    Raises:
        UserError: It is not images and labels.
        MachineError: The cache cannot be written.
    """
    if isinstance(data, str | Path):
        if groups is not None:
            raise UserError(
                "groups: must be text for a dataset of this name, as on the command line, got "
                f"{type(groups).__name__}"
            )
        return str(data)
    parts = data if isinstance(data, Mapping) else {"train": data}
    if "train" not in parts or not {*parts} <= {*_PARTS}:
        names = ", ".join(map(repr, parts)) or "none"
        raise UserError(
            f"data: parts are 'train' and, if there are any, 'val', 'test', got {names}"
        )
    how = {name: settings[name] for name in _SETTINGS if name in settings}
    others = {name: parts[name] for name in _PARTS[1:] if parts.get(name) is not None}
    source = _source(parts["train"], others, how | {"groups": groups})
    with machine_failures(f"data_dir {data_dir} cannot be used", "make room and run again"):
        return store_source(source, data_dir, fan_out())


def _source(train: Part, others: Mapping[str, Part], how: Mapping[str, Any]) -> Source:
    parts = (train, *others.values())
    if all(isinstance(part, tuple | list) for part in parts):
        pairs = {name: _pair(part) for name, part in others.items()}
        return arrays_source(*_pair(train), val=pairs.get("val"), test=pairs.get("test"), **how)
    if hasattr(train, "columns"):
        raise UserError(
            f"data: must be a name or path, (images, labels) or a dataset, got a "
            f"{type(train).__name__}; save a table of paths and labels as .csv and give its path"
        )
    if all(isinstance(part, MapDataset) for part in parts):
        return dataset_source(train, **others, **how)  # type: ignore[arg-type] # needs no more
    kinds = " and ".join("None" if one is None else type(one).__name__ for one in parts)
    raise UserError(
        "data: must be a name or path, (images, labels), or a dataset with __getitem__ and "
        f"__len__, got {kinds}"
    )


def _pair(part: Any) -> tuple[Any, Any]:
    if len(part) != 2:
        raise UserError(f"data: must be (images, labels), got {len(part)} values")
    return part[0], part[1]
