"""Why the winner won, as far as the trials tell, and where it fails: in sentences. Pure."""

from search.report.info.shared import SharedInfo, SharedTrait


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
