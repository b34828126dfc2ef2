"""The failure of a database in one line, whatever its damaged bytes lead to."""

from traceback import walk_tb

from search.tuning.database_url import first_line

_READERS = ("sqlalchemy.", "optuna.storages.")


def database_failure(error: Exception) -> str | None:
    """Return what is said of an error of Optuna's storage, None of any other error.

    SQLite has no checksums: damaged bytes raise whatever they lead to, LookupErrors of enums and
    ValueErrors of JSON among it, so that they are known by where they were raised.
    """
    raised_in = (frame.f_globals.get("__name__", "") for frame, _ in walk_tb(error.__traceback__))
    if not any(module.startswith(_READERS) for module in raised_in):
        return None
    cause = error.__cause__ or error
    return (
        f"the database of the studies failed or is damaged: {type(cause).__name__}, "
        f"{first_line(cause)}; a damaged one needs a copy from before in its place, and model "
        "folders need none"
    )
