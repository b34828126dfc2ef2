"""What report.md says of the search: why this won, what it cost, what next, how again. Pure."""

from collections.abc import Collection, Iterator

from search import text
from search.metric import Metric
from search.report.info.cost import cost_facts
from search.report.info.facts import dataset_facts, device_fact, machine_facts, search_facts
from search.report.info.report import ReportInfo, SearchInfo
from search.report.info.shared import SharedInfo
from search.report.markdown.blocks import bullets, facts, picture, table
from search.report.words.next import next_words
from search.report.words.why import shared_words
from search.text import code_block, escaped
from search.tuning.records import StudyRecord


def why(search: SearchInfo, metric: Metric, figures: Collection[str]) -> Iterator[str]:
    """Yield which parameters matter, what the best share, and the best trials."""
    yield from picture(figures, "slices", "The score over each of the most important parameters")
    yield from picture(figures, "parallel-coordinates", "Trials as lines through their parameters")
    yield from _shared(search.shared)
    rows = [
        (
            *(str(row.rank), str(row.number), text.score(row.value, metric)),
            *(text.spread(row.std, metric), str(row.best_epoch)),
            *(text.count(row.n_parameters), text.duration(row.seconds), row.words),
        )
        for row in search.top
    ]
    if rows:
        yield "### The best trials"
        head = ("Rank", "Trial", metric.capitalize(), "Spread", "E*", "Parameters", "Time")
        yield table((*head, "Candidate"), rows, "rrrrrrrl")
    yield from picture(figures, "optimization-history", "Every trial and the best so far")


def _shared(info: SharedInfo) -> Iterator[str]:
    heading, *traits = shared_words(info)
    yield "### What the best trials share"
    yield escaped(heading)
    if traits:
        yield bullets(traits)


def cost(info: ReportInfo) -> Iterator[str]:
    """Yield trials, epochs and time."""
    yield facts((*cost_facts(info.cost), device_fact(info.record)))


def following(search: SearchInfo) -> Iterator[str]:
    """Yield the advice."""
    yield bullets(next_words(search.advice))


def again(record: StudyRecord) -> Iterator[str]:
    """Yield the command and the recipe, and what study, data and machine were."""
    yield "Save this as `recipe.toml` and run it with no earlier study of the same name:"
    yield code_block("python -m search run recipe.toml", "sh")
    yield code_block(record.recipe.toml(), "toml")
    if record.changes:
        yield bullets(change.line() for change in record.changes)
    yield facts((*search_facts(record), *dataset_facts(record), *machine_facts(record)))
