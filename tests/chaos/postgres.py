"""The same kills where the studies are kept by PostgreSQL, and its password by nobody."""

import dataclasses
import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import optuna
import sqlalchemy

from search.tuning.storage import open_storage
from tests.chaos.kill import Survival, besiege, searches_in
from tests.chaos.searches import Search
from tests.chaos.server import PASSWORD, running_server


def run(runs: int, seed: int) -> Iterator[Survival]:
    """Yield the survivals of `runs` searches, compared with an undisturbed one in a SQLite file.

    Raises UnavailableError where there is no PostgreSQL.
    """
    with running_server() as server, tempfile.TemporaryDirectory() as folder:
        calm, *others = searches_in(Path(folder), runs)
        stored = [with_database(search, server.url, i) for i, search in enumerate(others)]
        for search, survival in zip(stored, besiege([calm, *stored], seed), strict=True):
            found = [f"the password is in {place}" for place in leaks(search)]
            yield dataclasses.replace(survival, problems=(*survival.problems, *found))


def with_database(search: Search, server: sqlalchemy.URL, number: int) -> Search:
    """Return the search with a database of its own, of an odd name, made on the server."""
    name = f"run {number} {{ü}} 100%"
    driver = server.set(drivername="postgresql+psycopg")
    engine = sqlalchemy.create_engine(driver, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql(f'CREATE DATABASE "{name.replace("%", "%%")}"')
    engine.dispose()
    url = server.set(database=name).render_as_string(hide_password=False)
    return dataclasses.replace(search, storage=url)


def leaks(search: Search) -> list[str]:
    """Return where a run kept the password: among its files, what it said, and its database."""
    secrets = [spelling.encode() for spelling in (PASSWORD, quote(PASSWORD, safe=""))]
    files = [path for path in search.runs_dir.parent.rglob("*") if path.is_file()]
    texts = {str(path): path.read_bytes() for path in files}
    texts["its database"] = _attributes(search.storage or "").encode()
    return [place for place, text in texts.items() if any(one in text for one in secrets)]


def _attributes(url: str) -> str:
    storage = open_storage(url)
    studies = optuna.get_all_study_summaries(storage)
    trials = [
        trial.user_attrs | trial.system_attrs
        for study in studies
        for trial in storage.get_all_trials(study._study_id, deepcopy=False)
    ]
    storage.engine.dispose()
    attributes = [study.user_attrs for study in studies] + trials
    return json.dumps(attributes, ensure_ascii=False, default=str)
