"""What report.md says of the winner: what it is, how good, how sure, where it fails. Pure."""

from collections.abc import Collection, Iterator

from search import text
from search.report.findings.winner import Winner
from search.report.info.fold_rows import fold_rows
from search.report.info.report import ReportInfo
from search.report.markdown.blocks import bullets, facts, picture, table
from search.report.words.optimism import optimism_words
from search.tuning.records import StudyRecord

MOST_CLASSES = 30


def changes_table(changes: tuple[tuple[str, str, str], ...]) -> str:
    """Return what the winner does otherwise than the hand-tuned candidate."""
    return table(("Setting", "Baseline", "Winner"), changes, "lll")


def sure(info: ReportInfo, figures: Collection[str]) -> Iterator[str]:
    """Yield folds and spread, optimism, the curves, and how often the test set was opened."""
    winner, record = info.evidence.once(Winner.of), info.record
    if winner is not None and not record.recipe.protocol.scores_last_epoch:
        yield facts(fold_rows(winner, record.recipe.metric))
        yield _beside_test(record, winner)
    if info.optimism is not None:
        yield bullets(optimism_words(info.optimism))
    if record.refit is not None:
        epochs, took = (
            text.plural(record.refit.epochs, "epoch"),
            text.duration(record.refit.seconds),
        )
        yield f"The refit on all training images took {epochs} and {took}."
    yield from picture(figures, f"{info.kind}-learning-curve", "Learning curves")
    yield f"The test set was {text.opened(len(record.openings))}."
    if record.openings:
        yield bullets(f"{text.moment(one.time)}: {one.purpose}" for one in record.openings)


def _beside_test(record: StudyRecord, winner: Winner) -> str:
    rows = [("validation at E*", winner.accuracy, winner.loss)]
    if record.test is not None:
        rows.append(("test, after the refit", record.test.accuracy, record.test.loss))
    cells = [(name, text.score(a, "accuracy"), text.score(b, "loss")) for name, a, b in rows]
    return table(("Measured on", "Accuracy", "Loss"), cells, "lrr")


def fails(info: ReportInfo, figures: Collection[str]) -> Iterator[str]:
    """Yield the worst classes, all classes, the confusions and the surest mistakes."""
    test = info.record.test
    if test is None:
        yield "There is no test result yet."
        return
    worst = sorted(test.classes, key=lambda one: one.recall)[:MOST_CLASSES]
    rows = [
        (
            one.name,
            *(text.percent(share) for share in (one.precision, one.recall, one.f1)),
            text.count(one.support),
        )
        for one in worst
    ]
    yield table(("Class, the worst first", "Precision", "Recall", "F1", "Images"), rows, "lrrrr")
    if len(worst) < len(test.classes):
        yield f"These are the worst {len(worst)} of {len(test.classes)} classes."
    if test.confused_pairs:
        pairs = [(actual, called, text.count(n)) for actual, called, n in test.confused_pairs]
        yield table(("True class", "Called", "Images"), pairs, "llr")
    yield from picture(figures, f"{info.kind}-confusion-matrix", "Confusion matrix")
    yield from picture(figures, "mistakes", "The most confident mistakes")
