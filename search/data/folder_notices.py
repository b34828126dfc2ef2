"""What the user of an image folder may have meant otherwise."""

import os
from collections.abc import Iterator
from pathlib import Path

from search.data.folder_scan import FolderScan, is_image

_SHOWN = 5


def folder_notices(root: Path, scan: FolderScan) -> Iterator[str]:
    """Yield one line a doubt: classes that the test leaves out, and entries that are not used.

    Raises OSError where a folder cannot be read.
    """
    untested = _untested(scan)
    if untested:
        yield (
            f"dataset: {root / 'test'} has no image of {_listed(untested)}: the test accuracy "
            "leaves these classes out"
        )
    unused = [*_unused(root, "train"), *_unused(root, "test")]
    if unused:
        yield (
            f"dataset: passed over in {root}, as images lie in train/<class>/ and test/<class>/ "
            f"under names such as 1.png: {_listed(unused)}"
        )


def _untested(scan: FolderScan) -> list[str]:
    if scan.test is None:
        return []
    tested = {file.label for file in scan.test}
    return [name for label, name in enumerate(scan.class_names) if label not in tested]


def _unused(root: Path, part: str) -> Iterator[str]:
    """Yield the visible entries beside class folders, and within them those that are no images."""
    for path in sorted((root / part).glob("[!.]*")):
        if not path.is_dir():
            yield f"{part}/{path.name}"
            continue
        with os.scandir(path) as entries:
            names = [one.name for one in entries if one.name[0] != "." and not is_image(one)]
        yield from (f"{part}/{path.name}/{name}" for name in sorted(names))


def _listed(names: list[str]) -> str:
    shown = ", ".join(map(repr, names[:_SHOWN]))  # repr: a name may hold anything
    return shown if len(names) <= _SHOWN else f"{shown} and {len(names) - _SHOWN} more"
