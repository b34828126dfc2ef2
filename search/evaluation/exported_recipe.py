"""A trial's recipe as texts: the recipe, its space, the user's metric, and what these import."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.util import decode_source
from pathlib import Path
from typing import final

from search.checks import names_object
from search.errors import UserError
from search.files import write_outputs
from search.text import printable
from search.tuning.records import StudyRecord
from spaces.user_code import bare_source

_METRIC = '''\
"""The metric of study {name}."""

{code}
'''


@final
@dataclass(frozen=True)
class ExportedRecipe:
    """The text of a recipe and of the files that it needs beside it.

    Attributes:
        toml: The recipe, which names the others without a folder.
        space_code: The space.
        space_path: Its future file.
        metric_path: The future file of the user's metric.
        metric_code: The metric; None: it is one of this program's.
        helpers: The user's modules that these import, by their future file.
    """

    toml: str
    space_code: str
    space_path: Path
    metric_path: Path
    metric_code: str | None = None
    helpers: Mapping[Path, str] = field(default_factory=dict)

    def in_one(self) -> str:
        """Return one text: the recipe, with the space's file, and others, as comments."""
        comments = []
        for path, code in {**self._named(), **self.helpers}.items():
            lines = [f"{path}, in the same folder:", "", *code.splitlines()]
            comments.append("\n".join(f"# {line}".rstrip() for line in lines))
        return "\n".join([self.toml, *comments]) + "\n"

    def write(self, file: Path, *, force: bool) -> tuple[Path, ...]:
        """Write the recipe to a file and the others beside it; return those that were written.

        A module of the user's that is there with the same code stays as it is.

        Args:
            file: The recipe's file.
            force: Whether to replace the recipe, space and metric that are there; never a module
                of the user's.

        Raises:
            UserError: A file is in the way, and nothing was written; or one cannot be written.
        """
        missing = {path: code for path, code in self.helpers.items() if not _is_there(path, code)}
        texts = {file: self.toml, **self._named(), **missing}
        write_outputs(texts, force=force, within=file.parent)
        return tuple(texts)

    def _named(self) -> dict[Path, str]:
        """Return the files that are named after the recipe."""
        metric = {} if self.metric_code is None else {self.metric_path: self.metric_code}
        return {self.space_path: self.space_code, **metric}


def _is_there(path: Path, code: str) -> bool:
    """Return whether a user's module is there; raises UserError if another file is."""
    if not path.exists():
        return False
    try:
        is_same = bare_source(decode_source(path.read_bytes())) == bare_source(code)
    except (OSError, SyntaxError, ValueError):
        is_same = False
    if not is_same:
        shown = printable(repr(str(path)))
        raise UserError(
            f"output: {shown} exists and is not the study's version of it, and is never replaced; "
            "accepted: an --output in another folder"
        )
    return True


def own_metric_files(record: StudyRecord, path: Path) -> dict[Path, str]:
    """Return the files of the user's metric from the code that is stored with the study.

    Args:
        record: The study.
        path: The metric's future file; what it imports goes into the same folder.

    Returns:
        The text of each file; none for a metric of this program, or if no code is stored.
    """
    if record.metric_code is None or not names_object(record.recipe.metric):
        return {}
    text = _METRIC.format(name=record.name, code=record.metric_code)
    helpers = (record.helper_code or {}).get("metric", {})
    return {path: text} | {path.parent / file: f"{code}\n" for file, code in helpers.items()}


def one_folder(space: Mapping[Path, str], metric: Mapping[Path, str]) -> dict[Path, str]:
    """Return the modules that space and metric import, which may be the same ones.

    Raises:
        UserError: They import two modules of one name.
    """
    for path in space.keys() & metric.keys():
        if space[path] != metric[path]:
            raise UserError(
                f"trial: its space and its metric import two modules of the name {path.name!r}, "
                "which one folder cannot hold; accepted: --python"
            )
    return {**space, **metric}
