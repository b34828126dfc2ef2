"""What to try next in sentences. Pure."""

from collections.abc import Iterator

from search.report.info.borders import Border, BordersInfo
from search.report.info.expected_best import ExpectedBest
from search.report.info.next import BadEnds, LateBest, NextInfo
from search.text import listed, percent, plural, score, spread

UNKNOWN = "What pays is known once a trial is complete."
NOTHING = (
    "Nothing in these trials points beyond what was searched: no best value sits at a border of "
    "its range, and the winner was not best after its last epoch.",
)


def next_words(info: NextInfo) -> tuple[str, ...]:
    """Return one sentence or two for each piece of advice, and one where there is none."""
    if info.last_gain is None:
        return (UNKNOWN, *(_bad_words(bad) for bad in info.bad))
    words = [*_border_words(info.borders), *_trials_words(info)]
    words += [] if info.late is None else [_late_words(info.late)]
    words += [_bad_words(bad) for bad in info.bad]
    return tuple(words) or NOTHING


def _border_words(info: BordersInfo) -> Iterator[str]:
    after = "" if info.after is None else f", compared after {info.after}"
    for one in info.borders:
        if one.crowded:
            where = f"the {one.end} end of its range, {one.searched}"
            winner = "" if one.value is None else f"; the winner has {one.value}"
            yield (
                f"{one.parameter}: {one.n_best} of the best {one.best} trials sit at {where}, of "
                f"all {one.total} only {one.n_all}{after}{winner}. {_advice(one)}"
            )
    alone = [one for one in info.borders if not one.crowded]
    if alone:
        names = listed([f"{one.parameter} = {one.value} ({one.searched})" for one in alone])
        yield (
            f"The winner, but not most of the best trials, sits at a border with {names}: weak "
            f"evidence, as a trial sits at {info.usual:.1f} borders on average."
        )


def _advice(border: Border) -> str:
    if border.least:
        return "Nothing lies below zero: try it without."
    return f"Widen the range {'upwards' if border.end == 'upper' else 'downwards'}."


def _trials_words(info: NextInfo) -> Iterator[str]:
    if info.expected is not None:
        yield _expected_words(info.expected)
    rank, total = info.last_gain or (0, 0)
    if since := total - rank:
        yield (
            f"Of {plural(total, 'trial')} the {since} that follow the best in the plan found "
            "nothing better."
        )


def _expected_words(expected: ExpectedBest) -> str:
    metric = expected.metric
    early = f" after {expected.after}, where all can be compared"
    after = "" if expected.after is None else early
    values = listed([score(value, metric) for value in expected.values])
    sizes = listed([str(size) for size in expected.sizes])
    noise = (
        ""
        if expected.noise is None
        else f", the standard error of the winner’s value there is {_noise(expected)}"
    )
    verdict = (
        "the curve is flat, so that other ranges promise more than more trials"
        if expected.flat
        else "twice as many trials may bring about as much again, or less"
    )
    return (
        f"Of {sizes} trials like these the best is expected to reach {values}{after} (Tang et "
        f"al., 2020): the last doubling brought {spread(expected.gain, metric)}{noise}; {verdict}."
    )


def _noise(expected: ExpectedBest) -> str:
    return spread(expected.noise, expected.metric)


def _late_words(late: LateBest) -> str:
    others = f", like {late.n_best} of the best {late.best}" if late.n_best > 1 else ""
    horizon = (
        " Its learning rate ends there too, which accounts for part of it." if late.horizon else ""
    )
    return (
        f"The winner was best after its last epoch, {late.epochs} of {late.epochs}{others}: more "
        f"epochs may help.{horizon}"
    )


def _bad_words(bad: BadEnds) -> str:
    share = f"{bad.n} of {bad.total} trials ({percent(bad.n / bad.total, 0)})"
    reason = f"; the first: {bad.reason}" if bad.reason else ""
    match bad.kind:
        case "diverged":
            rates = (
                f", with a median learning rate of {bad.rates[0]:.2g} against {bad.rates[1]:.2g}"
                if bad.rates
                else ""
            )
            return f"{share} diverged{rates}: lower the upper end of the learning rates."
        case "failed":
            return f"{share} failed{reason}: mend the cause before searching on."
        case "infeasible":
            return f"{share} could not be trained{reason}: narrow the space, or raise its bound."
