"""The judge: how far each trial's epochs are accepted, in the order of the plan.

A trial is judged at an epoch once every trial before it in the plan has been judged there or has
ended. A worker that is ahead goes on meanwhile; what it trained beyond the epoch at which its
trial is pruned is dropped. So the clock decides nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

from search.tuning.pruners import PruningRule


@final
@dataclass(frozen=True)
class Verdict:
    """`epochs` are accepted; `pruned` after them; `settled` when nothing is left to decide."""

    epochs: int = 0
    pruned: bool = False
    settled: bool = False


@final
class Judge:
    """Keeps the curves of a study's trials by plan index and judges them by one rule."""

    def __init__(self, rule: PruningRule, last_epoch: int) -> None:
        self._rule, self._last_epoch = rule, last_epoch
        self._curves: dict[int, list[float]] = {}
        self._ended: set[int] = set()
        self._verdicts: dict[int, Verdict] = {}

    def settle(self, plan: int, curve: Sequence[float]) -> None:
        """Take in a trial that ended earlier, with its accepted curve; it is not judged again."""
        self._curves[plan] = list(curve)
        self._verdicts[plan] = Verdict(len(curve), settled=True)

    def update(self, plan: int, curve: Sequence[float], *, ended: bool) -> None:
        """Take in all epochs that a trial has reported so far; `ended` when no more will come.

        A trial that failed and runs again reports the same epochs once more, from the first.
        """
        if len(curve) >= len(self._curves.get(plan, ())):
            self._curves[plan] = list(curve)
        if ended:
            self._ended.add(plan)

    def verdict(self, plan: int) -> Verdict:
        """Return the verdict on a trial as of the last `judge`."""
        return self._verdicts.get(plan, Verdict())

    def judge(self) -> None:
        """Judge whatever can be judged, in plan order."""
        for plan in sorted(self._curves):
            if not self.verdict(plan).settled:
                self._verdicts[plan] = self._judge_one(plan)

    def _judge_one(self, plan: int) -> Verdict:
        verdict, curve = self.verdict(plan), self._curves[plan]
        for epoch in range(verdict.epochs + 1, len(curve) + 1):
            if epoch < self._last_epoch and self._rule.decides_at(plan, epoch):
                if not all(self._reached(other, epoch) for other in range(plan)):
                    return Verdict(epoch - 1)
                if self._rule.prunes(plan, curve[:epoch], self._earlier(plan, epoch)):
                    return Verdict(epoch, pruned=True, settled=True)
        return Verdict(len(curve), settled=plan in self._ended)

    def _reached(self, plan: int, epoch: int) -> bool:
        verdict = self.verdict(plan)
        return verdict.settled or verdict.epochs >= epoch

    def _earlier(self, plan: int, epoch: int) -> dict[int, list[float]]:
        accepted = {other: self.verdict(other).epochs for other in range(plan)}
        return {
            other: self._curves[other][: min(epoch, epochs)]
            for other, epochs in accepted.items()
            if other in self._curves
        }
