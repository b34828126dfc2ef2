"""Weights that a network starts from: published ones of torchvision, or a user's file.

They are known by what they are, not by where they lie: by their published name, or by the SHA-256
of the file.
"""

import difflib
import hashlib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from http.client import HTTPException
from pathlib import Path
from typing import Any, Self, final
from urllib.parse import urlparse

import torch

from cifar_models.family import ModelInput

NONE = "none"
DOWNLOAD = "download"
_SHA256 = "sha256:"
_SAFETENSORS = ".safetensors"
_MOST_SHOWN = 19  # characters of a name
_PUBLISHED_HASH = re.compile(r"-([0-9a-f]{8,})\.[a-z]+$")


@cache
def backbone_names() -> tuple[str, ...]:
    """Return the names of torchvision's classification networks."""
    from torchvision import models  # noqa: PLC0415 - slow to import

    return tuple(models.list_models(module=models))


def check_backbone(name: str) -> None:
    """Raise ValueError, with the nearest names, unless torchvision has a classifier so named."""
    if name in backbone_names():
        return
    nearest = difflib.get_close_matches(name.lower(), backbone_names(), n=3, cutoff=0.4)
    hint = f"did you mean {' or '.join(nearest)}?" if nearest else "such as resnet18"
    raise ValueError(f"backbone must be a classifier of torchvision ({hint}), got {name!r}")


@cache
def published(backbone: str) -> Mapping[str, Any]:
    """Return torchvision's published weights of a backbone by name, the recommended ones last."""
    from torchvision import models  # noqa: PLC0415 - slow to import

    weights = models.get_model_weights(backbone)
    others = {one.name: one for one in weights if one is not weights.DEFAULT}
    return {**others, weights.DEFAULT.name: weights.DEFAULT}


def recommended(backbone: str) -> Any:
    """Return the published weights that torchvision recommends."""
    return list(published(backbone).values())[-1]


@final
@dataclass(frozen=True)
class PretrainedWeights(ModelInput):
    """The weights that a backbone starts from.

    Attributes:
        backbone: A classifier of torchvision.
        name: torchvision's name of published weights, such as IMAGENET1K_V1, or "sha256:" with the
            hash of a file.
        file: Where the file is; empty for published weights where torchvision keeps them.
    """

    backbone: str
    name: str
    file: str = ""

    @classmethod
    def find(cls, backbone: str, text: str) -> Self | None:
        """Return the weights that a user means; None for "none".

        Args:
            backbone: A classifier of torchvision.
            text: "none", "download" for those that torchvision recommends, its name of others, or a
                file.

        Raises:
            ValueError: There are no such weights.
        """
        if text == NONE:
            return None
        if text == DOWNLOAD:
            return cls(backbone, recommended(backbone).name)
        if text in published(backbone):
            return cls(backbone, text)
        if not Path(text).is_file():
            names = ", ".join(published(backbone))
            raise ValueError(
                f"weights must be {NONE}, {DOWNLOAD}, {names} or a file, and there is no file "
                f"{text!r}"
            )
        path = Path(text).absolute()
        return cls(backbone, _SHA256 + _file_hash(path), str(path))

    @property
    def words(self) -> str:
        """What they are; of a hash the first digits."""
        return f"weights {self.name[:_MOST_SHOWN]}"

    def obtain(self, announce: Callable[[str], None]) -> None:
        """Make sure that the weights are on this machine, unchanged; downloads published ones."""
        if self.file:
            self._check_file()
            return
        path, url = self._published_path(), self._entry().url
        if not path.exists():
            what = f"{self.words} of {self.backbone}"
            announce(f"downloading {what} from {url}")
            _download(what, url, path)
        elif not _file_hash(path).startswith(_published_hash(path) or ""):
            raise ValueError(f"{path} is damaged: delete it, or put {url} in its place")

    def load(self) -> Mapping[str, Any]:
        """Return the weights as a state dict of torchvision, or a checkpoint that has one.

        Raises ValueError if the file is missing, has changed or holds no weights.
        """
        path = self._published_path()
        if self.file:
            self._check_file()
        return _read(path)

    def paths(self) -> tuple[str, ...]:
        return (str(self._published_path()),)

    def script(self) -> str:
        """Return code that reads the weights into a `state`."""
        if not self.file:
            return (
                f'weights = models.get_model_weights("{self.backbone}")["{self.name}"]\n'
                "state = weights.get_state_dict(check_hash=True)"
            )
        file = f"file = {json.dumps(self.file)}\n"
        if Path(self.file).suffix == _SAFETENSORS:
            return f"{file}state = load_file(file)"
        return f'{file}state = torch.load(file, map_location="cpu", weights_only=True)'

    def _check_file(self) -> None:
        path = Path(self.file)
        if not path.is_file():
            raise ValueError(f"weights: the file {self.file!r} does not exist any more")
        if not _file_hash(path).startswith(self._hash()):
            raise ValueError(f"weights: the file {self.file!r} has changed; it was {self.name}")

    def _hash(self) -> str:
        """Return the first digits of the file's hash, all if it is the user's own."""
        if self.name.startswith(_SHA256):
            return self.name.removeprefix(_SHA256)
        return _published_hash(Path(urlparse(self._entry().url).path)) or ""

    def _entry(self) -> Any:
        entry = published(self.backbone).get(self.name)
        if entry is None:
            raise ValueError(
                f"{self.words} of {self.backbone} are not among those of torchvision, and no file"
            )
        return entry

    def _published_path(self) -> Path:
        """Return the file; published weights lie where torchvision downloads them to."""
        if self.file:
            return Path(self.file)
        name = Path(urlparse(self._entry().url).path).name
        return Path(torch.hub.get_dir()) / "checkpoints" / name


def _download(what: str, url: str, path: Path) -> None:
    """Download a file whole or not at all; raises ValueError, which says what to do instead."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        torch.hub.download_url_to_file(url, str(path), _published_hash(path), progress=False)
    except (OSError, RuntimeError, HTTPException) as error:
        raise ValueError(
            f"{what} cannot be downloaded ({_first_line(error)}); put {url} into {path.parent}, or "
            "use weights of your own: a space pretrained_space(BACKBONE, weights=FILE)"
        ) from error


def _published_hash(path: Path) -> str | None:
    """Return the first digits of the file's SHA-256, which torchvision puts into its name."""
    found = _PUBLISHED_HASH.search(path.name)
    return None if found is None else found[1]


def _file_hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0] or type(error).__name__


def _read(path: Path) -> Mapping[str, Any]:
    """Return a file's state dict; nothing in it is unpickled but tensors and plain values."""
    try:
        content = _content(path)
    except Exception as error:  # torch and safetensors raise many kinds
        raise ValueError(f"{path} holds no weights: {_first_line(error)}") from error
    if not isinstance(content, Mapping):
        raise ValueError(f"{path} holds no weights, it holds a {type(content).__name__}")  # noqa: TRY004
    return content


def _content(path: Path) -> Any:
    if path.suffix == _SAFETENSORS:
        from safetensors.torch import load_file  # noqa: PLC0415 - only for such files

        return load_file(path)
    return torch.load(path, map_location="cpu", weights_only=True)
