"""The model card: what a model is for, how good it is, and what it cannot do, as Markdown."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import PurePath

from search import text
from search.files import write_file
from search.paths import ModelPaths, RunPaths
from search.text import escaped
from search.training.metrics import TestResult
from search.tuning.records import StudyRecord, TrialKind, TrialRecord
from spaces.candidate import describe_candidate


def bullets(texts: Iterable[str]) -> str:
    """Return a list of one line each."""
    return "\n".join(f"- {text}" for text in texts)


def table(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Return a table; all columns but the first are numbers."""
    rule = ["---", *["---:"] * (len(columns) - 1)]
    lines = [columns, rule, *rows]
    return "\n".join(f"| {' | '.join(map(str, line))} |" for line in lines)


_MOST_NAMED = 3  # weak classes and confusions

_TRIED: tuple[TrialKind, ...] = ("complete", "pruned", "diverged")


def results(
    record: StudyRecord, trial: TrialRecord, test: TestResult, baseline: StudyRecord | None
) -> Iterator[str]:
    """Yield paragraphs and tables about the results."""
    rows = [_result_row("this model", test)]
    if baseline is not None and baseline.test is not None:
        rows.append(_result_row(f"hand-tuned baseline ({escaped(baseline.name)})", baseline.test))
    yield table(("on the test set", "accuracy", "95% interval", "loss", "images"), rows)
    yield _openings(record)
    yield _validation(record, trial)
    classes = [
        (
            escaped(one.name),
            *(f"{x:.1%}" for x in (one.precision, one.recall, one.f1)),
            f"{one.support:,}",
        )
        for one in test.classes
    ]
    yield table(("class", "precision", "recall", "F1", "images"), classes)


def _validation(record: StudyRecord, trial: TrialRecord) -> str:
    metric, count = record.recipe.metric, len({t.plan for t in record.trials if t.kind in _TRIED})
    chosen = (
        f"It is the score by which this model was chosen from {count:,} candidates, so it is "
        "probably too optimistic. The test set played no part in the choice."
    )
    score = f"Validation {metric}: {text.score(trial.mean, metric)}."
    return f"{score} {chosen}" if count > 1 else score


def _result_row(name: str, test: TestResult) -> tuple[object, ...]:
    low, high = test.interval
    interval = f"{low:.2%} to {high:.2%}"
    return name, f"{test.accuracy:.2%}", interval, f"{test.loss:.4f}", f"{test.n_images:,}"


def _openings(record: StudyRecord) -> str:
    times = [f"{one.time:%Y-%m-%d} ({escaped(one.purpose)})" for one in record.openings]
    count = "once" if len(times) == 1 else f"{len(times)} times"
    return f"The test set was opened {count}: {'; '.join(times)}."


def limits(record: StudyRecord, test: TestResult) -> Iterator[str]:
    """Yield the model's limits, a sentence each."""
    _, height, width = record.dataset.image_shape
    yield (
        "It always answers with one of its classes, even for images of something else, and often "
        "with a high probability."
    )
    yield (
        f"Images are resized to {height} x {width} pixels without keeping their aspect ratio, so "
        "small details are lost."
    )
    yield "The results apply to images like those of the test set; expect worse on others."
    yield "Probabilities are not calibrated: an answer with 90% may be right more or less often."
    pairs = [
        f"{escaped(true)} predicted as {escaped(named)} ({count} times)"
        for true, named, count in test.confused_pairs[:_MOST_NAMED]
    ]
    if pairs:
        yield f"Most frequent confusions: {', '.join(pairs)}."


HEAD = """---
library_name: pytorch
pipeline_tag: image-classification
tags: [image-classification, hyperparameter-search, cifar-search]
---
"""
_MOST_LISTED = 30  # classes in words; the table has all


def model_readme(
    record: StudyRecord, baseline: StudyRecord | None, findings: Sequence[str] = ()
) -> str:
    """Return the card of a tested study's model, next to the baseline's figures if there is one.

    `findings` are sentences of the report that belong to the results.
    It names no path of the machine. Raises ValueError for a study without a test result.
    """
    trial, test = _exported(record), record.test
    if trial is None or trial.candidate is None or test is None:
        raise ValueError(f"study {record.name!r} has no tested model")
    parts = [
        f"# {escaped(record.name)}",
        _purpose(record),
        describe_candidate(trial.candidate),
        "## Use",
        _USE,
        "## Data",
        _data(record),
        "## Results",
        *results(record, trial, test, baseline),
        *([bullets(map(escaped, findings))] if findings else []),
        "## Limits",
        bullets(limits(record, test)),
        "## Training",
        bullets(_training(record, trial)),
    ]
    return "\n\n".join(parts) + "\n"


_USE = """From the command line, on files and folders (the classes and their probabilities):

    python -m search predict path/to/this/folder photo.jpg

From Python:

    from search import load_model
    model = load_model("path/to/this/folder")
    print(model.classify("photo.jpg").name)

`weights.safetensors` holds the weights, `model.json` describes the network and how to prepare an
image, and `sha256sum -c SHA256SUMS` verifies both. This card has no checksum: add to it as you
like."""


def _exported(record: StudyRecord) -> TrialRecord | None:
    """Return the trial whose network was exported; a replication has no refit."""
    if record.refit is None:
        return record.winner()
    numbers = {trial.number: trial for trial in record.trials}
    return numbers.get(record.refit.trial)


def _purpose(record: StudyRecord) -> str:
    names = record.dataset.class_names
    shown = ", ".join(escaped(name) for name in names[:_MOST_LISTED])
    more = f" and {len(names) - _MOST_LISTED} more" if len(names) > _MOST_LISTED else ""
    return (
        f"Classifies images into {len(names)} classes: {shown}{more}. "
        "Intended for images like those that it was trained and tested on."
    )


def _data(record: StudyRecord) -> str:
    dataset = record.dataset
    _, height, width = dataset.image_shape
    return (
        f"{escaped(dataset.name)}: {dataset.n_train:,} images for training and validation, "
        f"{dataset.n_test:,} for testing, {height} x {width} pixels each. "
        f"Fingerprint (SHA-256 of the content): `{dataset.fingerprint}`."
    )


def _training(record: StudyRecord, trial: TrialRecord) -> Iterator[str]:
    recipe = record.recipe
    kfold = recipe.validation == "kfold"
    validation = f"{recipe.folds}-fold" if kfold else f"holdout {recipe.holdout_fraction:g}"
    yield (
        f"Study {escaped(record.name)}, trial {trial.number}: space "
        f"{escaped(PurePath(recipe.space).name)}, sampler {recipe.sampler}, {validation} "
        f"validation, seed {recipe.seed}, {recipe.precision} on {recipe.device}."
    )
    if record.refit is None:
        epochs = text.plural(len(trial.history.epochs), "epoch")
        yield f"Trained for {epochs} on the training part of the split."
    else:
        epochs = text.plural(record.refit.epochs, "epoch")
        yield f"Retrained on all {record.dataset.n_train:,} training images for {epochs}."
    versions = ", ".join(f"{name} {version}" for name, version in record.versions.items())
    yield f"Versions: {escaped(versions)}."


_BEGIN = "<!-- written by cifar-search: what stands up to the end mark is renewed -->"
_END = "<!-- end: what stands below, and above the first mark, is kept -->"


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
    model = ModelPaths(paths.model_dir)
    if record.test is None or not model.card.is_file():
        return
    before = _read(model)
    text = renewed(before, model_readme(record, baseline, findings))
    if text != before:
        write_file(model.readme, text.encode(errors="surrogateescape"))


def renewed(before: str | None, card: str) -> str:
    """Return the file's text with the new card; `before` is None if there is no file."""
    own = f"{_BEGIN}\n\n{card}\n{_END}"
    if before is None:
        return f"{HEAD}\n{own}\n"
    above, begin, rest = before.partition(_BEGIN)
    _, end, below = rest.partition(_END)
    return f"{above}{own}{below}" if begin and end else before


def _read(model: ModelPaths) -> str | None:
    if not model.readme.is_file():
        return None
    return model.readme.read_bytes().decode(errors="surrogateescape")  # people write what they like
