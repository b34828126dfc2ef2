"""The model card: what a model is for, how good it is, and what it cannot do, as Markdown."""

import re
from collections.abc import Sequence
from pathlib import PurePath

from search import text
from search.evaluation.code import text_templates
from search.evaluation.description import fitted_words
from search.files import write_file
from search.paths import ModelPaths, RunPaths
from search.tuning.records import StudyRecord, TrialRecord
from spaces.candidate import describe_candidate

_FRONT_MATTER = """---
library_name: pytorch
pipeline_tag: image-classification
tags: [image-classification, hyperparameter-search, cifar-search]
---
"""
_BEGIN = "<!-- written by cifar-search: everything up to the end mark is rewritten -->"
_END = "<!-- end: everything below this, and above the first mark, is kept -->"
_OWN_PART = re.compile(r"<!-- written by cifar-search:[^>]*-->.*?<!-- end:[^>]*-->", re.DOTALL)
_MAX_CONFUSIONS = 3
_HAVE_SCORE = ("complete", "pruned", "diverged")


def write_model_readme(
    record: StudyRecord,
    paths: RunPaths,
    baseline: StudyRecord | None = None,
    findings: Sequence[str] = (),
) -> None:
    """Write the card next to the study's exported model, if there is one.

    Text outside the marks is kept, and a card without marks stays as it is, because somebody
    wrote their own. Raises OSError.
    """
    readme = ModelPaths(paths.model_dir).readme
    if record.test is None or not ModelPaths(paths.model_dir).card.is_file():
        return
    before = None
    if readme.is_file():
        before = readme.read_bytes().decode(errors="surrogateescape")  # people write what they like
    after = renewed(before, model_readme(record, baseline, findings))
    if after != before:
        write_file(readme, after.encode(errors="surrogateescape"))


def renewed(before: str | None, card: str) -> str:
    """Return the file's text with the new card; `before` is None if there is no file."""
    own = f"{_BEGIN}\n\n{card}\n{_END}"
    if before is None:
        return f"{_FRONT_MATTER}\n{own}\n"
    return _OWN_PART.sub(lambda _: own, before, count=1)


def model_readme(
    record: StudyRecord, baseline: StudyRecord | None, findings: Sequence[str] = ()
) -> str:
    """Return the card of a tested study's model; it contains no path of the machine.

    Args:
        record: The study.
        baseline: A study of the hand-tuned baseline to compare with.
        findings: Sentences of the report to include.

    Raises:
        ValueError: The study has no test result.
    """
    trial, test = _exported_trial(record), record.test
    if trial is None or trial.candidate is None or test is None:
        raise ValueError(f"study {record.name!r} has no tested model")
    results = [("this model", test)]
    if baseline is not None and baseline.test is not None:
        results.append((f"hand-tuned baseline ({baseline.name})", baseline.test))
    templates = text_templates()
    filters = (text.escaped, text.interval, text.opened, text.percent, text.plural, text.score)
    templates.filters |= {one.__name__: one for one in filters}
    template = templates.get_template("model_card.md.jinja")
    n_candidates = len({one.plan for one in record.trials if one.kind in _HAVE_SCORE})
    _, height, width = record.dataset.image_shape
    fitted = fitted_words(record.recipe.resize, record.dataset.image_shape)
    return template.render(
        record=record,
        recipe=record.recipe,
        dataset=record.dataset,
        trial=trial,
        test=test,
        results=results,
        findings=findings,
        height=height,
        width=width,
        fitted=fitted,
        metric=record.metric,
        openings=[f"{one.time:%Y-%m-%d} ({one.purpose})" for one in record.openings],
        confusions=[
            f"{actual} predicted as {predicted} ({text.times(count)})"
            for actual, predicted, count in test.confused_pairs[:_MAX_CONFUSIONS]
        ],
        versions=[f"{name} {version}" for name, version in record.versions.items()],
        description=describe_candidate(trial.candidate),
        n_candidates=n_candidates,
        chosen_by_score=n_candidates > 1 and _is_chosen_by_score(record),
        space=PurePath(record.recipe.space).name,
    )


def _is_chosen_by_score(record: StudyRecord) -> bool:
    """Return whether the winner is the candidate with the best validation score, and no other."""
    search = record.recipe.protocol.is_search
    return search and not record.objectives.several and record.best_finalist() is None


def _exported_trial(record: StudyRecord) -> TrialRecord | None:
    """Return the trial whose network was exported; a replication has no refit."""
    if record.refit is None:
        return record.winner()
    numbers = {trial.number: trial for trial in record.trials}
    return numbers.get(record.refit.trial)
