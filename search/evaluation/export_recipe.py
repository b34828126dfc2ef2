"""A trial as a recipe, with a space that holds its candidate and nothing else. Pure."""

from dataclasses import dataclass
from pathlib import Path
from textwrap import fill
from typing import Any, final

import tomli_w

import spaces
from search.errors import UserError
from search.evaluation.code import classes, constructor, literal
from search.recipe import Recipe
from search.tuning.records import StudyRecord, TrialRecord
from spaces import Candidate
from spaces.describe import describe_candidate

_TEMPLATE = '''\
"""{title}, as a space of one point."""

{imports}

CANDIDATE = {candidate}

SPACE = Space({space}, lambda _: CANDIDATE, baseline_params={{}})
'''


def space_file(candidate: Candidate, name: str, title: str) -> str:
    """Return Python code that defines SPACE, with that name and only this candidate."""
    return _TEMPLATE.format(
        title=title,
        imports=_imports(candidate),
        candidate=constructor(candidate),
        space=literal(name),
    )


def _imports(candidate: Candidate) -> str:
    """Return the imports of a candidate's classes and Space: from `spaces` what it exports."""
    names: dict[str, set[str]] = {"spaces": {"Space"}}
    for one in classes(candidate):
        exported = getattr(spaces, one.__name__, None) is one
        names.setdefault("spaces" if exported else one.__module__, set()).add(one.__name__)
    return "\n".join(
        f"from {module} import {', '.join(sorted(some, key=str.lower))}"
        for module, some in sorted(names.items())
    )


# Settings that decide how one candidate is trained and scored, and where the study is stored. The
# others matter only to a search with several candidates.
_KEPT = (
    "epochs", "validation", "metric", "seed", "dataset", "data_dir", "image_size", "test_fraction",
    "storage", "runs_dir", "checkpoint_every", "threads", "device", "precision",
)  # fmt: skip
_LONGEST_NAME = 64  # of a study
_COLUMNS = 100


@final
@dataclass(frozen=True)
class ExportedRecipe:
    """The text of a recipe, and the text and path of the space that it names."""

    toml: str
    space_code: str
    space_path: Path

    def in_one(self) -> str:
        """Return one text: the recipe, with the space's file as a comment."""
        lines = [f"{self.space_path}, in the same folder:", "", *self.space_code.splitlines()]
        comment = "\n".join(f"# {line}".rstrip() for line in lines)
        return f"{self.toml}\n{comment}\n"


def export_name(record: StudyRecord, trial: TrialRecord) -> str:
    """Return the name of the study that trains only this trial."""
    suffix = f"-trial-{trial.number}"
    return record.name[: _LONGEST_NAME - len(suffix)] + suffix


def export_recipe(record: StudyRecord, trial: TrialRecord, path: Path | None) -> ExportedRecipe:
    """Return the recipe that trains a trial's candidate again, with the same validation.

    Args:
        record: The study.
        trial: The trial to export.
        path: Where the recipe will be; its space goes into the same folder. None: nowhere yet.

    Raises:
        UserError: The trial has no candidate.
    """
    candidate, name = candidate_of(trial), export_name(record, trial)
    file = Path(f"{name}.toml") if path is None else path
    space_path = file.with_name(f"{file.stem}-space.py")  # a script may be called as the recipe
    settings = _settings(record.recipe) | {"space": f"{space_path}:SPACE", "study_name": name}
    title = f"Trial {trial.number} of study {record.name}"
    head = f"{title} only: python -m search run {file}"
    comments = (head, describe_candidate(candidate), _sameness(record, trial))
    return ExportedRecipe(
        toml="\n".join([*map(_comment, comments), tomli_w.dumps(settings)]),
        space_code=space_file(candidate, name, title),
        space_path=space_path,
    )


def candidate_of(trial: TrialRecord) -> Candidate:
    """Return the trial's candidate; raises UserError if it has none yet."""
    if trial.candidate is None:
        raise UserError(
            f"trial: {trial.number} has no candidate yet, it is {trial.kind}; accepted: a trial "
            "that was started"
        )
    return trial.candidate


def _settings(recipe: Recipe) -> dict[str, Any]:
    """Return all settings but the names; the protocol stays the same."""
    stored = recipe.model_dump(mode="json", exclude_none=True)
    split = "folds" if recipe.validation == "kfold" else "holdout_fraction"
    kept = {name: stored[name] for name in (*_KEPT, split) if name in stored}
    sampler = recipe.protocol.export_sampler
    return {"space": "", "sampler": sampler, "trials": 1, "with_baseline": False} | kept


def _sameness(record: StudyRecord, trial: TrialRecord) -> str:
    split = "folds" if record.recipe.validation == "kfold" else "split"
    if trial.plan == 0:
        return (
            f"Same {split} and same seeds: with the same machine and code, the score is the same, "
            "bit for bit."
        )
    return (
        f"Same {split}, but other seeds, because seeds depend on a trial's index: {trial.plan} in "
        "the study, 0 here. Initial weights, image order, augmentation and dropout differ, so "
        "expect a similar score, not the same."
    )


def _comment(text: str) -> str:
    return fill(text, _COLUMNS, initial_indent="# ", subsequent_indent="# ",
                break_long_words=False, break_on_hyphens=False)  # fmt: skip
