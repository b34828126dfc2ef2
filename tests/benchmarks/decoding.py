"""Decoding a folder: images a second beside torchvision's ImageFolder, and memory for many photos.

Both read the same files, with as many processes or threads as there are cores, to 64 pixels cut to
the centre. A photo of 12 megapixels stands for any number of them by symbolic links.
"""

import os
import resource
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import typer
from PIL import Image
from torch.utils.data import DataLoader
from torchvision import datasets, transforms

from search.data.dataset import DatasetRequest
from search.data.decoding import decode_batches
from search.data.sources import prepare_dataset
from search.events import fan_out
from tests.benchmarks.checks import Bound, Check, show_checks
from tests.benchmarks.commands import make_image_folder
from tests.benchmarks.machine import machine_facts
from tests.benchmarks.measuring import Row, race, show

SIDE = 64
_PHOTO = (4000, 3000)
_FEW_LINKS = 500
_ALLOWED_MEGABYTES = 150  # that thousands of photos more may take, besides what is written


def run(
    results_dir: Path,
    *,
    photos: int = 48,
    small: int = 5_000,
    links: int = 20_000,
    repeats: int = 5,
) -> None:
    """Race both on photos and on small images; then decode links to photos in a process each."""
    facts = machine_facts()
    with TemporaryDirectory() as name:
        folder = Path(name)
        make_photos(folder / "photos", photos)
        make_image_folder(folder / "small", small)
        for title, root in (("photos of 12 megapixels", "photos"), ("small images", "small")):
            rows = _race(folder / root / "train", repeats)
            show(
                f"Decoding {title}",
                rows,
                facts | {"images": len(_files(folder / root))},
                results_dir,
            )
        checks = _memory(folder, links)
        show_checks("decoding", "Memory while decoding", checks, facts, results_dir)


def make_photos(root: Path, count: int) -> None:
    """Write `count` JPEGs of 12 megapixels, in two classes, with texture as photos have."""
    rng = np.random.default_rng(0)
    for number in range(count):
        folder = root / "train" / "ab"[number % 2]
        folder.mkdir(parents=True, exist_ok=True)
        coarse = rng.integers(0, 256, (_PHOTO[1] // 8, _PHOTO[0] // 8, 3), np.uint8)
        Image.fromarray(coarse).resize(_PHOTO).save(folder / f"{number}.jpg", quality=90)


def link_photos(photos: Path, root: Path, count: int) -> None:
    """Make a folder of `count` links to photos."""
    originals = _files(photos)
    for number in range(count):
        folder = root / "train" / "ab"[number % 2]
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{number}.jpg").symlink_to(originals[number % len(originals)])


def _files(root: Path) -> list[Path]:
    return sorted(root.rglob("*.jpg"))


def _race(root: Path, repeats: int) -> list[Row]:
    cores, files = os.cpu_count() or 1, _files(root)
    plain = transforms.Compose(
        [transforms.Resize(SIDE), transforms.CenterCrop(SIDE), transforms.PILToTensor()]
    )

    def torchvision() -> None:
        folder = datasets.ImageFolder(str(root), plain)
        for _ in DataLoader(folder, batch_size=64, num_workers=cores):
            pass

    def ours(threads: int) -> None:
        for _ in decode_batches(files, (SIDE, SIDE), "crop", threads):
            pass

    return race(
        {
            f"torchvision's ImageFolder, {cores} processes": torchvision,
            "ours, one thread": lambda: ours(1),
            f"ours, {cores} threads": lambda: ours(cores),
        },
        repeats,
    )


def _memory(folder: Path, links: int) -> list[Check]:
    peaks = {}
    for count in (_FEW_LINKS, links):
        root = folder / f"links-{count}"
        link_photos(folder / "photos", root, count)
        command = [
            sys.executable,
            "-m",
            "tests.benchmarks.decoding",
            str(root),
            str(folder / "data"),
        ]
        peaks[count] = float(subprocess.run(command, check=True, capture_output=True).stdout)
    more = peaks[links] - peaks[_FEW_LINKS]
    return [
        Check(f"peak for {_FEW_LINKS} photos", "MB", (peaks[_FEW_LINKS],)),
        Check(f"more for {links:,} photos", "MB", (more,), Bound("<=", _ALLOWED_MEGABYTES)),
    ]


def decode_folder(root: Path, data_dir: Path) -> float:
    """Decode a folder as a study does; return this process's peak memory in MB."""
    prepare_dataset(DatasetRequest(str(root), data_dir, image_size=SIDE), fan_out())
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3


if __name__ == "__main__":
    typer.echo(decode_folder(Path(sys.argv[1]), Path(sys.argv[2])))
