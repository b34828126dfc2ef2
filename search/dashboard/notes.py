"""The Markdown notes that optuna-dashboard shows for a study and its trials. Pure."""

from collections import Counter
from collections.abc import Iterator

from search import text
from search.command_lines import command_line, place_options
from search.dashboard.report_pages import report_address
from search.paths import RunPaths
from search.progress.words import describe_end
from search.report.evidence import Evidence
from search.report.findings import summaries
from search.report.findings.study import page_lead
from search.report.findings.trials import trial_facts
from search.report.findings.winner import SearchBaseline
from search.report.scoring import decisive_score, last_attempts, of_trainings
from search.tuning.records import StudyRecord, TrialRecord
from spaces.candidate import describe_candidate


def study_note(record: StudyRecord, baseline: StudyRecord | None = None) -> str:
    """Return the study's note: what it is, the winner so far, the test result, the report.

    `baseline` is the study of the hand-tuned network to compare it with.
    """
    lead = page_lead(record)
    lines = [
        text.escaped(lead[:1].upper() + lead[1:]),
        "",
        f"- **Trials:** {_counts(record)}",
        f"- **{_winner_title(record)}:** {_winner(record)}",
        *_baseline(record),
        f"- **Test set:** {_test(record)}",
        *_beside(record, baseline),
        *(f"- {text.escaped(words)}" for words in summaries(record)),
        f"- **Report:** {_report(record)}",
        "",
        "Recipe (reproduce it with `python -m search run FILE.toml`):",
        "",
        text.code_block(record.recipe.toml(), "toml"),
        "",
        "The dashboard computes importance from complete trials only. With few of them, the report "
        "uses all trials at an epoch that each of them reached.",
    ]
    return "\n".join(lines)


def trial_note(trial: TrialRecord, record: StudyRecord) -> str:
    """Return a trial's note: how it ended, its candidate, its folds, how to run it again."""
    ended = trial.state not in ("waiting", "running")
    outcome = describe_end(trial, record.recipe, record.metric) if ended else trial.kind
    lines = [f"**{text.escaped(outcome)}**", ""]
    if trial.candidate is not None:
        # One part per line: the dashboard does not wrap long lines.
        parts = describe_candidate(trial.candidate).rstrip(".").split("; ")
        lines += [f"- {text.escaped(part)}" for part in parts]
    facts = trial_facts(trial, record.metric)
    lines += [f"- {name}: {text.escaped(value)}" for name, value in facts]
    if trial.candidate is not None:
        lines += ["", "Inspect or retrain this trial:", ""]
        lines.append(text.code_block("\n".join(_commands(trial, record)), "sh"))
    return "\n".join(lines)


def _counts(record: StudyRecord) -> str:
    kinds = Counter(trial.kind for trial in last_attempts(record))
    return ", ".join(f"{n:,} {kind}" for kind, n in kinds.items()) or "none has ended yet"


def _winner_title(record: StudyRecord) -> str:
    return "Winner so far" if record.test is None else "Winner"


def _winner(record: StudyRecord) -> str:
    winner, metric = record.winner(), record.metric
    if winner is None:
        return "none yet"
    words = "" if winner.candidate is None else describe_candidate(winner.candidate)
    score = text.score(decisive_score(record, winner), metric)
    again = of_trainings(record, winner)
    of = f", {again}" if again else ""
    return f"trial {winner.number}, {score} validation {metric}{of}. {text.escaped(words)}"


def _baseline(record: StudyRecord) -> Iterator[str]:
    baseline, metric = SearchBaseline.of(Evidence(record)), record.metric
    if baseline is not None:
        score = "" if baseline.mean is None else f", {text.score(baseline.mean, metric)}"
        outcome = text.escaped(baseline.outcome)
        yield f"- **Hand-tuned baseline:** trial {baseline.number}{score}; {outcome}"


def _test(record: StudyRecord) -> str:
    test = record.test
    if test is None:
        return "not opened" if not record.openings else "opened for an earlier winner"
    found = f"{text.percent(test.accuracy, 2)} (95% interval {text.interval(test.interval)})"
    own, value = record.metric, test.value(record.metric)
    if own.recorded is None and value is not None:
        found = f"{own} {text.score(value, own)}, accuracy {found}"
    return f"{found} on {text.plural(test.n_images, 'image')}"


def _beside(record: StudyRecord, baseline: StudyRecord | None) -> Iterator[str]:
    if baseline is None or baseline.test is None or record.test is None:
        return
    theirs = baseline.test
    found = f"{text.percent(theirs.accuracy, 2)} (95% interval {text.interval(theirs.interval)})"
    yield (
        f"- **Hand-tuned baseline, on the same images:** {found}, study "
        f"{text.escaped(baseline.name)}; the report tells whether chance explains the difference"
    )


def _report(record: StudyRecord) -> str:
    page = text.code(str(RunPaths(record.recipe.runs_dir, record.name).report_page))
    if record.test is None:
        return f"will be {page}"
    return f"[open the report]({report_address(record.name)}) ({page})"


def _commands(trial: TrialRecord, record: StudyRecord) -> Iterator[str]:
    places = place_options(record.recipe.runs_dir, record.recipe.storage)
    which = [record.name, "--trial", str(trial.number), *places]
    yield command_line("show", *which)
    yield command_line("export", *which, "--recipe")
