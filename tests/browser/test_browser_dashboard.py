"""optuna-dashboard in a real browser, as this program serves it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import optuna
import pytest

from search.dashboard.serving import bind, dashboard_app
from search.tuning.storage import open_storage
from tests.browser.pages import PageLog, wait_until

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.slow

NAME = "cnn-random-photos"


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    """Serve one small study; yields the address."""
    url = f"sqlite:///{tmp_path / 'studies.db'}"
    storage = open_storage(url)
    study = optuna.create_study(study_name=NAME, storage=storage, direction="maximize")
    study.optimize(lambda trial: trial.suggest_float("rate", 0.1, 1), n_trials=3)
    storage.engine.dispose()
    with bind(dashboard_app(url, tmp_path / "artifacts"), "127.0.0.1", 0) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_dashboard_lists_and_opens_a_study(page: Page, address: str) -> None:
    """The list names the study, its page opens, nothing is complained of and nothing leaves."""
    log = PageLog(page)
    page.goto(f"{address}/dashboard")
    assert page.evaluate("document.title") == "Optuna Dashboard"
    wait_until(page, f"document.body.innerText.includes('{NAME}')")
    page.goto(f"{address}/dashboard/studies/1")
    wait_until(page, f"document.body.innerText.includes('{NAME}')")
    wait_until(page, "document.querySelectorAll('.js-plotly-plot').length > 0")
    assert log.complaints() == []
    assert all(url.startswith(f"{address}/") for url in log.requests())
