"""The model card's figures, and the limits that follow from them. Pure."""

from collections.abc import Iterator

from search.evaluation.markdown import table
from search.formatting import format_score
from search.markdown import escaped
from search.training.metrics import TestResult
from search.tuning.records import StudyRecord, TrialKind, TrialRecord

_MOST_NAMED = 3  # weak classes and confusions

_TRIED: tuple[TrialKind, ...] = ("complete", "pruned", "diverged")


def results(
    record: StudyRecord, trial: TrialRecord, test: TestResult, baseline: StudyRecord | None
) -> Iterator[str]:
    """Yield the paragraphs and tables on how good it is."""
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
    among = f"It chose this model among {count:,} candidates"
    chosen = f"{among}, so it tends to flatter; the test did not."
    score = f"Validation {metric}: {format_score(trial.mean, metric)}."
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
    """Yield what it cannot do, a sentence or two each."""
    _, height, width = record.dataset.image_shape
    yield (
        "It always names one of its classes, never none of them: an image of anything else gets "
        "one too, and often with a high probability."
    )
    yield (
        f"Every image is scaled to {height} x {width} pixels, without regard to its proportions; "
        "what is lost by that is not seen."
    )
    yield "The figures hold for images like the test set's; on others expect worse."
    yield "The probabilities were not calibrated: 90% need not be right nine times in ten."
    weak = sorted((one for one in test.classes if one.support), key=lambda one: one.recall)
    shown = ", ".join(f"{escaped(one.name)} ({one.recall:.1%})" for one in weak[:_MOST_NAMED])
    yield f"Weakest classes, by the share of their images that is found: {shown}."
    pairs = [
        f"{escaped(true)} taken for {escaped(named)} ({count} times)"
        for true, named, count in test.confused_pairs[:_MOST_NAMED]
    ]
    if pairs:
        yield f"Most frequent confusions: {', '.join(pairs)}."
