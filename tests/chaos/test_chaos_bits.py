"""The short form of `python -m tests.chaos bits`, which is the full one."""

from pathlib import Path

import pytest

from tests.chaos.bits import flip_bits

pytestmark = pytest.mark.chaos


@pytest.mark.slow
def test_every_damaged_checkpoint_is_caught(tmp_path: Path) -> None:
    """Of 300 flipped bits torch alone overlooks most; here each is caught, truncations too."""
    report = flip_bits(tmp_path)
    assert report.is_sound()
    assert report.silent > report.flips // 2
