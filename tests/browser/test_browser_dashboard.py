"""optuna-dashboard in a real browser, as this program serves it."""

import threading
from collections.abc import Iterator
from pathlib import Path

import optuna
import pytest

from search.dashboard.serving import bind, dashboard_app
from search.tuning.storage import open_storage
from tests.browser.tab import Tab

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


def test_dashboard_lists_and_opens_a_study(tab: Tab, address: str) -> None:
    """The list names the study, its page opens, nothing is complained of and nothing leaves."""
    tab.open(f"{address}/dashboard")
    assert tab.evaluate("document.title") == "Optuna Dashboard"
    tab.wait_until(f"document.body.innerText.includes('{NAME}')")
    tab.open(f"{address}/dashboard/studies/1")
    tab.wait_until(f"document.body.innerText.includes('{NAME}')")
    tab.wait_until("document.querySelectorAll('.js-plotly-plot').length > 0")
    assert tab.complaints() == []
    assert all(url.startswith(f"{address}/") for url in tab.requests())
