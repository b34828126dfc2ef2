"""How often does a report claim something of a study in which there is nothing to claim?

Studies are simulated in which every candidate is equally good, and every network of the baseline
too: whatever differs is noise of images, folds, epochs and seeds. Each statistical verdict of the
report is then false. The second table has the coverage of intervals.
"""

import json
import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple, final

import numpy as np
import numpy.typing as npt
import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution
from optuna.distributions import FloatDistribution as Float
from optuna.distributions import IntDistribution as Int
from rich.console import Console
from rich.table import Table

from search.data.dataset import DatasetInfo
from search.data.predictions import TrialPredictions
from search.evaluation.test_results import TestPredictions
from search.metric import ACCURACY
from search.reference.reported_figures import REPORTED_EPOCHS, reported_infos
from search.report.evidence import Evidence, TestedStudy
from search.report.findings.baseline_comparison import BaselineComparison
from search.report.findings.common_traits import CommonTraits
from search.report.findings.importances import Importances
from search.report.findings.margin import Margin
from search.report.findings.optimism import Optimism
from search.report.findings.recommendations import Recommendations
from search.report.findings.winner import SearchBaseline
from search.report.lead import Lead, fold_mean_error
from search.report.paired import newcombe_interval
from search.report.selection import score_of_selection
from search.training.history import FoldEpoch, History
from search.training.metrics import evaluate_predictions
from search.tuning.after_search import RepeatResult
from search.tuning.records import StudyRecord, TrialRecord
from tests.report import report_fakes as fakes

_ACCURACY = 0.58  # of every network, as the hand-tuned report says of its MLP
_LOSS = 1.2
_SEED = 0.003  # standard deviation of a network's true accuracy over seeds
_SHARED = 0.6  # share of the noise of a validation set that all networks have in common
_EPOCHS = 8
_TRAIN, _TEST = 5_000, 2_000  # images
_VALIDATED = 400  # images, for a choice among trials
_CHOICES = 20
_CLASSES = fakes.ANIMALS
_SPACE: Mapping[str, BaseDistribution] = {
    "rate": Float(1e-4, 1e-1, log=True),
    "decay": Float(1e-6, 1e-2, log=True),
    "dropout": Float(0.0, 0.6),
    "smoothing": Float(0.0, 0.2),
    "width": Int(16, 128, log=True),
    "depth": Int(2, 5),
    "batch": CategoricalDistribution((32, 64, 128, 256)),
    "kind": CategoricalDistribution(("sgd", "adam", "adamw")),
    "augmentation": CategoricalDistribution(("none", "flip", "crop")),
}

Flags = npt.NDArray[np.bool_]
Labels = npt.NDArray[np.int64]
Curve = list[list[float]]  # accuracies by epoch and fold


@final
@dataclass(frozen=True)
class Design:
    """A kind of search; `halving` stops the worse half of its trials after a quarter, then half."""

    name: str
    n_folds: int
    halving: bool


DESIGNS = (
    Design("holdout", 1, halving=False),
    Design("holdout, halving", 1, halving=True),
    Design("5 folds", 5, halving=False),
    Design("3 folds, halving", 3, halving=True),
)


@final
class Simulated(NamedTuple):
    """A study without any effect, and the same before any choice: one trial of one epoch."""

    evidence: Evidence
    unchosen: Evidence
    replication: StudyRecord


def simulate(design: Design, generator: np.random.Generator, effect: float = 0.0) -> Simulated:
    """Make up a study; `effect` is by how much accuracy falls over the learning rates' range."""
    n = int(generator.integers(10, 50))
    points = [_point(generator) for _ in range(n)]
    shared = generator.normal(size=(_EPOCHS, design.n_folds))
    falls = [effect * math.log10(point["rate"] / 1e-4) / 3 for point in points]
    curves = [_curve(design, shared, fall, generator) for fall in falls]
    trials = [
        _trial(i, point, curve, stop)
        for i, (point, curve, stop) in enumerate(
            zip(points, curves, _stops(design, curves), strict=True)
        )
    ]
    record = _record(trials, design)
    study = fakes.optuna_study(trials, [_SPACE] * n)
    labels = generator.integers(0, len(_CLASSES), _TEST)
    hardness = generator.random(_TEST)
    ours = _tested(record, labels, [_right(hardness, generator)])
    theirs = _tested(
        replace(_replication(generator), dataset=record.dataset),
        labels,
        [_right(hardness, generator) for _ in range(3)],
    )
    evidence = Evidence(ours.record, study, predictions=ours.predictions, baseline=theirs)
    first = _trial(0, points[0], curves[0][-1:], 1)
    alone = _record([first], design)
    return Simulated(
        evidence,
        Evidence(_tested(alone, labels, [_right(hardness, generator)]).record),
        _replication(generator),
    )


def _point(generator: np.random.Generator) -> dict[str, Any]:
    seed = int(generator.integers(2**31))
    trial = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=seed)).ask(dict(_SPACE))
    return dict(trial.params)


def _curve(
    design: Design,
    shared: npt.NDArray[np.float64],
    fall: float,
    generator: np.random.Generator,
) -> Curve:
    """Return accuracies by epoch and fold: what is learnt, and noise in common and of its own."""
    share = 0.2 if design.n_folds == 1 else 1 / design.n_folds
    noise = math.sqrt(_ACCURACY * (1 - _ACCURACY) / (share * _TRAIN))
    own = generator.normal(size=(_EPOCHS, design.n_folds))
    for epoch in range(1, _EPOCHS):
        own[epoch] = 0.8 * own[epoch - 1] + 0.6 * own[epoch]
    learnt = _ACCURACY - fall - 0.3 * np.exp(-np.arange(1, _EPOCHS + 1)[:, None])
    common, rest = math.sqrt(_SHARED) * shared[-1], math.sqrt(1 - _SHARED) * own
    seed = _SEED * generator.normal()
    found: Curve = (learnt + seed + noise * (common + rest)).tolist()
    return found


def _stops(design: Design, curves: list[Curve]) -> list[int]:
    """Return after how many epochs each trial stops."""
    stops = [_EPOCHS] * len(curves)
    for rung in (_EPOCHS // 4, _EPOCHS // 2) if design.halving else ():
        alive = [i for i, stop in enumerate(stops) if stop == _EPOCHS]
        alive.sort(key=lambda i: -sum(curves[i][rung - 1]))
        for i in alive[-(-len(alive) // 2) :]:
            stops[i] = rung
    return stops


def _trial(number: int, point: dict[str, Any], curve: Curve, stop: int) -> TrialRecord:
    by_fold = [list(fold) for fold in zip(*curve[:stop], strict=True)]
    if stop < len(curve):
        past = fakes.history(by_fold)
        value = float(np.mean(curve[stop - 1]))
        return fakes.other_trial(number, "pruned", params=point, history=past, value=value)
    return fakes.complete_trial(number, *by_fold, params=point)


def _record(trials: list[TrialRecord], design: Design) -> StudyRecord:
    kfold = design.n_folds > 1
    recipe = {"validation": "kfold", "folds": design.n_folds} if kfold else {}
    record = fakes.study_record(trials, recipe=recipe)
    shape = replace(record.dataset, n_train=_TRAIN, n_test=_TEST)
    epochs = record.recipe.model_copy(update={"epochs": _EPOCHS})
    return replace(record, dataset=shape, recipe=epochs)


def _right(hardness: npt.NDArray[np.float64], generator: np.random.Generator) -> Flags:
    """Return which test images a network gets right: mostly the easy ones, as all networks do."""
    accuracy = _ACCURACY + _SEED * generator.normal()
    own = generator.random(len(hardness)) < 0.4  # these depend on the network alone
    return np.where(own, generator.random(len(hardness)), hardness) < accuracy


def _tested(record: StudyRecord, labels: Labels, networks: list[Flags]) -> TestedStudy:
    """Return the study with a test of its networks, the first of which is exported."""
    n_classes = len(_CLASSES)
    predicted = np.where(networks[0], labels, (labels + 1) % n_classes)
    logits = (4 * np.eye(n_classes))[predicted].astype(np.float32)
    test = evaluate_predictions(logits, labels, _CLASSES)
    repeats = tuple(
        RepeatResult(i, float(right.mean()), test.interval, test.loss)
        for i, right in enumerate(networks)
    )
    several = () if record.recipe.protocol.is_search else repeats
    return TestedStudy(
        replace(record, test=test, repeats=several), TestPredictions(labels, predicted)
    )


def _replication(generator: np.random.Generator) -> StudyRecord:
    """Return two or three trainings of the hand-tuned MLP whose means are those of its report."""
    figures = [
        (_ACCURACY + _SEED * generator.normal(), _LOSS + 0.01 * generator.normal())
        for _ in range(int(generator.integers(2, 4)))
    ]
    trials = [
        replace(
            fakes.complete_trial(i, [accuracy], best_epoch=REPORTED_EPOCHS),
            history=History(((FoldEpoch(1.0, 0.5, loss, accuracy, 0.01, 1.0),),) * REPORTED_EPOCHS),
        )
        for i, (accuracy, loss) in enumerate(figures)
    ]
    record = fakes.study_record(trials, name="baseline")
    settings = {"space": "mlp", "sampler": "baseline", "epochs": REPORTED_EPOCHS}
    tests = [
        (_ACCURACY + _SEED * generator.normal(), _LOSS + 0.01 * generator.normal()) for _ in figures
    ]
    shape = (3, 32, 32)
    copy = DatasetInfo("copy", "f2" * 32, _CLASSES, shape, 50_000, 10_000, Path("cache"))
    return replace(
        record,
        recipe=record.recipe.model_copy(update=settings),
        dataset=copy,
        repeats=tuple(RepeatResult(i, a, (0.0, 1.0), b) for i, (a, b) in enumerate(tests)),
    )


Verdict = Callable[[Simulated], bool]


def _matters(one: Simulated) -> bool:
    found = one.evidence.once(Importances.of)
    return found is not None and bool(found.beyond_chance)


def _shares(one: Simulated) -> bool:
    found = one.evidence.once(CommonTraits.of)
    return found is not None and bool(found.traits)


def _widens(one: Simulated) -> bool:
    found = one.evidence.once(Recommendations.of)
    return found is not None and any(border.crowded for border in found.borders)


def _more_trials(one: Simulated) -> bool:
    found = one.evidence.once(Recommendations.of)
    return found is not None and found.expected is not None and not found.expected.flat


def _leads(one: Simulated) -> bool:
    found = one.evidence.once(Margin.of)
    return found is not None and found.runner_up is not None and not found.runner_up.close


def _beats_trial(one: Simulated) -> bool:
    found = one.evidence.once(SearchBaseline.of)
    return found is not None and found.beaten


def _beats_study(one: Simulated) -> bool:
    found = one.evidence.once(BaselineComparison.of)
    return found is not None and found.clear is True


def _outside(one: Simulated) -> bool:
    return any(info.within is False for info in reported_infos(one.replication))


def _flatters(one: Simulated) -> bool:
    found = one.unchosen.once(Optimism.of)
    return (
        found is not None
        and found.gap is not None
        and found.gap.place != "within"
        and found.gap.beyond_noise is True
    )


VERDICTS: Mapping[str, Verdict] = {
    "a parameter matters": _matters,
    "the best trials share a trait": _shares,
    "widen a range": _widens,
    "more trials gain something": _more_trials,
    "the winner leads the runner-up": _leads,
    "the winner beats the hand-tuned trial": _beats_trial,
    "the winner beats the baseline study": _beats_study,
    "validation and test differ": _flatters,
}
"""Verdicts of a search's report."""

OF_BASELINE: Mapping[str, Verdict] = {"a figure is outside the report's spread": _outside}
"""Verdicts of a baseline study's report."""


def false_claims(
    design: Design, studies: int, seed: int = 0, effect: float = 0.0
) -> Mapping[str, float]:
    """Return the share of reports with each claim, and with any claim, of simulated studies."""
    generator = np.random.default_rng([seed, DESIGNS.index(design)])
    counts: Counter[str] = Counter()
    for _ in range(studies):
        one = simulate(design, generator, effect)
        made = [name for name, claims in VERDICTS.items() if claims(one)]
        counts.update(made)
        counts["any of these"] += bool(made)
        counts.update(name for name, claims in OF_BASELINE.items() if claims(one))
    names = (*VERDICTS, "any of these", *OF_BASELINE)
    return {name: counts[name] / studies for name in names}


def coverages(studies: int, seed: int = 0) -> Mapping[str, float]:
    """Return how often 95% intervals hold the truth, for what the report has intervals of."""
    generator = np.random.default_rng([seed, 100])
    hits: Counter[str] = Counter()
    for _ in range(studies):
        hardness = generator.random(_TEST)
        first, second = (
            np.where(generator.random(_TEST) < 0.4, generator.random(_TEST), hardness) < share
            for share in (0.60, 0.58)
        )
        cells = (first & second).sum(), (first & ~second).sum(), (~first & second).sum()
        both, only_first, only_second = map(int, cells)
        low, high = newcombe_interval(both, only_first, only_second, _TEST)
        hits["difference of two accuracies (Newcombe)"] += low <= 0.02 <= high
        for folds in (3, 5, 10):
            covered = not Lead(*_fold_difference(folds, generator), folds).within_noise
            hits[f"difference over {folds} folds (Nadeau and Bengio)"] += not covered
    return {name: hits[name] / studies for name in sorted(hits)}


def selection_coverages(studies: int, seed: int = 0) -> Mapping[str, float]:
    """Return how often the interval of the best trial's score holds its true accuracy.

    It is cautious: at least 95%.
    """
    generator = np.random.default_rng([seed, 200])
    return {
        f"score of the best of {_CHOICES} {name} trials (bootstrap)": sum(
            _choice_covered(scatter, generator) for _ in range(studies)
        )
        / studies
        for name, scatter in (("equal", 0.0), ("unequal", 0.02))
    }


def _choice_covered(scatter: float, generator: np.random.Generator) -> bool:
    """Return whether the interval of the best trial's score holds its true accuracy.

    Images are as hard for one network as for another; an epoch changes few predictions.
    """
    labels = np.arange(_VALIDATED) % 2
    hardness = generator.random(_VALIDATED)
    found: list[tuple[float, float, TrialPredictions]] = []
    for _ in range(_CHOICES):
        accuracy = _ACCURACY + scatter * generator.normal()
        own = np.where(_chance(0.4, generator), generator.random(_VALIDATED), hardness)
        epochs = [
            np.where(_chance(0.1, generator), generator.random(_VALIDATED), own) < accuracy
            for _ in range(_EPOCHS)
        ]
        classes = np.where(epochs, labels, 1 - labels)
        kept = TrialPredictions(labels, labels, np.eye(2, dtype=np.float16)[labels], classes)
        found.append((float(np.mean(epochs, axis=1).max()), accuracy, kept))
    found.sort(key=lambda one: -one[0])
    selection = score_of_selection(ACCURACY, [kept for _, _, kept in found])
    low, high = (0.0, 0.0) if selection is None else selection.interval
    return low <= found[0][1] <= high


def _chance(share: float, generator: np.random.Generator) -> Flags:
    return generator.random(_VALIDATED) < share


def _fold_difference(folds: int, generator: np.random.Generator) -> tuple[float, float]:
    """Return the mean difference of two equal networks over folds, and its error.

    Differences of folds are as correlated as their training images are shared, the assumption of
    the factor: n_test / (n_test + n_train).
    """
    share = 1 / folds
    both = math.sqrt(share) * generator.normal()
    found = both + math.sqrt(1 - share) * generator.normal(size=folds)
    return float(found.mean()), fold_mean_error(found.tolist(), share)


def run(results_dir: Path, *, studies: int, seed: int = 0) -> None:
    """Simulate so many studies of each design, print both tables and write them as JSON."""
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    found = {design.name: false_claims(design, studies, seed) for design in DESIGNS}
    covered = {**coverages(20 * studies, seed), **selection_coverages(2 * studies, seed)}
    console = Console()
    console.print(_table(found, studies))
    table = Table(title=f"coverage of 95% intervals, {2 * studies:,} simulations or more")
    table.add_column("interval")
    table.add_column("coverage", justify="right")
    for name, share in covered.items():
        table.add_row(name, f"{share:.1%}")
    console.print(table)
    results_dir.mkdir(parents=True, exist_ok=True)
    facts = {"studies": studies, "seed": seed, "false_claims": found, "coverage": covered}
    (results_dir / "honesty.json").write_text(json.dumps(facts, indent=2), encoding="utf-8")


def _table(found: Mapping[str, Mapping[str, float]], studies: int) -> Table:
    table = Table(title=f"reports with a false claim, of {studies} studies without any effect")
    table.add_column("claim")
    for design in found:
        table.add_column(design, justify="right")
    for row in _rows(found):
        table.add_row(*row)
    return table


def _rows(found: Mapping[str, Mapping[str, float]]) -> Iterator[tuple[str, ...]]:
    for claim in next(iter(found.values())):
        yield claim, *(f"{rates[claim]:.1%}" for rates in found.values())
