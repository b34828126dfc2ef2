"""What report.md says of the test accuracy, beside baselines. Pure."""

from collections.abc import Collection, Iterator

from search import text
from search.reference.reported import reported_note
from search.report.info.repeats import RepeatFigures, RepeatsInfo
from search.report.info.report import ReportInfo
from search.report.info.versus import VersusInfo
from search.report.markdown.blocks import bullets, picture, table
from search.report.markdown.result import MOST_CLASSES, changes_table
from search.text import code_block, escaped


def good(info: ReportInfo, figures: Collection[str]) -> Iterator[str]:
    """Yield the test accuracy with its interval, and what a baseline reaches."""
    test = info.record.test
    if test is None:
        yield "There is no test result yet."
    else:
        yield (
            f"**{text.percent(test.accuracy, 2)}** of {text.count(test.n_images)} test images are "
            f"right (95% Wilson interval {text.interval(test.interval)})."
        )
    if info.repeats is not None:
        yield from _trainings(info.repeats)
    if info.reported:
        head = ("Figure", "Report", "Ours", "Difference", "Verdict")
        yield table(head, info.reported, "lrrrl")
        yield escaped(reported_note(info.record))
    if info.versus is not None:
        yield from _versus(info.versus, figures)
    if info.baseline_command is not None:
        yield "No baseline study of such a network on this data is stored. This makes one:"
        yield code_block(info.baseline_command, "sh")


def _trainings(repeats: RepeatsInfo) -> Iterator[str]:
    rows = [(f"trial {row.trial}", *_scores(row.figures)) for row in repeats.rows]
    if repeats.std is not None:
        rows += [("mean", *_scores(repeats.mean)), ("standard deviation", *_spreads(repeats.std))]
    if rows:
        head = ("Training", "Validation loss", "Validation accuracy", "Test loss", "Test accuracy")
        yield table(head, rows, "lrrrr")
    if repeats.others:
        yield bullets(f"not among them: {other}" for other in repeats.others)


def _scores(figures: RepeatFigures) -> tuple[str, ...]:
    return (
        text.score(figures.validation_loss, "loss"),
        text.score(figures.validation_accuracy, "accuracy"),
        text.score(figures.test_loss, "loss"),
        text.score(figures.test_accuracy, "accuracy"),
    )


def _spreads(figures: RepeatFigures) -> tuple[str, ...]:
    return (
        text.spread(figures.validation_loss, "loss"),
        text.spread(figures.validation_accuracy, "accuracy"),
        text.spread(figures.test_loss, "loss"),
        text.spread(figures.test_accuracy, "accuracy"),
    )


def _versus(versus: VersusInfo, figures: Collection[str]) -> Iterator[str]:
    yield "### Beside the hand-tuned baseline"
    yield escaped(f"Study {versus.study}: the hand-tuned network, {versus.protocol}.")
    if versus.repeats > 1 and versus.mean is not None:
        yield (
            f"Trial {versus.trial}, the best of the {versus.repeats} by validation, stands for it; "
            f"the mean of their test accuracies is {text.score(versus.mean, 'accuracy')}."
        )
    if versus.more_data:
        yield versus.more_data
    yield _accuracies(versus)
    if versus.paired is not None:
        yield (
            f"{text.plural(versus.paired.only_first, 'image')} only the winner gets right, "
            f"{text.count(versus.paired.only_second)} only the baseline; McNemar’s exact test "
            f"gives {text.probability(versus.paired.p_value)}."
        )
    yield from picture(figures, "versus-baseline", "Recall of each class, baseline beside winner")
    shown = [
        (
            one.name,
            text.percent(one.baseline_recall),
            text.percent(one.winner_recall),
            text.points(one.gain, 1),
            text.count(one.n_images),
        )
        for one in versus.shown[:MOST_CLASSES]
    ]
    yield table(("Class", "Baseline’s recall", "Winner’s", "Points", "Images"), shown, "lrrrr")
    yield (
        changes_table(versus.changes)
        if versus.changes
        else "The winner is the hand-tuned candidate itself."
    )


def _accuracies(versus: VersusInfo) -> str:
    tests = (("winner", versus.winner), (f"baseline, trial {versus.trial}", versus.baseline))
    rows = [
        (name, text.score(test.accuracy, "accuracy"), text.interval(test.interval))
        for name, test in tests
    ]
    low_high = "–" if versus.paired is None else _points(versus.paired.interval)
    rows.append(("difference, points", text.points(versus.overall.gain), low_high))
    return table(("Network", "Test accuracy", "95% interval"), rows, "lrr")


def _points(interval: tuple[float, float]) -> str:
    return f"{text.points(interval[0])} to {text.points(interval[1])}"
