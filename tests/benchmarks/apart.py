"""A contestant in a fresh process of its own, so that no setting of one reaches another."""

import multiprocessing
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from multiprocessing.connection import Connection
from typing import TypeAlias
from unittest.mock import patch

Work: TypeAlias = Callable[[], None]


@contextmanager
def in_own_process(prepare: Callable[[], Work], environment: Mapping[str, str]) -> Iterator[Work]:
    """Yield the work that `prepare` (picklable) returns there; calling it waits until it is done.

    `environment` is added to the variables with which the process starts.
    """
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=_serve, args=(there, prepare), daemon=True)
    with patch.dict(os.environ, environment):
        process.start()
    there.close()  # so that the end of the process is noticed here
    try:
        yield lambda: _ask(here)
    finally:
        here.close()
        process.join()


def _ask(connection: "Connection[None, None]") -> None:
    connection.send(None)
    connection.recv()


def _serve(connection: "Connection[None, None]", prepare: Callable[[], Work]) -> None:
    work = prepare()
    while True:
        try:
            connection.recv()
        except EOFError:
            return
        work()
        connection.send(None)
