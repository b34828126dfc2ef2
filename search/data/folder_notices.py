"""What the user of an image folder may have meant otherwise."""

import os
from collections.abc import Iterator
from pathlib import Path

from search.data.folder_scan import FolderScan, is_image, train_folder

_SHOWN = 5


def folder_notices(root: Path, scan: FolderScan) -> Iterator[str]:
    """Yield one line a doubt: what is taken for classes, which the test leaves out, what is unused.

    Raises OSError where a folder cannot be read.
    """
    train = train_folder(root)
    if train == root:
        classes = _listed(list(scan.class_names))
        yield f"dataset: {root} has no train/, so its folders are taken for the classes: {classes}"
    untested = _untested(scan)
    if untested:
        yield (
            f"dataset: {root / 'test'} has no image of {_listed(untested)}: the test accuracy "
            "leaves these classes out"
        )
    parts, places = [train, root / "test"], "train/<class>/ and test/<class>/"
    if train == root:
        parts, places = [root], "<class>/"
    unused = [name for part in parts for name in _unused(root, part)]
    if unused:
        yield (
            f"dataset: passed over in {root}, as images lie in {places} under names such as "
            f"1.png: {_listed(unused)}"
        )


def _untested(scan: FolderScan) -> list[str]:
    if scan.test is None:
        return []
    tested = {file.label for file in scan.test}
    return [name for label, name in enumerate(scan.class_names) if label not in tested]


def _unused(root: Path, part: Path) -> Iterator[str]:
    """Yield the visible entries beside class folders, and within them those that are no images."""
    for path in sorted(part.glob("[!.]*")):
        name = path.relative_to(root)
        if not path.is_dir():
            yield f"{name}"
            continue
        with os.scandir(path) as entries:
            names = [one.name for one in entries if one.name[0] != "." and not is_image(one)]
        yield from (f"{name}/{one}" for one in sorted(names))


def _listed(names: list[str]) -> str:
    shown = ", ".join(map(repr, names[:_SHOWN]))  # repr: a name may hold anything
    return shown if len(names) <= _SHOWN else f"{shown} and {len(names) - _SHOWN} more"
