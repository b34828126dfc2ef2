"""How long to train: what a trial's epochs say of its end, and when a refit should end."""

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
from scipy.stats import spearmanr

from tests.benchmarks.curves.candidates import read_candidates
from tests.benchmarks.curves.datasets import find_data
from tests.benchmarks.curves.recording import EPOCHS, SHORT_EPOCHS, read_lines

Training: TypeAlias = Mapping[str, Any]
"""A recorded training, with its `space`, `data` and `schedule`."""

_COMPARED = (3, 9, 13, 18, EPOCHS)
_FAILED = 0.3  # accuracy on the held-out images below which a training says nothing of schedules


def read_trainings(folder: Path) -> list[Training]:
    """Return all recorded trainings that did not diverge."""
    found: list[Training] = []
    for path in sorted(folder.glob("*-*.jsonl*")):
        space, _, data = path.name.partition(".")[0].partition("-")
        candidates = read_candidates(folder / "candidates" / f"{space}.jsonl")
        for record in map(json.loads, read_lines(path)):
            if len(record["accuracy"]) == record["epochs"]:
                schedule = candidates[record["index"]]["schedule"]
                found.append({**record, "space": space, "data": data, "schedule": schedule})
    return found


def rank_correlations(trainings: Sequence[Training]) -> pd.DataFrame:
    """Return how well candidates are ranked by what is known after some epochs, a column a task.

    Spearman's correlation of the best validation accuracy so far with the accuracy on the images
    held out after a whole training, over the candidates that have a short schedule, too.
    """
    return pd.DataFrame(
        {
            f"{space}/{data}": _correlations(list(group.T.to_dict().values()))
            for (space, data), group in pd.DataFrame(trainings).groupby(["space", "data"])
        }
    ).dropna(axis=1)


def _correlations(trainings: Sequence[Training]) -> dict[str, float]:
    first = [one for one in trainings if one["seed"] == 0]
    whole = {one["index"]: one for one in first if one["epochs"] == EPOCHS}
    short = {one["index"]: one for one in first if one["epochs"] == SHORT_EPOCHS}
    both = sorted(whole.keys() & short.keys())
    if len(both) < 3:
        return {}
    truth = [whole[index]["held_out"][-1] for index in both]
    seen = {
        f"{epochs} of {EPOCHS} epochs": [max(whole[index]["accuracy"][:epochs]) for index in both]
        for epochs in _COMPARED
    }
    seen[f"a schedule of {SHORT_EPOCHS}"] = [max(short[index]["accuracy"]) for index in both]
    return {name: float(spearmanr(values, truth).statistic) for name, values in seen.items()}


def refit_gains(trainings: Sequence[Training], epochs: int) -> pd.DataFrame:
    """Return what other last epochs than E* give, in points of held-out accuracy, by schedule.

    Args:
        trainings: Those to judge by; the others than of so many epochs are left out.
        epochs: How long they are.
    """
    rows = pd.DataFrame(_gains(one for one in trainings if one["epochs"] == epochs))
    groups = rows.groupby(["space", "schedule"])
    table = groups[["last", "one_se"]].mean().round(2)
    errors = groups[["last", "one_se"]].sem().round(2)
    return pd.DataFrame(
        {
            "trainings": groups.size(),
            "after the last epoch": _with_error(table["last"], errors["last"]),
            "within one standard error": _with_error(table["one_se"], errors["one_se"]),
            "E* is earlier than the last": groups["early"].mean().round(2),
        }
    )


def _gains(trainings: Iterator[Training]) -> Iterator[dict[str, Any]]:
    for one in trainings:
        accuracy, held_out = np.array(one["accuracy"]), 100 * np.array(one["held_out"])
        best = int(np.argmax(accuracy))
        if held_out[best] < 100 * _FAILED:
            continue
        n_validation = find_data(one["data"]).images / 5
        error = math.sqrt(accuracy[best] * (1 - accuracy[best]) / n_validation)
        within = int(np.flatnonzero(accuracy >= accuracy[best] - error)[-1])
        yield {
            "space": one["space"],
            "schedule": one["schedule"],
            "last": held_out[-1] - held_out[best],
            "one_se": held_out[within] - held_out[best],
            "early": best < len(accuracy) - 1,
        }


def _with_error(mean: pd.Series, error: pd.Series) -> list[str]:
    return [f"{one:+.2f} ± {deviation:.2f}" for one, deviation in zip(mean, error, strict=True)]
