import os
from collections.abc import Callable
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from search.data.cache import CachePaths, load_train_split
from search.data.dataset import DatasetInfo
from search.data.quality import DataQuality
from search.errors import UserError
from tests.data.conftest import write_images


def all_images(info: DatasetInfo) -> list[bytes]:
    """Return every image of both parts, as bytes; here a test may look."""
    paths = CachePaths(info.cache_dir)
    parts = [np.load(paths.train_images), np.load(paths.test_images)]
    return [image.tobytes() for part in parts for image in part]


def test_folder_becomes_a_dataset(make_folder: Any, prepare: Any, recorder: Any) -> None:
    """Classes are sorted, parts counted, images have the first one's size, labels their class."""
    info = prepare(make_folder(train={"dog": 4, "cat": 3}, test={"cat": 2, "dog": 1}))
    assert (info.name, info.class_names) == ("pets", ("cat", "dog"))
    assert (info.image_shape, info.n_train, info.n_test) == ((3, 5, 6), 7, 3)
    split = load_train_split(info)
    assert (split.images.dtype, tuple(split.images.shape)) == (torch.uint8, (7, 3, 5, 6))
    assert split.labels.tolist() == [0, 0, 0, 1, 1, 1, 1]
    assert recorder.steps[-1] == ("Decoding pets", 10, 10)
    assert recorder.notices == []


def test_pixels_are_those_of_the_files(make_folder: Any, prepare: Any) -> None:
    """Each image lands at the place of its file in sorted order."""
    root = make_folder(train={"a": 3, "b": 2}, test={"a": 1, "b": 1})
    files = sorted((root / "train").rglob("*.png"))
    images = load_train_split(prepare(root)).images.numpy()
    for image, file in zip(images, files, strict=True):
        with Image.open(file) as expected:
            assert np.array_equal(image.transpose(1, 2, 0), np.asarray(expected))


def test_grey_images_have_three_equal_channels(make_folder: Any, prepare: Any) -> None:
    """A grey folder is a dataset of three channels like any other."""
    root = make_folder(train={"a": 2, "b": 2}, test={"a": 1}, mode="L")
    images = load_train_split(prepare(root)).images
    assert torch.equal(images[:, 0], images[:, 1])
    assert torch.equal(images[:, 0], images[:, 2])


def test_mixed_sizes_become_one(make_folder: Any, prepare: Any) -> None:
    """Images of other sizes follow the first training image, or image_size."""
    root = make_folder(train={"a": 2, "b": 2}, test={"a": 1})
    Image.new("L", (30, 40)).save(root / "train" / "a" / "zz.PNG")
    assert prepare(root).image_shape == (3, 5, 6)
    assert prepare(root, image_size=8).image_shape == (3, 8, 8)


def test_a_first_image_unlike_the_others_gives_no_size(
    make_folder: Any, prepare: Any, data_dir: Path
) -> None:
    """All would be shrunk to it; with a size they are taken, and the refusal leaves no lock."""
    root = make_folder(train={"a": 5, "b": 5}, test={"a": 1})
    first = min((root / "train" / "a").iterdir())
    with Image.open(first) as image:
        size = image.size
    Image.new("RGB", (1, 1)).save(first)
    words = rf"^image_size must be given, .*is 1x1 .*most are about {size[0]}x{size[1]} pixels$"
    with pytest.raises(UserError, match=words):
        prepare(root)
    assert list((data_dir / "cache").iterdir()) == []
    assert prepare(root, image_size=4).image_shape == (3, 4, 4)


@pytest.mark.parametrize("size", [(2000, 10), (500, 500), (40, 12)])
def test_a_larger_first_image_gives_no_size(
    make_folder: Any, prepare: Any, size: tuple[int, int]
) -> None:
    """Or of another shape: all others would be blown up to it."""
    root = make_folder(train={"a": 2, "b": 2}, test={"a": 1})
    Image.new("L", size).save(root / "train" / "a" / "000.png")
    words = rf"^image_size must be given.* is {size[0]}x{size[1]} while most are about 6x5 pixels$"
    with pytest.raises(UserError, match=words):
        prepare(root)
    assert prepare(root, image_size=16).n_train == 4


@pytest.mark.slow
@pytest.mark.parametrize(
    ("resize", "side", "shape"),
    [
        ("crop", 64, (64, 64)),
        ("crop", 65, (64, 64)),
        ("pad", 600, (64, 64)),
        ("stretch", 65, (65, 65)),
        ("stretch", 512, (512, 512)),
        ("stretch", 513, (64, 64)),
    ],
)
def test_photographs_become_small(
    tmp_path: Path, prepare: Any, recorder: Any, resize: str, side: int, shape: tuple[int, int]
) -> None:
    """64 pixels are enough for most, and each run says so; stretched as up to version 0.1."""
    for part, name in product(("train", "test"), "ab"):
        write_images(tmp_path / "photos" / part / name, 1, size=(side, side))
    for _ in range(2):
        assert prepare(tmp_path / "photos", resize=resize).image_shape == (3, *shape)
        words = f"about {side}x{side} pixels; they are scaled to 64x64 (image_size chooses"
        assert any(words in one for one in recorder.notices) == (shape != (side, side))
        recorder.notices.clear()


def test_fitting_is_part_of_the_dataset(make_folder: Any, prepare: Any) -> None:
    """Each way gives images of its own, in a cache of its own."""
    root = make_folder(train={"a": 2, "b": 2}, test={"a": 1, "b": 1})
    infos = [prepare(root, image_size=4, resize=one) for one in ("crop", "pad", "stretch")]
    assert len({info.cache_dir for info in infos}) == len({one.fingerprint for one in infos}) == 3


def test_other_files_are_passed_over(make_folder: Any, prepare: Any) -> None:
    """Hidden files, other extensions, folders and loops of links are no images."""
    root = make_folder(train={"a": 2, "b": 2}, test={"a": 1})
    for name in (".hidden.png", "notes.txt", "Thumbs.db"):
        (root / "train" / "a" / name).write_text("no image")
    (root / "train" / "a" / "nested.png").mkdir()
    (root / "train" / "a" / "loop").symlink_to(root)
    (root / "train" / ".git").mkdir()
    (root / "train" / "self").symlink_to(root / "train" / "self")
    assert prepare(root).n_train == 4


def test_what_is_passed_over_is_told(make_folder: Any, prepare: Any, recorder: Any) -> None:
    """A file where a class folder should be, a nested folder or a foreign kind is no secret."""
    root = make_folder(train={"a": 2, "b": 2}, test={"a": 1, "b": 1})
    (root / "train" / "a" / ".hidden").touch()
    (root / "train" / "a" / "nested").mkdir()
    (root / "train" / "a" / "nested" / "list.txt").touch()
    (root / "train" / "b" / "x.pdf").touch()
    (root / "train" / "c").write_text("a class?")
    (root / "test" / "loop").symlink_to(root / "test" / "loop")
    prepare(root)
    (notice,) = recorder.notices
    listed = "'train/a/nested/list.txt', 'train/b/x.pdf', 'train/c', 'test/loop'"
    assert notice.startswith("dataset: skipped in ")
    assert notice.endswith(f": {listed}")


def test_long_lists_of_the_unused_are_cut(make_folder: Any, prepare: Any, recorder: Any) -> None:
    """The notice stays one readable line."""
    root = make_folder(train={"a": 2, "b": 2}, test={"a": 1, "b": 1})
    for number in range(8):
        (root / "train" / f"file\n{number}").touch()
    prepare(root)
    assert recorder.notices[0].endswith("'train/file\\n4' and 3 more")
    assert "\n" not in recorder.notices[0]


def test_a_class_without_test_images_is_told(make_folder: Any, prepare: Any, recorder: Any) -> None:
    """It is trained on, and each run says that its test accuracy is not of this class."""
    root = make_folder(train={"a": 2, "b": 2, "c": 2}, test={"b": 1})
    for _ in range(2):
        assert prepare(root).n_test == 1
        assert "test has no image of 'a', 'c': the test accuracy" in recorder.notices.pop()
    assert recorder.notices == []


def test_sealed_part_is_stratified_and_disjoint(make_folder: Any, prepare: Any) -> None:
    """Without test/, a tenth of each class goes to the test part and nothing is in both."""
    info = prepare(make_folder(train={"a": 40, "b": 20}))
    assert (info.n_train, info.n_test) == (54, 6)
    assert load_train_split(info).labels.bincount().tolist() == [36, 18]
    assert len(set(all_images(info))) == 60


def test_sealed_part_is_fixed(make_folder: Any, prepare: Any, tmp_path: Path) -> None:
    """The same images are set aside whenever and wherever the folder is read."""
    root = make_folder(train={"a": 20, "b": 20})
    first = prepare(root)
    second = prepare(root.rename(tmp_path / "moved"))
    assert first.cache_dir != second.cache_dir
    assert first.fingerprint == second.fingerprint


def test_test_fraction_counts_without_test_only(make_folder: Any, prepare: Any) -> None:
    """The fraction sizes the sealed part, and changes nothing where test/ is given."""
    root = make_folder("one", train={"a": 20, "b": 20})
    assert prepare(root, test_fraction=0.3).n_test == 12
    root = make_folder("two", train={"a": 20, "b": 20}, test={"a": 1})
    assert prepare(root, test_fraction=0.3) == prepare(root, test_fraction=0.1)


def test_name_is_sanitised(make_folder: Any, prepare: Any) -> None:
    """A folder's name is fit for file and study names."""
    assert prepare(make_folder("my péts & co", train={"a": 20, "b": 20})).name == "my_p_ts_co"


def test_classes_may_lie_in_the_folder_itself(
    make_folder: Any, prepare: Any, recorder: Any
) -> None:
    """It is the dataset that it would be with train/: same split, same order; and it is told."""
    parted = make_folder(train={"b": 20, "a": 20})
    whole = prepare(parted)
    for path in (parted / "train").iterdir():
        path.rename(parted / path.name)
    (parted / "train").rmdir()
    (parted / "notes.txt").touch()
    flat = prepare(parted)
    assert (flat.class_names, flat.n_train, flat.n_test) == (("a", "b"), 36, 4)
    assert all_images(flat) == all_images(whole)
    classes, unused = recorder.notices
    assert classes.endswith("has no train/, so its folders are taken for the classes: 'a', 'b'")
    assert unused.endswith("as they are no images, or not in <class>/: 'notes.txt'")


@pytest.mark.parametrize("beside", ["test/a", "more/a"])
def test_folders_that_are_no_classes_need_train(
    beside: str, make_folder: Any, prepare: Any
) -> None:
    """Among class folders a folder of folders is more likely a part of another layout."""
    root = make_folder(train={"a": 2, "b": 2})
    for path in (root / "train").iterdir():
        path.rename(root / path.name)
    (root / "train").rmdir()
    (root / beside).mkdir(parents=True)
    with pytest.raises(UserError, match=r"no folder train/ \(expected .*one per class"):
        prepare(root)


def remove_train(root: Path) -> None:
    (root / "train").rename(root / "learning")


def empty_class(root: Path) -> None:
    (root / "train" / "empty").mkdir()


def one_class(root: Path) -> None:
    (root / "train" / "b").rename(root / "b")


def no_class(root: Path) -> None:
    one_class(root)
    (root / "train" / "a").rename(root / "a")


def unknown_test_class(root: Path) -> None:
    (root / "test" / "a").rename(root / "test" / "wolf")


def empty_test(root: Path) -> None:
    (root / "test" / "a").rename(root / "a")


def broken_image(root: Path) -> None:
    path = root / "train" / "b" / "001.png"
    path.write_bytes(path.read_bytes()[:40])


def broken_test_image(root: Path) -> None:
    path = root / "test" / "a" / "000.png"
    path.write_bytes(path.read_bytes()[:40])


def file_as_test(root: Path) -> None:
    (root / "test").rename(root / "old")
    (root / "test").touch()


def broken_link(root: Path) -> None:
    (root / "train" / "b" / "lost.png").symlink_to(root / "nowhere")


def pipe(root: Path) -> None:
    os.mkfifo(root / "train" / "b" / "pipe.png")


def odd_class_name(root: Path) -> None:
    (root / "train" / "b").rename(root / "train" / "b\nc")


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (remove_train, r"pets has no folder train/"),
        (empty_class, r"train/empty is empty"),
        (one_class, r"at least 2 class folders, got only 'a'"),
        (no_class, r"at least 2 class folders, got none"),
        (unknown_test_class, r"classes missing from train/: wolf"),
        (empty_test, r"test has no class folders"),
        (file_as_test, r"test is not a folder"),
        (broken_image, r"1 of 5 images cannot be decoded: 'train/b/001\.png'"),
        (broken_test_image, r"1 of 5 images cannot be decoded: 'test/a/000\.png'"),
        (broken_link, r"train/b/lost\.png' \(No such file: the link leads nowhere\)"),
        (pipe, r"1 of \d+ images cannot be decoded: '.*pipe\.png' \(it is not a regular file\)"),
        (odd_class_name, r"printable name"),
    ],
)
def test_mistakes_are_named(
    make_folder: Any,
    prepare: Any,
    data_dir: Path,
    damage: Callable[[Path], None],
    message: str,
) -> None:
    """Every fault of a folder is one line that names the place, and no cache is left."""
    root = make_folder(train={"a": 2, "b": 2}, test={"a": 1})
    damage(root)
    with pytest.raises(UserError, match=message) as caught:
        prepare(root)
    assert "\n" not in str(caught.value)
    assert not [path for path in data_dir.glob("cache/*") if path.is_dir()]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_unreadable_class_is_named(make_folder: Any, prepare: Any) -> None:
    """A folder without permission is the user's to mend."""
    root = make_folder(train={"a": 2, "b": 2}, test={"a": 1})
    (root / "train" / "b").chmod(0)
    with pytest.raises(UserError, match=r"cannot read .*train/b: Permission denied"):
        prepare(root)


def test_failing_directory_is_named(
    make_folder: Any, prepare: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever the system says of a directory, the user hears which one."""

    def refuse(path: Path) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    root = make_folder(train={"a": 2, "b": 2}, test={"a": 1})
    monkeypatch.setattr(os, "scandir", refuse)
    with pytest.raises(UserError, match=r"cannot read .*pets/.*: Permission denied"):
        prepare(root)


def test_too_few_images_to_seal_are_refused(make_folder: Any, prepare: Any) -> None:
    """A class too small to be both trained and tested on is named before decoding."""
    with pytest.raises(UserError, match=r"^test_fraction must leave .* 2 of them"):
        prepare(make_folder(train={"a": 20, "b": 2}))


def _write_grey(path: Path, value: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (4, 4), (value, value, value)).save(path)


@pytest.mark.parametrize(
    ("names", "order"),
    [
        (("2", "10", "1"), [1, 2, 10]),
        (("00002", "00010", "00001"), [1, 2, 10]),
        (("2", "10", "x1"), [10, 2, 1]),
        (("2", "1", "1"), [1, 2, 1]),
    ],
)
def test_files_numbered_through_the_classes_keep_that_order(
    names: tuple[str, str, str], order: list[int], prepare: Any, tmp_path: Path
) -> None:
    """A copy of a dataset keeps the original's order; other files go by class, then by name."""
    root = tmp_path / "numbered"
    for name, cls in zip(names, "aab", strict=True):
        _write_grey(root / "train" / cls / f"{name}.png", int(name.strip("x")))
    for cls in "ab":
        _write_grey(root / "test" / cls / "0.png", 0)
    data = load_train_split(prepare(str(root)))
    assert data.images[:, 0, 0, 0].tolist() == order


def test_images_lie_anywhere_in_their_class(make_folder: Any, prepare: Any, tmp_path: Path) -> None:
    """As torchvision's ImageFolder finds them, ordered by path; links to folders are followed."""
    root = make_folder(train={"a": 2, "b": 2}, test={"a": 1, "b": 1})
    deep = root / "train" / "a" / "2024" / "may"
    write_images(deep, 3)
    write_images(tmp_path / "elsewhere", 2)
    (root / "train" / "b" / "more").symlink_to(tmp_path / "elsewhere")
    (root / "train" / "b" / "loop").symlink_to(root / "train")
    assert load_train_split(prepare(root)).labels.tolist() == [0] * 5 + [1] * 4


@pytest.mark.parametrize("val", ["val", "valid", "Validation"])
def test_validation_images_join_the_others(
    make_folder: Any, prepare: Any, recorder: Any, val: str
) -> None:
    """A study makes its own split; which folder was joined is told."""
    root = make_folder(train={"a": 2, "b": 2}, test={"a": 1, "b": 1})
    write_images(root / val / "b", 3)
    (root / val / "a").mkdir()
    assert load_train_split(prepare(root)).labels.tolist() == [0] * 2 + [1] * 5
    assert f"the images in '{val}' join those in 'train'" in recorder.notices[0]


def test_parts_may_have_capitals(make_folder: Any, prepare: Any, recorder: Any) -> None:
    """It is told which folders are taken."""
    root = make_folder(train={"a": 2, "b": 2}, test={"a": 1, "b": 1})
    for name in ("train", "test"):
        (root / name).rename(root / name.upper())
    info = prepare(root)
    assert (info.n_train, info.n_test) == (4, 2)
    assert recorder.notices[0].endswith("'TRAIN' is used for training, 'TEST' for testing")
    write_images(root / "Test" / "a", 1)
    with pytest.raises(UserError, match="has several test folders, 'TEST', 'Test': keep one"):
        prepare(root)


def test_unused_folders_are_named(make_folder: Any, prepare: Any, recorder: Any) -> None:
    """What lies beside train/ might have been meant."""
    root = make_folder(train={"a": 2, "b": 2}, test={"a": 1, "b": 1})
    for name in ("testing", "extra", ".git"):
        (root / name).mkdir()
    prepare(root)
    assert recorder.notices == [f"dataset: folders in {root} that are not used: 'extra', 'testing'"]


def test_an_empty_folder_among_classes_is_named(tmp_path: Path, prepare: Any) -> None:
    """Rather than a folder train/, which nobody meant to have."""
    for name in ("ant", "bee"):
        write_images(tmp_path / "pets" / name, 20)
    (tmp_path / "pets" / "cat").mkdir()
    with pytest.raises(UserError, match="there is no image in 'cat'; accepted"):
        prepare(tmp_path / "pets")


def test_splits_without_train_are_no_classes(make_folder: Any, prepare: Any) -> None:
    """Where train/ is missing, val/ and test/ are not taken for two classes."""
    root = make_folder(train={"a": 2, "b": 2}, test={"a": 1, "b": 1})
    (root / "train").rename(root / "val")
    with pytest.raises(UserError, match="has no folder train/"):
        prepare(root)


@pytest.mark.parametrize(
    "junk", ["__MACOSX", "@eaDir", "__pycache__", ".ipynb_checkpoints", "$RECYCLE.BIN"]
)
def test_what_others_leave_behind_is_passed_over(
    make_folder: Any, prepare: Any, recorder: Any, junk: str
) -> None:
    """In the root, beside the classes and inside of them, with images in it or not."""
    root = make_folder(train={"a": 20, "b": 20})
    for place in (root, root / "train", root / "train" / "a"):
        write_images(place / junk, 1)
    for file in ("Thumbs.db", ".DS_Store", "Desktop.ini"):
        (root / "train" / "b" / file).touch()
    info = prepare(root)
    assert (info.n_train + info.n_test, info.class_names) == (40, ("a", "b"))
    assert recorder.notices == []


def test_names_are_composed(make_folder: Any, prepare: Any) -> None:
    """An accent that is a character of its own, as Macs write it, makes no other class."""
    root = make_folder(
        train={"cafe\u0301": 2, "th\u00e9": 2}, test={"caf\u00e9": 1, "the\u0301": 1}
    )
    assert prepare(root).class_names == ("caf\u00e9", "th\u00e9")


def break_files(root: Path) -> None:
    (root / "train" / "a" / "000.png").write_bytes(b"")
    (root / "train" / "b" / "001.png").write_text("<html>not found")
    path = root / "test" / "b" / "000.png"
    path.write_bytes(path.read_bytes()[:-50])


def test_all_broken_files_are_told_at_once(make_folder: Any, prepare: Any) -> None:
    """Those of the test set too; with what each is."""
    root = make_folder(train={"a": 4, "b": 4}, test={"a": 2, "b": 2})
    break_files(root)
    with pytest.raises(UserError) as caught:
        prepare(root)
    assert str(caught.value) == (
        "dataset: 3 of 12 images cannot be decoded: 'train/a/000.png' (it is empty), "
        "'train/b/001.png' (it is text, such as a web page, and not an image), 'test/b/000.png' "
        "(it is cut off); replace or remove them, or set skip_broken to leave them out"
    )


def test_broken_files_may_be_left_out(make_folder: Any, prepare: Any, recorder: Any) -> None:
    """They are counted and named in every run; the others are as without them."""
    root = make_folder(train={"a": 4, "b": 4}, test={"a": 2, "b": 2})
    whole = all_images(prepare(root))
    break_files(root)
    for _ in range(2):
        info = prepare(root, skip_broken=True)
        assert (info.n_train, info.n_test) == (6, 3)
        assert "3 of 12 images are left out, as they cannot be decoded" in recorder.notices.pop()
        assert recorder.notices == []
    assert set(all_images(info)) < set(whole)


def test_a_link_that_leads_nowhere_may_be_left_out(
    make_folder: Any, prepare: Any, recorder: Any
) -> None:
    """As a broken file, now and when the same folder is used again; its image may come back."""
    root = make_folder(train={"a": 3, "b": 3}, test={"a": 1, "b": 1})
    file = root / "train" / "b" / "002.png"
    file.rename(root / "elsewhere.bin")
    file.symlink_to(root / "elsewhere.bin")
    whole = prepare(root)
    (root / "elsewhere.bin").rename(root / "gone.bin")
    for _ in range(2):
        assert prepare(root, skip_broken=True).n_train == 5
        assert "1 of 8 images are left out" in recorder.notices.pop()
    (root / "gone.bin").rename(root / "elsewhere.bin")
    assert prepare(root, skip_broken=True).n_train == whole.n_train == 6


def test_what_is_no_file_may_be_left_out(make_folder: Any, prepare: Any, recorder: Any) -> None:
    """Nobody waits for a pipe, though it comes first and its size would count."""
    root = make_folder(train={"a": 3, "b": 3}, test={"a": 1, "b": 1})
    os.mkfifo(root / "train" / "a" / "0.png")
    for _ in range(2):
        assert prepare(root, skip_broken=True).n_train == 6
        assert "'train/a/0.png' (it is not a regular file)" in recorder.notices.pop()


def test_a_class_without_whole_images_is_named(make_folder: Any, prepare: Any) -> None:
    """Leaving out cannot take all of it."""
    root = make_folder(train={"a": 4, "b": 2}, test={"a": 2, "b": 2})
    for path in (root / "train" / "b").iterdir():
        path.write_bytes(b"")
    with pytest.raises(UserError, match="no image of 'b' can be decoded"):
        prepare(root, skip_broken=True)


def test_images_of_one_colour_are_told(make_folder: Any, prepare: Any, recorder: Any) -> None:
    """Nothing can be learned from them; often something went wrong before."""
    root = make_folder(train={"a": 3, "b": 3}, test={"a": 1, "b": 1})
    for number in range(3):
        Image.new("RGB", (6, 5)).save(root / "train" / "a" / f"{number:03}.png")
    prepare(root)
    assert recorder.notices == ["dataset: 3 of 6 training images are of one colour only"]


def test_images_of_few_levels_are_told(make_folder: Any, prepare: Any, recorder: Any) -> None:
    """As when twelve bits were written to a file of eight; two levels far apart are none."""
    root = make_folder(train={"a": 3, "b": 3}, test={"a": 1, "b": 1})
    dark = np.arange(30, dtype=np.uint8).reshape(5, 6) // 2
    Image.fromarray(dark).save(root / "train" / "a" / "000.png")
    Image.fromarray((dark > 7).astype(np.uint8) * 255).save(root / "train" / "b" / "000.png")
    assert int(dark.max()) == 14
    prepare(root)
    (notice,) = recorder.notices
    assert notice.startswith("dataset: 1 of 6 training images have fewer than 16 of 256 levels ")


def test_files_that_are_left_out_are_counted(make_folder: Any, prepare: Any) -> None:
    """For report and card; every time, also from the cache."""
    root = make_folder(train={"a": 8, "b": 8}, test={"a": 3, "b": 3})
    for path in (root / "train/a/000.png", root / "test/b/001.png"):
        path.write_bytes(b"no image")
    for _ in range(2):
        info = prepare(root, skip_broken=True)
        assert DataQuality.of(info).n_left_out == 2
    assert (info.n_train, info.n_test) == (15, 5)


def test_groups_in_both_parts_are_not_called_kept_together() -> None:
    """A given test set may share them with the training images."""
    apart, shared = DataQuality(n_groups=20), DataQuality(n_groups=20, n_shared_groups=3)
    assert apart.independence(kept_together=True) == "images of each of 20 groups kept together"
    assert "3 of them are in training and test" in shared.independence(kept_together=True)
    assert apart.independence(kept_together=False) == "images of 20 groups, split as given"
