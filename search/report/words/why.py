"""Why the winner won, as far as the trials tell, and where it fails: in sentences. Pure."""

from collections.abc import Iterator, Sequence

from search.report.info.importances import ImportancesInfo
from search.report.info.shared import SharedInfo, SharedTrait
from search.report.info.weakest import WeakClass
from search.report.statistics import N_SHUFFLES
from search.text import count, listed, percent, plural


def shared_words(info: SharedInfo) -> tuple[str, ...]:
    """Return what the lines that follow are about, then a line for each trait."""
    if info.reason is not None:
        return (f"Nothing can be told: {info.reason}.",)
    among = f"The best {info.best} of {info.best + info.others} trials that can be compared"
    after = "" if info.after is None else f" after {info.after}"
    if not info.traits:
        return (f"{among}{after} have nothing in common that chance would hardly give them.",)
    heading = (
        f"{among}{after} have this in common. Chance would give them each of it in at most one "
        "study of 20, where it meant nothing."
    )
    return heading, *(_trait_words(trait, info) for trait in info.traits)


def _trait_words(trait: SharedTrait, info: SharedInfo) -> str:
    what = f"{trait.parameter} = {trait.value}"
    if trait.searched is not None:
        what = f"{trait.parameter} from {trait.value} (searched: {trait.searched})"
    return (
        f"{what}: {trait.n_best} of the best {info.best}, {trait.n_others} of the other "
        f"{info.others}."
    )


def importances_words(info: ImportancesInfo) -> tuple[str, ...]:
    """Return what the importances say, and what chance would; nothing where there are none."""
    return () if info.reason is not None else tuple(_importances_words(info))


def _importances_words(info: ImportancesInfo) -> Iterator[str]:
    after = f", all compared after {info.after}, which each of them reached"
    yield (
        f"What sets the best {percent(info.quantile, 0)} of {plural(info.n_trials, 'trial')} "
        f"apart{after if info.after else ''} (PED-ANOVA; all importances add up to 1)."
    )
    if info.few:
        yield f"{info.n_trials} trials are few: this ranking may well be chance."
    dealt = f"When the scores were dealt anew to the trials, {N_SHUFFLES} times,"
    if info.beyond_chance:
        yield (
            f"{dealt} never did these have as much: {listed(info.beyond_chance)}. If no parameter "
            f"mattered, that would be so of {info.by_chance:.1f} of {len(info.names)} on average."
        )
    else:
        yield f"{dealt} each of them had as much at least once: none is beyond chance."


def weakest_words(weakest: Sequence[WeakClass]) -> str:
    """Return the worst classes in a sentence, nothing for none."""
    if not weakest:
        return ""
    classes = [f"{one.name} ({_right(one)})" for one in weakest]
    return f"It is worst at {', then '.join(classes)}."


def _right(one: WeakClass) -> str:
    are = "is" if one.n_called == 1 else "are"
    called = "" if one.called is None else f", {count(one.n_called)} {are} called {one.called}"
    return f"{percent(one.recall)} of {plural(one.n_images, 'image')} right{called}"
