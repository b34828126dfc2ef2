"""What changed in the code behind a study, in words."""

import pytest

from search.tuning.study_code import Code, describe_changes, first_difference

VERSIONS = {"python": "3.11.2", "torch": "2.11.0", "cifar-search": "0.1.0"}


def test_the_same_code_has_no_changes() -> None:
    """Equal sources and versions say nothing."""
    assert describe_changes("cnn", Code("a = 1", VERSIONS), Code("a = 1", VERSIONS)) == ()


def test_each_change_is_named() -> None:
    """The space with its first lines, then every version that is another."""
    now = Code("a = 2", VERSIONS | {"torch": "2.12.0", "cifar-search": "0.2.0"})
    assert describe_changes("my.py:SPACE", Code("a = 1", VERSIONS), now) == (
        'space \'my.py:SPACE\': "- a = 1" "+ a = 2"',
        "torch 2.11.0 -> 2.12.0",
        "cifar-search 0.1.0 -> 0.2.0",
    )


@pytest.mark.parametrize(
    ("version", "changes"),
    [("3.11.9", ()), ("3.12.0", ("python 3.11.2 -> 3.12.0",))],
)
def test_a_patch_release_of_python_is_no_change(version: str, changes: tuple[str, ...]) -> None:
    """Python's minor releases may decide a result, its patches do not."""
    now = Code(None, VERSIONS | {"python": version})
    assert describe_changes("cnn", Code(None, VERSIONS), now) == changes


def test_what_was_not_stored_is_not_compared() -> None:
    """A study of an earlier release has no source and no version of this program."""
    assert describe_changes("cnn", Code(None, {"torch": "2.11.0"}), Code("a", VERSIONS)) == ()


@pytest.mark.parametrize(
    ("then", "now", "words"),
    [
        ("a\nb", "a\nc", '"- b" "+ c"'),
        ("a", "a\n\nb\nc", '"+ b" (and 1 more line)'),
        ("a\nb\nc\nd", "a", '"- b" (and 2 more lines)'),
        ("a\nb", "x\nb\ny", '"- a" "+ x" (and 1 more line)'),
        ("f:\n    a = 1", "f:\n    a = 2", '"- a = 1" "+ a = 2"'),
        ("f:\n    a", "f:\na", '"-     a" "+ a"'),
        ("f(1)", "f(12)", '"- f(1)" "+ f(12)"'),
    ],
)
def test_the_first_changed_lines_are_shown(then: str, now: str, words: str) -> None:
    """One line of each side without its indentation, and how many more differ."""
    assert first_difference(then, now) == words


def test_a_long_line_is_cut_to_what_differs() -> None:
    """Code without formatting has long lines: the difference shows, its surroundings do not."""
    before, after = "x" * 500, "y" * 500
    words = first_difference(f"{before}16{after}", f"{before}32{after}")
    assert "x16y" in words
    assert "x32y" in words
    assert len(words) < 150
    assert words.count("…") == 4


@pytest.mark.parametrize(
    ("now", "changes"),
    [
        ({"a.py": "x = 1"}, ()),
        ({"a.py": "x = 2"}, ('a.py, which space imports: "- x = 1" "+ x = 2"',)),
        ({}, ("a.py, which space imports: it is not imported any more",)),
        (
            {"a.py": "x = 1", "b.py": "y"},
            ("b.py, which space imports: it was not imported before",),
        ),
    ],
)
def test_imported_modules_are_compared(now: dict[str, str], changes: tuple[str, ...]) -> None:
    """Each by its file, where any were stored."""
    then = Code("import a", VERSIONS, helpers={"space": {"a.py": "x = 1"}})
    code = Code("import a", VERSIONS, helpers={"space": now} if now else {})
    assert describe_changes("my.py:SPACE", then, code) == changes
    assert describe_changes("my.py:SPACE", Code("import a", VERSIONS), code) == ()
