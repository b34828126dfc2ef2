"""Copies of images: the same pixels, or nearly so, as after another compression or scaling.

Pixels are compared by a hash. For near copies every image gets a perceptual hash of 64 bits, the
signs of its low frequencies, and a thumbnail. Images whose hashes differ in few bits are near
copies if their thumbnails differ by 3% of what tenth-nearest images of the same dataset usually do:
digits resemble one another more than photographs, and are different images all the same.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import final

import numpy as np
import numpy.typing as npt
import torch

from search.data.contrast import levels
from search.data.dataset import Images, Part
from search.text import plural

_SIDE = 16  # pixels of a thumbnail
_FREQUENCIES = 9  # of each direction; the first 64 of their products besides the mean
_MOST_BITS = 8  # by which hashes of near copies differ
_TURNS, _NEIGHBOURS = 8, 16  # hashes are sorted so often, and compared with so many that follow
_SAMPLE, _RANK = 256, 10  # images whose tenth-nearest one says how alike different images are
_CLOSER, _CLOSEST = 0.03, 0.01  # than that, and at most, as a distance (see `_distances`)
_LEVELS = 32  # grey levels by which thumbnails of near copies differ at most, root mean square
_FAINTEST = 3  # grey levels of standard deviation, below which an image shows too little to compare
_CHUNK = 4096

Indices = npt.NDArray[np.int64]
_Floats = npt.NDArray[np.float32]


@final
@dataclass(frozen=True)
class Copies:
    """Which images of a dataset are copies; test images are numbered after the training images.

    Attributes:
        groups: Ascending indices of images that are copies of one another, at least two each.
        exact: Indices of those with the same pixels as an earlier one; the others of a group
            resemble its first image.
    """

    groups: tuple[tuple[int, ...], ...] = ()
    exact: tuple[int, ...] = ()

    def within(self, n_train: int) -> tuple[tuple[int, ...], ...]:
        """Return the groups of training images."""
        groups = (tuple(index for index in group if index < n_train) for group in self.groups)
        return tuple(group for group in groups if len(group) > 1)

    def redundant(self, n_train: int) -> tuple[int, ...]:
        """Return the training images without which no copies are left among and in them.

        Those with a copy in the test set, and of the others all but the first.
        """
        chosen: set[int] = set()
        for group in self.groups:
            train = [index for index in group if index < n_train]
            chosen.update(train if len(train) < len(group) else train[1:])
        return tuple(sorted(chosen))


@final
class CopyFinder:
    """Looks at batches of images, and says in the end which are copies."""

    def __init__(self) -> None:
        self._digests: list[npt.NDArray[np.void]] = []
        self._hashes: list[npt.NDArray[np.uint64]] = []
        self._thumbnails: list[Images] = []
        self._plain: list[npt.NDArray[np.bool_]] = []

    def add(self, images: Images) -> None:
        """Look at uint8 (n, C, H, W)."""
        for start in range(0, len(images), _CHUNK):
            chunk = np.ascontiguousarray(images[start : start + _CHUNK])
            digests = [hashlib.blake2b(one.data, digest_size=16).digest() for one in chunk]
            self._digests.append(np.frombuffer(b"".join(digests), dtype="V16"))
            self._hashes.append(perceptual_hashes(chunk))
            self._thumbnails.append(_thumbnails(chunk))
            self._plain.append(levels(chunk) == 1)

    def copies(self) -> Copies:
        """Return the copies among all images so far; those of one colour do not count."""
        if not self._digests:
            return Copies()
        plain = np.concatenate(self._plain)
        digests = np.concatenate(self._digests)
        first, same = np.unique(digests, return_index=True, return_inverse=True)[1:]
        originals = first[same].astype(np.int64)  # the first image with these pixels
        kept = np.flatnonzero((originals == np.arange(len(originals))) & ~plain)
        a, b = _near_pairs(
            np.concatenate(self._hashes)[kept], np.concatenate(self._thumbnails)[kept]
        )
        exact = np.flatnonzero((originals != np.arange(len(originals))) & ~plain)
        groups = joined(
            len(originals),
            np.concatenate([kept[a], originals[exact]]),
            np.concatenate([kept[b], exact]),
        )
        return Copies(groups=groups, exact=tuple(exact.tolist()))


def joined(n: int, a: Indices, b: Indices) -> tuple[tuple[int, ...], ...]:
    """Return the groups, of two and more, into which pairs join n things; ascending."""
    from scipy.sparse import coo_array  # noqa: PLC0415 - takes a while
    from scipy.sparse.csgraph import connected_components  # noqa: PLC0415

    if not len(a):
        return ()
    graph = coo_array((np.ones(len(a), dtype=bool), (a, b)), shape=(n, n))
    _, component = connected_components(graph, directed=False)
    order = np.argsort(component, kind="stable")
    parts = np.split(order, np.flatnonzero(np.diff(component[order])) + 1)
    return tuple(sorted(tuple(part.tolist()) for part in parts if len(part) > 1))


def perceptual_hashes(images: Images) -> npt.NDArray[np.uint64]:
    """Return the pHash of images (n, C, H, W), uint64 (n,): low frequencies above their median."""
    height, width = images.shape[2:]
    rows, columns = _cosines(height), _cosines(width)
    grey = images.astype(np.float32).mean(axis=1)
    frequencies = (rows @ grey @ columns.T).reshape(len(images), -1)[:, 1:65]
    above = frequencies > np.median(frequencies, axis=1, keepdims=True)
    return np.packbits(above, axis=1).view(np.uint64)[:, 0]


def _cosines(side: int) -> _Floats:
    places = np.arange(side) + 0.5
    waves = np.cos(np.pi * np.arange(_FREQUENCIES)[:, None] * places / side)
    return waves.astype(np.float32)


def _thumbnails(images: Images) -> Images:
    """Return images of at most 16 pixels a side, averaged by area, uint8 (n, C, h * w)."""
    side = (min(_SIDE, images.shape[2]), min(_SIDE, images.shape[3]))
    values = torch.from_numpy(images.astype(np.float32))
    small = torch.nn.functional.adaptive_avg_pool2d(values, side)
    thumbnails: Images = small.round().to(torch.uint8).flatten(2).numpy()
    return thumbnails


def _near_pairs(hashes: npt.NDArray[np.uint64], thumbnails: Images) -> tuple[Indices, Indices]:
    """Return the pairs of near copies among different images."""
    if len(hashes) < 2:
        return np.empty(0, np.int64), np.empty(0, np.int64)
    a, b = _similar(hashes)
    limit = min(_CLOSEST, _CLOSER * _usual_distance(thumbnails))
    near = np.zeros(len(a), dtype=bool)
    for start in range(0, len(a), _CHUNK):
        part = slice(start, start + _CHUNK)
        first, second = thumbnails[a[part]], thumbnails[b[part]]
        levels = np.sqrt(((first.astype(np.float32) - second) ** 2).mean(axis=(1, 2)))
        shapes, others = _shapes(first), _shapes(second)
        visible = shapes.any(axis=1) & others.any(axis=1)
        distances = 1 - (shapes * others).sum(axis=1)
        near[part] = visible & (levels <= _LEVELS) & (distances <= limit)
    return a[near], b[near]


def _similar(hashes: npt.NDArray[np.uint64]) -> tuple[Indices, Indices]:
    """Return pairs whose hashes differ in few bits, without comparing all with all.

    Sorted by their bits, similar hashes are neighbours unless an early bit differs; so they are
    sorted eight times, each time with other bits first.
    """
    n, found = len(hashes), [np.empty(0, np.int64)]
    for turn in range(_TURNS):
        shift = np.uint64(turn * 64 // _TURNS)
        turned = (hashes << shift) | (hashes >> (np.uint64(64) - shift)) if turn else hashes
        order = np.argsort(turned, kind="stable").astype(np.int64)
        ordered = turned[order]
        for step in range(1, min(_NEIGHBOURS, n - 1) + 1):
            bits = np.bitwise_count(ordered[:-step] ^ ordered[step:])
            places = np.flatnonzero(bits <= _MOST_BITS)
            first, second = order[places], order[places + step]
            found.append(np.minimum(first, second) * n + np.maximum(first, second))
    pairs = np.unique(np.concatenate(found))
    return pairs // n, pairs % n


def _shapes(thumbnails: Images) -> _Floats:
    """Return thumbnails without brightness and contrast: of mean 0 per channel, and length 1.

    One that shows next to nothing becomes zeros.
    """
    values = thumbnails.astype(np.float32)
    values -= values.mean(axis=2, keepdims=True)
    flat = values.reshape(len(values), -1)
    lengths = np.linalg.norm(flat, axis=1, keepdims=True)
    lengths[lengths < _FAINTEST * np.sqrt(flat.shape[1])] = np.inf
    return np.asarray(flat / lengths, dtype=np.float32)


def _usual_distance(thumbnails: Images) -> float:
    """Return how far the tenth-nearest image usually is: 1 minus the correlation."""
    n = len(thumbnails)
    places = np.unique(np.linspace(0, n - 1, min(n, _SAMPLE)).round().astype(np.int64))
    sample, rank = _shapes(thumbnails[places]), min(_RANK, n - 1)
    best = np.full((len(sample), rank + 1), -1.0, dtype=np.float32)  # itself, and the nearest
    for start in range(0, n, _CHUNK):
        alike = sample @ _shapes(thumbnails[start : start + _CHUNK]).T
        both = np.concatenate([best, alike], axis=1)
        best = -np.partition(-both, rank, axis=1)[:, : rank + 1]
    return float(np.median(1 - best.min(axis=1)))


@final
@dataclass(frozen=True)
class CopyCounts:
    """How many images are copies.

    Attributes:
        n_train: Training images that are copies of an earlier training image.
        n_exact_train: Those of them with the same pixels.
        n_test: Test images that are copies of a training image.
        n_exact_test: Those of them with the same pixels as an earlier image.
        n_contradictory: Groups of copies whose labels differ.
        examples: Names of some pairs, those of test images first; by number where images have none.
    """

    n_train: int = 0
    n_exact_train: int = 0
    n_test: int = 0
    n_exact_test: int = 0
    n_contradictory: int = 0
    examples: tuple[tuple[str, str], ...] = ()

    @classmethod
    def of(cls, copies: Copies, train: Part, test: Part, most: int = 5) -> "CopyCounts":
        """Count the copies of a dataset's parts, whose batches are not read."""
        n_train = len(train.labels)
        exact, labels = set(copies.exact), np.concatenate([train.labels, test.labels])
        of_train = [index for group in copies.within(n_train) for index in group[1:]]
        both = [group for group in copies.groups if group[0] < n_train]
        of_test = [(group[0], index) for group in both for index in group if index >= n_train]
        pairs = of_test + [pair for group in copies.within(n_train) for pair in [group[:2]]]
        names = (
            *(train.origins.names or (f"training image {i}" for i in range(n_train))),
            *(test.origins.names or (f"test image {i}" for i in range(len(test.labels)))),
        )
        return cls(
            n_train=len(of_train),
            n_exact_train=len(exact.intersection(of_train)),
            n_test=len(of_test),
            n_exact_test=len(exact.intersection(index for _, index in of_test)),
            n_contradictory=sum(len(set(labels[list(one)].tolist())) > 1 for one in copies.groups),
            examples=tuple((names[a], names[b]) for a, b in pairs[:most]),
        )

    def lines(self) -> Iterator[str]:
        """Yield what should be known: one line each on test images, training images and labels."""
        of_test = self.n_exact_test, self.n_test - self.n_exact_test
        if self.n_test:
            yield (
                f"{self.n_test:,} TEST IMAGES ALSO IN THE TRAINING IMAGES "
                f"({of_test[0]:,} exactly, {of_test[1]:,} nearly), such as {self._example(0)}: the "
                "test result may be too good, by their share of the test images at most"
            )
        yield from self.lines_on_training()

    def lines_on_training(self) -> Iterator[str]:
        """Yield those on training images and on labels."""
        of_train = self.n_exact_train, self.n_train - self.n_exact_train
        if self.n_train:
            shown = f", such as {self._example(-1)}" if not self.n_test else ""
            are = "is a copy of another" if self.n_train == 1 else "are copies of others"
            yield (
                f"{plural(self.n_train, 'training image')} {are} "
                f"({of_train[0]:,} exactly, {of_train[1]:,} nearly){shown}"
            )
        if self.n_contradictory:
            yield (
                f"{plural(self.n_contradictory, 'image')} with copies of another class: at least "
                "one label of each is wrong"
            )

    def _example(self, place: int) -> str:
        first, second = self.examples[place]
        return f"{second!r} (copy of {first!r})"
