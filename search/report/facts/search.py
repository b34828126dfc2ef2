"""What report.json says of a search: what sets its best trials apart. Pure."""

from typing import Self, final

from search.report.facts.base import AfterFacts, Facts, Number
from search.report.info.importances import ImportancesInfo


@final
class ImportanceFacts(Facts):
    """One parameter."""

    name: str
    """The parameter."""
    importance: Number
    """Its share; all shares add up to 1."""
    chance: Number
    """What it would have by chance at most, but in one of 40 studies."""


@final
class ImportancesFacts(Facts):
    """What sets the best trials apart from the rest, by PED-ANOVA."""

    parameters: tuple[ImportanceFacts, ...]
    """The greatest first; empty where there is a reason."""
    n_trials: int
    """Trials that were compared."""
    quantile: Number
    """The share of them that is called best."""
    after: AfterFacts | None
    """How far they were compared; null where by their scores."""
    reason: str | None
    """Why there are none."""

    @classmethod
    def of(cls, info: ImportancesInfo) -> Self:
        """Return the importances' facts."""
        rows = zip(info.names, info.values, info.chance, strict=True)
        return cls(
            parameters=tuple(ImportanceFacts(name=n, importance=v, chance=c) for n, v, c in rows),
            n_trials=info.n_trials,
            quantile=info.quantile,
            after=None if info.after is None else AfterFacts.model_validate(info.after),
            reason=info.reason,
        )
