"""A trial as a recipe and a space of its own. Pure."""

from dataclasses import dataclass
from pathlib import Path
from textwrap import fill
from typing import Any, final

import tomli_w

from search.errors import UserError
from search.evaluation.code import class_names, constructor, literal
from search.recipe import Recipe
from search.tuning.records import StudyRecord, TrialRecord
from spaces import Candidate
from spaces.describe import describe_candidate

_TEMPLATE = '''\
"""{title}, as a space of one point."""

from spaces import {names}

CANDIDATE = {candidate}

SPACE = Space({space}, lambda _: CANDIDATE, baseline_params={{}})
'''


def space_file(candidate: Candidate, name: str, title: str) -> str:
    """Return Python code whose SPACE, of that name, holds the candidate and nothing else."""
    return _TEMPLATE.format(
        title=title,
        names=", ".join(sorted({*class_names(candidate), "Space"}, key=str.lower)),
        candidate=constructor(candidate),
        space=literal(name),
    )


# What decides how one candidate is trained and scored, and where that is kept. The rest is of a
# search, which has others to prune and to race against.
_KEPT = (
    "epochs", "validation", "metric", "seed", "dataset", "data_dir", "image_size", "test_fraction",
    "storage", "runs_dir", "checkpoint_every", "threads", "device", "precision",
)  # fmt: skip
_LONGEST_NAME = 64  # of a study
_COLUMNS = 100


@final
@dataclass(frozen=True)
class ExportedRecipe:
    """A recipe, and the file of the space that it names; both are texts."""

    toml: str
    space_code: str
    space_path: Path

    def in_one(self) -> str:
        """Return the recipe with the space's file in a comment, for whoever wants one text."""
        lines = [f"{self.space_path}, which lies beside it:", "", *self.space_code.splitlines()]
        comment = "\n".join(f"# {line}".rstrip() for line in lines)
        return f"{self.toml}\n{comment}\n"


def export_name(record: StudyRecord, trial: TrialRecord) -> str:
    """Return the name of the study that trains a trial alone."""
    suffix = f"-trial-{trial.number}"
    return record.name[: _LONGEST_NAME - len(suffix)] + suffix


def export_recipe(record: StudyRecord, trial: TrialRecord, path: Path | None) -> ExportedRecipe:
    """Return the recipe that trains a trial's candidate again, under the same validation.

    `path` is where it will lie, None for nowhere; its space will lie beside it. Raises UserError
    where the trial has no candidate.
    """
    candidate, name = candidate_of(trial), export_name(record, trial)
    file = Path(f"{name}.toml") if path is None else path
    space_path = file.with_name(f"{file.stem}-space.py")  # a script may be called as the recipe
    settings = _settings(record.recipe) | {"space": f"{space_path}:SPACE", "study_name": name}
    title = f"Trial {trial.number} of study {record.name}"
    head = f"{title}, alone: python -m search run {file}"
    comments = (head, describe_candidate(candidate), _sameness(record, trial))
    return ExportedRecipe(
        toml="\n".join([*map(_comment, comments), tomli_w.dumps(settings)]),
        space_code=space_file(candidate, name, title),
        space_path=space_path,
    )


def candidate_of(trial: TrialRecord) -> Candidate:
    """Return the trial's candidate; raises UserError where it has none yet."""
    if trial.candidate is None:
        raise UserError(
            f"trial: {trial.number} has no candidate yet, it is {trial.kind}; accepted: a trial "
            "that was started"
        )
    return trial.candidate


def _settings(recipe: Recipe) -> dict[str, Any]:
    """Return the settings but for the names; the protocol stays the same."""
    stored = recipe.model_dump(mode="json", exclude_none=True)
    split = "folds" if recipe.validation == "kfold" else "holdout_fraction"
    kept = {name: stored[name] for name in (*_KEPT, split) if name in stored}
    sampler = recipe.protocol.export_sampler
    return {"space": "", "sampler": sampler, "trials": 1, "with_baseline": False} | kept


def _sameness(record: StudyRecord, trial: TrialRecord) -> str:
    split = "folds" if record.recipe.validation == "kfold" else "split"
    if trial.plan == 0:
        return (
            f"Same {split} and same seeds: on the same machine and code the score of the whole "
            "training comes out the same, bit for bit."
        )
    return (
        f"Same {split}, but other seeds, as those hang on the place in the plan, {trial.plan} "
        "there and 0 here: weights, order of images, augmentation and dropout are drawn anew, so "
        "expect a score that is near, not the same."
    )


def _comment(text: str) -> str:
    return fill(text, _COLUMNS, initial_indent="# ", subsequent_indent="# ",
                break_long_words=False, break_on_hyphens=False)  # fmt: skip
