"""The undisturbed search that all disturbed ones are compared with, trained once."""

from pathlib import Path

import pytest

from tests.chaos.kill import Reference, undisturbed
from tests.chaos.searches import Search


@pytest.fixture(scope="session")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("chaos-data")


@pytest.fixture(scope="session")
def reference(data_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Reference:
    return undisturbed(Search(tmp_path_factory.mktemp("calm") / "runs", data_dir))
