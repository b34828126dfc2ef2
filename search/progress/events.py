"""Events as lines of JSON, one object a line; light, so that mistakes can be told before a start.

The lines of `--json`, whose "event" says what each is; the first also has "version", now 1.
Scores and losses are as in the database: accuracies are fractions; what is not finite or not
known is null. Times are seconds, sizes bytes, folds and epochs counts; a line may get further
fields.

    plan           study, space, sampler, dataset, images, sealed_images, classes, shape, trials,
                   done, grid, validation, folds, racing, metric, pruner, epochs, workers,
                   threads, device, precision, disk_needed, disk_free, seconds_low, seconds_high
                   (of search and refit, within the timeout), unknown (why there is no estimate)
    search         trials, done: the search begins or goes on
    trial_started  trial, plan, slot; again where it goes on with a further fold
    epoch          trial, epoch, score
    trial_waiting  trial: trained on the folds it has, it waits for what others reach
    folds_earned   trials (best first), folds, of
    trial_ended    trial, plan, attempt, kind, score, std, fold_scores, best_epoch, epochs,
                   parameters, seconds, candidate, same_as, reason, done, trials, best
    notice         text: what a user must see
    progress       step, done, total: of a long step, such as a refit
    stopping       training: a stop was asked for, and so many epochs are awaited
    search_ended   best: no further trial will start
    refit          trial, epochs, seconds
    test           accuracy, low, high (of a 95% interval), loss, images, openings
    baseline       study, accuracy, low, high: the hand-tuned network on the same images
    report         model, page: paths
    ended          reason ("done", "timeout" or "interrupted"), done, trials, winner
    stopped        status: a signal ended it
    error          status, message: what is also the line on stderr
"""

import json
import math
from collections.abc import Mapping
from typing import final

from rich.console import Console

VERSION = 1


@final
class EventWriter:
    """Writes events to a console, and nothing else ever does."""

    def __init__(self, console: Console) -> None:
        self._console, self._first = console, True

    def write(self, event: str, **fields: object) -> None:
        """Write one event; fields are of plain JSON values."""
        head: dict[str, object] = {"event": event}
        if self._first:
            head["version"] = VERSION
        self._first = False
        line = json.dumps(_finite(head | fields), allow_nan=False)
        self._console.out(line, highlight=False)


def _finite(value: object) -> object:
    """Return the value with null for every number that JSON cannot hold."""
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, Mapping):
        return {name: _finite(one) for name, one in value.items()}
    return [_finite(one) for one in value] if isinstance(value, list | tuple) else value
