"""Pruning in the order of the plan, whatever the order in which trials train.

Optuna's pruners compare a trial with whatever the others happen to have reported by then, so that
with two workers the clock decides. Here a trial is compared with exactly the trials before it in
the plan, each up to the same epoch: the same decisions with any number of workers.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import final

from search.tuning.pruners import Pruner


@final
@dataclass(frozen=True)
class PruningDecision:
    """What is decided about a trial so far.

    Attributes:
        epochs: How many of its epochs are accepted.
        pruned: Whether it ends after them.
        final: Whether nothing is left to decide.
    """

    epochs: int = 0
    pruned: bool = False
    final: bool = False


@final
class PlanOrderPruner:
    """Applies a pruner to a study's trials in plan order, whatever the order they train in.

    A trial is judged at an epoch once every trial before it in the plan has been judged there or
    has ended. A worker that is ahead trains on meanwhile; what it trained beyond the epoch at
    which its trial is pruned is dropped. So timing decides nothing.

    If the pruner pauses trials, they are judged together instead: a group of neighbours once all
    of it are there, whatever else is there by `end_round`.

    Args:
        pruner: What is applied.
        last_epoch: Epochs of a whole training; nothing is judged there.
        spared: Indices of trials that are never judged; others are compared with them.
    """

    def __init__(
        self, pruner: Pruner, last_epoch: int, spared: Collection[int] = frozenset()
    ) -> None:
        self._pruner, self._last_epoch, self._spared = pruner, last_epoch, spared
        self.pauses = pruner.pauses
        self._curves: dict[int, list[float]] = {}
        self._ended: set[int] = set()
        self._decisions: dict[int, PruningDecision] = {}
        self._open: set[int] = set()  # trials with a curve of which something is left to decide
        self._n_final = 0  # of the plan's first trials nothing is

    def add_ended(self, index: int, curve: Sequence[float]) -> None:
        """Add a trial that ended elsewhere, with its accepted curve; it is not judged again."""
        self._curves[index] = list(curve)
        self._record(index, PruningDecision(len(curve), final=True))

    def update(self, index: int, curve: Sequence[float], *, ended: bool) -> None:
        """Take all epochs that a trial has reported so far; `ended`: no more will come.

        A trial that failed and runs again reports the same epochs once more, from the first.
        """
        if len(curve) >= len(self._curves.get(index, ())):
            self._curves[index] = list(curve)
        if ended:
            self._ended.add(index)
        self._record(index, self.decision(index))

    def decision(self, index: int) -> PruningDecision:
        """Return the decision about a trial as of the last `decide`."""
        return self._decisions.get(index, PruningDecision())

    def decide(self) -> None:
        """Decide whatever can be decided, in plan order."""
        self._accept()
        size = self._pruner.group_size
        if size is not None and self._judge_complete_groups(size):
            self._accept()

    def next_pause(self, index: int) -> int | None:
        """Return the next epoch after which a trial has to pause, if any."""
        epochs = range(self.decision(index).epochs + 1, self._last_epoch)
        return next((epoch for epoch in epochs if self._pauses_after(index, epoch)), None)

    def end_round(self) -> bool:
        """Judge the trials that pause at the lowest rung; returns whether any does.

        To be called once no trial below that rung trains or can be started.
        """
        paused = self._paused()
        if not paused:
            return False
        rung = min(paused.values())
        self._judge([index for index in sorted(paused) if paused[index] == rung], rung)
        self.decide()
        return True

    def _accept(self) -> None:
        """Accept the epochs of all trials up to where each is to be judged with others."""
        for index in sorted(self._open):
            self._record(index, self._decide(index))

    def _record(self, index: int, decision: PruningDecision) -> None:
        self._decisions[index] = decision
        if decision.final:
            self._open.discard(index)
        else:
            self._open.add(index)
        while self.decision(self._n_final).final:
            self._n_final += 1

    def _paused(self) -> dict[int, int]:
        """Return the trials that pause at a rung, with its epoch."""
        places = {index: self.decision(index).epochs + 1 for index in self._open}
        return {index: epoch for index, epoch in places.items() if self._waits(index, epoch)}

    def _judge_complete_groups(self, size: int) -> bool:
        """Judge the trials that pause once no other of their group will come to where they do.

        Returns whether any was judged.
        """
        paused, judged = self._paused(), False
        for group in sorted({index // size for index in paused}):
            members = range(group * size, (group + 1) * size)
            rung = min(paused[index] for index in members if index in paused)
            waiting = [index for index in members if paused.get(index) == rung]
            if all(index in waiting or self._reached(index, rung) for index in members):
                self._judge(waiting, rung)
                judged = True
        return judged

    def _judge(self, judged: Sequence[int], rung: int) -> None:
        """Compare the trials that pause at a rung with each other and those that passed it."""
        passed = [one for one in self._rivals(judged) if self.decision(one).epochs >= rung]
        curves = {index: self._curves[index][:rung] for index in (*judged, *passed)}
        decisions = {}
        for index in judged:
            rivals = {other: one for other, one in curves.items() if self._compares(index, other)}
            pruned = self._pruner.prunes(index, curves[index], rivals)
            decisions[index] = PruningDecision(rung, pruned=pruned, final=pruned)
        for index, decision in decisions.items():
            self._record(index, decision)

    def _rivals(self, judged: Sequence[int]) -> Iterable[int]:
        """Return the trials with which some may be compared."""
        size = self._pruner.group_size
        if size is None:
            return self._curves
        groups = sorted({index // size for index in judged})
        members = (one for group in groups for one in range(group * size, (group + 1) * size))
        return [one for one in members if one in self._curves]

    def _compares(self, index: int, other: int) -> bool:
        size = self._pruner.group_size
        return other != index and (size is None or other // size == index // size)

    def _waits(self, index: int, epoch: int) -> bool:
        reached = len(self._curves[index]) >= epoch
        return reached and self._pauses_after(index, epoch)

    def _pauses_after(self, index: int, epoch: int) -> bool:
        return self.pauses and self._decides_at(index, epoch)

    def _decides_at(self, index: int, epoch: int) -> bool:
        judged = epoch < self._last_epoch and index not in self._spared
        return judged and self._pruner.decides_at(index, epoch)

    def _decide(self, index: int) -> PruningDecision:
        curve = self._curves[index]
        for epoch in range(self.decision(index).epochs + 1, len(curve) + 1):
            if self._decides_at(index, epoch):
                judged = not self.pauses and all(
                    self._reached(one, epoch) for one in range(self._n_final, index)
                )
                if not judged:
                    return PruningDecision(epoch - 1)
                if self._pruner.prunes(index, curve[:epoch], self._earlier(index, epoch)):
                    return PruningDecision(epoch, pruned=True, final=True)
        return PruningDecision(len(curve), final=index in self._ended)

    def _reached(self, index: int, epoch: int) -> bool:
        decision = self.decision(index)
        return decision.final or decision.epochs >= epoch

    def _earlier(self, index: int, epoch: int) -> dict[int, list[float]]:
        return {
            other: self._curves[other][: min(epoch, self.decision(other).epochs)]
            for other in range(index)
            if other in self._curves
        }
