"""The winner's lead in sentences. Pure."""

from collections.abc import Iterator

from search.report.info.lead import LeadInfo, Runner
from search.text import listed, plural, score, spread


def lead_words(info: LeadInfo | None) -> tuple[str, ...]:
    """Return how it leads and how the others were left behind; nothing without a winner."""
    return () if info is None else tuple(_words(info))


def _words(info: LeadInfo) -> Iterator[str]:
    if info.is_baseline:
        yield (
            "The winner is the hand-tuned baseline itself: of what the search drew, nothing was "
            "better."
        )
    if info.runner is not None:
        yield _runner_words(info, info.runner)
    if len(info.race) > 1:
        yield _race_words(info)
    if info.n_pruned:
        yield (
            f"{info.n_pruned} of {plural(info.n_candidates, 'candidate')} were stopped early. Each "
            "was compared with those before it in the plan, after the same epoch, so that the "
            "first ones had the fewest rivals."
        )


def _runner_words(info: LeadInfo, runner: Runner) -> str:
    metric = info.metric
    lead = (
        f"Trial {info.number}, {score(info.score, metric)}, is {spread(runner.gap, metric)} ahead "
        f"of the next, trial {runner.number}, {score(runner.score, metric)}"
    )
    if runner.error is None:
        return f"{lead}."
    basis = (
        f"over {plural(runner.n_folds, 'fold')}"
        if runner.n_folds > 1
        else "of two accuracies on so many images"
    )
    known = "which is better is not known" if runner.close else "chance alone seldom does that"
    return f"{lead}; the standard error {basis} is {spread(runner.error, metric)}: {known}."


def _race_words(info: LeadInfo) -> str:
    (_, began), *later = info.race
    steps = [f"{n} earned {plural(folds, 'fold')}" for folds, n in later]
    return (
        f"{plural(began, 'candidate')} began a race on the first fold; {listed(steps)}. Who had "
        "fewer folds was behind on the same ones, and has no score of its own."
    )
