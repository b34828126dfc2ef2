"""The undisturbed search that all disturbed ones are compared with, run once."""

import pytest

from tests.chaos.kill import Reference, undisturbed
from tests.chaos.searches import Search


@pytest.fixture(scope="session")
def short(tmp_path_factory: pytest.TempPathFactory) -> Search:
    """Return the search in its short form; each test gives it a runs folder of its own."""
    folder = tmp_path_factory.mktemp("chaos")
    return Search(folder / "runs", folder / "data", plans=12)


@pytest.fixture(scope="session")
def reference(short: Search) -> Reference:
    return undisturbed(short)
