"""Protocols: how a study splits, trains, scores and tests.

A search has one protocol. The hand-tuned networks have two others: they are trained as a search
would treat its winner, or exactly as in their report. `Recipe.protocol` says which one applies. To
add a protocol, add an instance here and let `protocol_of` return it.
"""

from dataclasses import dataclass
from typing import Literal, final

from search.metric import MeanOver


@final
@dataclass(frozen=True)
class FixedSplit:
    """A holdout that does not depend on the study's seed: validation fraction, random state."""

    fraction: float
    random_state: int


@final
@dataclass(frozen=True)
class StudyProtocol:
    """Everything that differs between a search and a replication.

    Attributes:
        kind: "search" if candidates compete, "baseline" if the hand-tuned candidate is trained
            repeatedly with different seeds.
        split: The holdout of every such study; None: the recipe's folds.
        refits: Whether the winner is retrained on all training images before it is tested.
            Otherwise every trial keeps its network, and all networks are tested together.
        scores_last_epoch: Whether a trial's score is the one after its last epoch, instead of at
            E*, the best epoch of its mean curve. If so, no trial ends early.
        evaluation_batch: Images evaluated at once.
        mean_over: What an evaluation's loss is the mean of.
        precision: What precision "auto" means; None: the device's fastest.
        export_sampler: The sampler with which a recipe of one candidate has this protocol.
    """

    kind: Literal["search", "baseline"]
    split: FixedSplit | None = None
    refits: bool = True
    scores_last_epoch: bool = False
    evaluation_batch: int = 250
    mean_over: MeanOver = "images"
    precision: Literal["fp32"] | None = None
    export_sampler: Literal["grid", "baseline"] = "grid"

    @property
    def is_search(self) -> bool:
        """Whether candidates compete; otherwise one candidate is trained repeatedly."""
        return self.kind == "search"


# Of 6,000 random states, this one gives the channel means that the hand-tuned report prints.
REPORTED_SPLIT = FixedSplit(0.2, 37)

SEARCH = StudyProtocol("search")
# The hand-tuned candidate, split, scored, refitted and tested like the winner of a search.
BASELINE = StudyProtocol("baseline", precision="fp32")
# As in the hand-tuned report.
REPLICATION = StudyProtocol(
    "baseline",
    split=REPORTED_SPLIT,
    refits=False,
    scores_last_epoch=True,
    evaluation_batch=1000,
    mean_over="batches",
    precision="fp32",
    export_sampler="baseline",
)


def protocol_of(sampler: str, validation: Literal["holdout", "kfold", "given"]) -> StudyProtocol:
    """Return the protocol of a recipe, in which "baseline" is given as a sampler."""
    if sampler != "baseline":
        return SEARCH
    return {"holdout": REPLICATION, "kfold": BASELINE, "given": BASELINE}[validation]
