"""What of a study cannot change: it would be another one."""

from collections.abc import Mapping

from search.checks import without_password
from search.errors import UserError

_KEPT = {"data": "dataset", "study_name": "name", "runs_dir": "folder", "storage": "database"}


def check_kept(changes: Mapping[str, object]) -> None:
    """Raise UserError for a change that would make another study, naming the call that does."""
    for setting in (one for one in _KEPT if changes.get(one) is not None):
        argument, got = setting, f", got {without_password(repr(changes[setting]))}"
        if setting == "data":  # which may be arrays
            argument, got = "study_name", ""
        raise UserError(
            f"{setting}: a study keeps its {_KEPT[setting]}{got}; "
            f"search.run(space, data, {argument}=...) makes another study"
        )
