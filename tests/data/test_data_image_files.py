"""Which images the names of files and folders stand for."""

import os
from pathlib import Path

import pytest

from search.data.image_files import FoundImage, find_images
from search.errors import UserError


def make(root: Path, *names: str) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()


def names_in(root: Path) -> list[str]:
    return [str(one.path.relative_to(root)) for one in find_images([root]).images]


def test_images_anywhere_inside_are_found_in_order(tmp_path: Path) -> None:
    """By name, by suffix in either case; hidden and other files are passed over."""
    make(tmp_path, "b/2.JPG", "b/1.png", "a.webp", "b/c/d/3.tiff")
    make(tmp_path, "text.txt", ".hidden/1.png", "b/.4.png", "b/png")
    assert names_in(tmp_path) == ["a.webp", "b/1.png", "b/2.JPG", "b/c/d/3.tiff"]


def test_named_files_are_taken_as_they_are(tmp_path: Path) -> None:
    """A file that is named is tried, whatever its suffix, and even where it is missing."""
    make(tmp_path, "photo", "folder/1.png")
    paths = [tmp_path / "photo", tmp_path / "missing.png", tmp_path / "folder"]
    found = find_images(paths).images
    assert [one.path for one in found] == [*paths[:2], tmp_path / "folder" / "1.png"]


def test_the_folders_on_the_way_are_told(tmp_path: Path) -> None:
    """They are those below the folder that was named."""
    make(tmp_path, "test/cat/1.png")
    (found,) = find_images([tmp_path]).images
    assert found == FoundImage(tmp_path / "test" / "cat" / "1.png", ("test", "cat"))


def test_links_in_a_circle_end(tmp_path: Path) -> None:
    """A folder is entered once, whatever links lead to it; a link to itself is a file's name."""
    make(tmp_path, "a/1.png", "b/2.png")
    (tmp_path / "a" / "up").symlink_to(tmp_path)
    (tmp_path / "b" / "across").symlink_to(tmp_path / "a")
    (tmp_path / "self.png").symlink_to("self.png")
    assert names_in(tmp_path) == ["a/1.png", "b/2.png", "self.png"]


def test_names_need_not_be_text(tmp_path: Path) -> None:
    """A name that is not valid UTF-8 is found like any other."""
    make(tmp_path, os.fsdecode(b"\xff.png"))
    assert names_in(tmp_path) == ["\udcff.png"]


def test_a_folder_without_images_is_a_mistake(tmp_path: Path) -> None:
    """The line names the folder and what an image is."""
    make(tmp_path, "text.txt")
    with pytest.raises(
        UserError, match=r"^images: folder '.*' holds none; images are \.avif, \.bmp, "
    ):
        find_images([tmp_path])


def test_a_folder_that_may_not_be_read_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The images beside it are found all the same."""
    make(tmp_path, "1.png", "closed/2.png")
    listing = Path.iterdir

    def closed(path: Path) -> object:
        if path.name == "closed":
            raise PermissionError(13, "Permission denied")
        return listing(path)

    monkeypatch.setattr(Path, "iterdir", closed)
    found = find_images([tmp_path])
    assert [one.path.name for one in found.images] == ["1.png"]
    assert found.failures == (f"{tmp_path / 'closed'} cannot be read: Permission denied",)
