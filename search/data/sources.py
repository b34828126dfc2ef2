"""From --dataset to a decoded dataset."""

from contextlib import suppress
from pathlib import Path

from search.events import Listener, Notice
from search.data.cache import find_cache, open_or_build
from search.data.cache import CachePaths
from search.data.dataset import DatasetInfo
from search.data.digits import IMAGE_SIZE as DIGITS_SIZE
from search.data.digits import DigitsSource
from search.files import machine_failures
from search.data.folder import FolderSource
from search.data.dataset import Source
from search.errors import MachineError, UserError

_AUTO_PATIENCE_SECONDS = 5.0


def prepare_dataset(
    dataset: str,
    data_dir: Path,
    *,
    image_size: int | None = None,
    test_fraction: float = 0.1,
    listener: Listener,
) -> DatasetInfo:
    """Return the dataset that `dataset` names, decoded into a cache under `data_dir`.

    `dataset` is auto, cifar10, digits or the path of an image folder; `image_size` (pixels a
    side) and `test_fraction` are for folders. auto is cifar10 where `data_dir` has it or it can
    be downloaded, otherwise digits, with a notice. Raises UserError for whatever the user can
    mend, MachineError for a failed download or a full disk.
    """
    remedy = "nothing half-written was kept; make room or choose another data_dir and run again"
    with machine_failures(f"data_dir {data_dir} cannot be used", remedy):
        if data_dir.exists() and not data_dir.is_dir():
            raise UserError(f"data_dir must be a folder, got the file {data_dir}")
        source = _find_source(dataset, data_dir, image_size, test_fraction, listener)
        return open_or_build(source, data_dir, listener)


def _find_source(
    dataset: str,
    data_dir: Path,
    image_size: int | None,
    test_fraction: float,
    listener: Listener,
) -> Source:
    if dataset not in ("auto", "cifar10", "digits"):
        return _folder(dataset, image_size, test_fraction, listener)
    if image_size not in (None, DIGITS_SIZE):
        raise UserError(
            f"image_size is for image folders; dataset {dataset} has {DIGITS_SIZE}, "
            f"got {image_size}"
        )
    if dataset == "digits":
        return DigitsSource()
    return _cifar10_or_digits(data_dir, listener, fall_back=dataset == "auto")


def _folder(
    dataset: str, image_size: int | None, test_fraction: float, listener: Listener
) -> Source:
    source = FolderSource(_existing_folder(dataset), image_size, test_fraction)
    for text in source.notices():
        listener(Notice(text))
    return source


def _existing_folder(dataset: str) -> Path:
    with suppress(OSError):  # a path that cannot even be looked at
        if dataset and Path(dataset).is_dir():
            return Path(dataset)
    raise UserError(
        f"dataset: {dataset!r} is neither auto, cifar10, digits nor an existing image folder "
        "(PATH/train/<class>/<image> or PATH/<class>/<image>)"
    )


def _cifar10_or_digits(data_dir: Path, listener: Listener, *, fall_back: bool) -> Source:
    # Imported here because torchvision takes seconds, which digits and folders need not wait for.
    from search.data.cifar10 import Cifar10Source  # noqa: PLC0415

    cifar10 = Cifar10Source(data_dir)
    fingerprint = cifar10.fingerprint()
    if not fall_back or find_cache(CachePaths.of(data_dir, cifar10.name, fingerprint), fingerprint):
        return cifar10
    try:
        cifar10.obtain(listener, _AUTO_PATIENCE_SECONDS)
    except MachineError as error:
        listener(Notice(
            f"CIFAR-10 is not in {data_dir} and could not be downloaded: using scikit-learn's "
            "embedded DIGITS dataset (1,797 grey 8x8 digits, upsampled) instead. "
            f"Results say nothing about CIFAR-10. ({error.__cause__ or error})"
        ))
        return DigitsSource()
    return cifar10
