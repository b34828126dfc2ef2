"""The golden studies: what is run, in the order in which it is run."""

from dataclasses import dataclass
from typing import final

_IMAGES = "--dataset images --workers 1 --threads 1 --device cpu --resize stretch"
_FP32 = f"{_IMAGES} --precision fp32 --refit best-epoch"
_SMALL = "run --space space.py:SMALL"
_CONVOLUTIONS = "run --space space.py:CONVOLUTIONS"


@final
@dataclass(frozen=True)
class GoldenStudy:
    """A search by its name and the command that makes it.

    `learns` says that its parameters follow from scores, which another machine rounds otherwise.
    """

    name: str
    command: str
    learns: bool = False

    def arguments(self, *more: str) -> list[str]:
        """Return the arguments of `python -m search`."""
        return [*self.command.split(), "--study-name", self.name, *more]


BASELINE = GoldenStudy(
    "baseline", f"baseline --space mlp --repeats 2 --epochs 3 {_IMAGES} --precision fp32 --quiet"
)
RANDOM = GoldenStudy(
    "random-holdout",
    "run --space mlp --sampler random --start baseline --prior off --trials 6 --epochs 4 "
    f"--max-parameters 300000 {_FP32}",
)
STEADY = GoldenStudy("steady", f"{_CONVOLUTIONS} --trials 4 --epochs 6 --seed 3 {_FP32}")

# Both lists are run at the same time, each in a process and a folder of its own.
FIRST = (
    BASELINE,
    GoldenStudy(RANDOM.name, f"{RANDOM.command} --json"),
    GoldenStudy(
        "racing",
        f"{_SMALL} --validation kfold --folds 3 --racing --trials 7 --epochs 3 {_FP32} --json",
    ),
    GoldenStudy(
        "kfold",
        f"{_SMALL} --validation kfold --folds 3 --pruner median --trials 10 --epochs 4 "
        f"{_FP32} --quiet",
    ),
    GoldenStudy(
        "tpe",
        f"{_SMALL} --sampler tpe --batch 1 --pruner none --trials 13 --epochs 2 --seed 1 "
        f"--max-parameters 2000 {_FP32} --quiet",
        learns=True,
    ),
    GoldenStudy(STEADY.name, f"{STEADY.command} --quiet"),
)
SECOND = (
    GoldenStudy(
        "grid",
        f"{_CONVOLUTIONS} --sampler grid --pruner hyperband --epochs 3 {_FP32} --quiet",
    ),
    GoldenStudy(
        "cnn-loss",
        "run --space cnn --start baseline --no-baseline --prior off --trials 3 --epochs 3 "
        f"--pruner median --metric loss --max-parameters 40000 {_FP32} --quiet",
    ),
    GoldenStudy(
        "bf16",
        f"{_CONVOLUTIONS} --trials 2 --epochs 2 {_IMAGES} --precision bf16 "
        "--refit best-epoch --quiet",
    ),
    GoldenStudy(
        "digits",
        f"{_SMALL} --trials 3 --epochs 2 --dataset digits --workers 1 --precision fp32 "
        "--refit best-epoch --resize stretch --quiet",
    ),
)
TWIN = GoldenStudy(RANDOM.name, f"{RANDOM.command.replace('--workers 1', '--workers 2')} --quiet")
