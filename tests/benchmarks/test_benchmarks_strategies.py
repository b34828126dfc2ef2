"""The replay of searches: what is trained how far, what it costs, which candidates are chosen."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, cast

import numpy as np
import optuna
import pytest

from search.tuning.pruners import HalvingPruner, HyperbandPruner, NoPruner
from spaces import load_space
from spaces.prior import Bell, Weights
from tests.benchmarks.strategies.fitting import fit_beliefs
from tests.benchmarks.strategies.lengths import Training, rank_correlations, refit_gains
from tests.benchmarks.strategies.losses import losses
from tests.benchmarks.strategies.portfolio import greedy, regret
from tests.benchmarks.strategies.proposers import (
    Evolving,
    OptunaProposer,
    Pool,
    draw_pool,
    uniform,
)
from tests.benchmarks.strategies.simulation import Slice, Strategy, simulate
from tests.benchmarks.strategies.surrogate import Surrogate
from tests.benchmarks.strategies.table import Curve, Task
from tests.benchmarks.strategies.trained import (
    best_of_group,
    extrapolated,
    progressive_promotion,
    promotion,
    pruned_by,
    short_schedules,
    short_then_whole,
)

_HORIZON = 9


def _training(accuracy: Sequence[float], held_out: Sequence[float], **facts: Any) -> Training:
    known = {"space": "mlp", "data": "digits", "schedule": "cosine", "index": 0, "seed": 0}
    curves = {"epochs": len(accuracy), "accuracy": accuracy, "held_out": held_out}
    return {**known, **curves, **facts}


def test_a_refit_gains_what_later_epochs_are_better_on_held_out_images() -> None:
    """By hand: 0.8 of 230 validation images is known to 0.026, so epochs down to 0.774 count."""
    first = _training([0.5, 0.8, 0.78, 0.7], [0.5, 0.6, 0.65, 0.7])
    second = _training([0.6, 0.7, 0.8, 0.9], [0.5, 0.6, 0.7, 0.8])
    failed = _training([0.1] * 4, [0.1] * 4)
    (row,) = refit_gains([first, second, failed, _training([1.0], [1.0])], 4).to_dict("records")
    assert row["trainings"] == 2
    assert row["after the last epoch"].startswith("+5.00 ")
    assert row["within one standard error"].startswith("+2.50 ")
    assert row["E* is earlier than the last"] == 0.5


def test_epochs_are_ranked_by_the_best_value_so_far() -> None:
    """Over the candidates that have a short schedule too, by the whole training's end."""
    merits = (0.4, 0.6, 0.8)
    whole = [
        _training([(1 - merit) / 2, *[0.0] * 8, *[merit] * 18], [merit] * 27, index=i)
        for i, merit in enumerate(merits)
    ]
    short = [_training([merit] * 9, [merit] * 9, index=i) for i, merit in enumerate(merits)]
    alone = _training([0.9] * 27, [0.1] * 27, index=7)
    table = rank_correlations([*whole, *short, alone])["mlp/digits"]
    assert table["3 of 27 epochs"] == pytest.approx(-1)
    assert table["27 of 27 epochs"] == table["a schedule of 9"] == pytest.approx(1)


def _curve(merit: float, seconds: float = 1.0) -> Curve:
    """Return a curve that rises to the merit, in the order of merits at every epoch."""
    return Curve(merit * np.linspace(0.5, 1, _HORIZON), merit, seconds)


class _Given:
    """Proposes given curves, again and again; learns how far each was trained."""

    def __init__(self, merits: Sequence[float]) -> None:
        self._merits = merits
        self.trained: dict[int, int] = {}
        self._count = 0

    def propose(self) -> Curve:
        """Return the next curve."""
        self._count += 1
        return _curve(self._merits[(self._count - 1) % len(self._merits)])

    def learn(self, trial: int, trained: int) -> None:
        """Remember."""
        self.trained[trial] = trained


def _slices(strategy: Strategy, merits: Sequence[float], count: int) -> list[Slice]:
    steps: Iterator[tuple[Slice, Curve]] = strategy(_Given(merits), _HORIZON, 0)
    return [next(steps)[0] for _ in range(count)]


def test_without_a_pruner_every_trial_is_whole() -> None:
    """The budget buys as many trainings as it is worth."""
    given = _Given((0.1, 0.5, 0.3))
    steps = pruned_by(lambda _epochs, _seed: NoPruner())(given, _HORIZON, 0)
    found = simulate(steps, _HORIZON, budget=3 * _HORIZON)
    assert given.trained == dict.fromkeys(range(3), _HORIZON)
    assert found.epochs.tolist() == [9, 18, 27]
    assert found.quality.tolist() == [0.1, 0.5, 0.5]


def test_two_workers_take_half_the_time() -> None:
    """The clock of seconds lists trainings on the worker that is free first."""
    curves = (0.1, 0.5, 0.3, 0.2)
    steps = pruned_by(lambda _epochs, _seed: NoPruner())(_Given(curves), _HORIZON, 0)
    found = simulate(steps, _HORIZON, budget=4 * _HORIZON, workers=2)
    assert found.seconds.tolist() == [9, 9, 18, 18]
    assert found.at(found.seconds, 8.9) == 0.1  # nothing has ended: chance
    assert found.at(found.seconds, 9) == 0.5


def test_the_programs_pruners_judge_in_plan_order() -> None:
    """Halving by 3 from epoch 1: a trial worse than the best third so far ends at the rung."""
    slices = _slices(pruned_by(lambda _epochs, _seed: HalvingPruner(1, 3)), (0.5, 0.4, 0.6), 3)
    assert slices == [Slice(0, 9), Slice(1, 1), Slice(2, 9)]


def test_promotion_trains_the_best_third_on() -> None:
    """After three trials at the first rung the best of them goes on, then the next three."""
    slices = _slices(promotion(1, 3), (0.2, 0.6, 0.4, 0.1, 0.3, 0.5), 8)
    assert slices[:4] == [Slice(0, 1), Slice(1, 1), Slice(2, 1), Slice(1, 3)]
    assert [one.until for one in slices[4:]] == [1, 1, 1, 3]


def test_progressive_promotion_stops_where_the_order_is_settled() -> None:
    """Curves that never cross: no trial is trained beyond the third rung, of 4 in 27 epochs."""
    given = _Given((0.2, 0.6, 0.4, 0.1, 0.3, 0.5, 0.55, 0.15, 0.35))
    steps = progressive_promotion(1, 2)(given, _HORIZON, 0)
    assert max(next(steps)[0].until for _ in range(60)) == 4


def test_progressive_promotion_goes_on_where_curves_cross() -> None:
    """Where the better trial at one rung is the worse at the next, the top rung is opened."""

    class Crossing(_Given):
        def propose(self) -> Curve:
            self._count += 1
            slow = np.array([0.5, 0.5, 0.5, 0.9, 0.9, 0.9, 0.9, 0.9, 0.9])
            fast = np.array([0.6, 0.6, 0.6, 0.6, 0.6, 0.6, 0.6, 0.6, 0.6])
            return Curve(slow if self._count % 4 else fast, 0.5, 1.0)

    steps = progressive_promotion(1, 2)(Crossing((0.0,)), _HORIZON, 0)
    assert max(next(steps)[0].until for _ in range(60)) > 4


def test_extrapolation_ends_trials_that_cannot_win() -> None:
    """After five whole trainings a trial far below the best ends at the first check."""
    slices = _slices(extrapolated(3, 3), (0.5, 0.9, 0.6, 0.7, 0.8, 0.4, 0.95), 7)
    assert [one.until for one in slices] == [9, 9, 9, 9, 9, 3, 9]


def test_the_best_of_a_group_becomes_whole() -> None:
    """Of four trials of two epochs the best one, or the best two and, later, the best one."""
    merits = (0.2, 0.6, 0.4, 0.1)
    looked = [Slice(i, 2) for i in range(4)]
    assert _slices(best_of_group(4, (2, 1)), merits, 5) == [*looked, Slice(1, 9)]
    twice = _slices(best_of_group(4, (2, 2), (4, 1)), merits, 8)
    assert twice == [*looked, Slice(1, 4), Slice(2, 4), Slice(1, 9), Slice(4, 2)]


def test_what_pruning_costs_and_how_often_it_loses_the_best_trial() -> None:
    """Three orders of the hand-tuned network and 53 others; of nine one is trained whole.

    Where curves keep their order no group loses its best; one that starts last is always lost.
    """
    curves = {index: [_curve(0.2 + index / 1000)] for index in range(54)}
    params = [{"adam_lr": 0.1}] * 54
    kept = losses([Task("mlp", "digits", params, curves)], orders=3)
    assert kept.loc["none"].tolist() == [1, 1, 0, 0, 0]
    groups = kept.loc["sync-halving after 1"]
    assert groups["best lost"] == groups["mean regret"] == 0
    assert groups["epochs"] == pytest.approx((9 + 6 * 9 + 47) / (54 * 9))
    late = {53: [Curve(np.array([*[0.0] * (_HORIZON - 1), 0.9]), 0.9, 1.0)]}
    lost = losses([Task("mlp", "digits", params, curves | late)], orders=3)
    groups = lost.loc["sync-halving after 1"]
    assert groups["best lost"] == groups["by more than noise"] == 1
    assert groups["mean regret"] == pytest.approx(0.9 - 0.252)


def _task(data: str, qualities: Sequence[float]) -> Task:
    curves = {index: [_curve(quality)] for index, quality in enumerate(qualities)}
    return Task("mlp", data, [{"adam_lr": 10.0**-i} for i in range(len(qualities))], curves)


def test_a_portfolio_is_complementary() -> None:
    """First what is best on average, then what helps where that is bad."""
    tasks = [
        _task("digits", (0.5, 0.5, 0.9, 0.8, 0.4)),
        _task("clothing", (0.5, 0.5, 0.1, 0.8, 0.9)),
    ]
    assert greedy(tasks, 3)[0] == 3
    assert set(greedy(tasks, 3)[1:]) == {2, 4}


def test_regret_is_zero_for_the_best_and_one_for_the_median_random_candidate() -> None:
    """Candidates of odd index are random ones."""
    task = _task("digits", (0.9, 0.3, 0.2, 0.5, 0.8, 0.7))
    assert regret(task, 0.9) == 0
    assert regret(task, 0.5) == pytest.approx(1)


class _Stubborn(optuna.samplers.BaseSampler):
    """Asks for the largest values until a trial without any merit teaches it better."""

    def infer_relative_search_space(self, study: Any, trial: Any) -> dict[str, Any]:
        """Choose nothing jointly."""
        return {}

    def sample_relative(self, study: Any, trial: Any, search_space: Any) -> dict[str, Any]:
        """Choose nothing jointly."""
        return {}

    def sample_independent(self, study: Any, trial: Any, param_name: str, distribution: Any) -> Any:
        """Return an end of the range."""
        if isinstance(distribution, optuna.distributions.CategoricalDistribution):
            return distribution.choices[0]
        has_learned = any(one.value == 0 for one in study.get_trials(deepcopy=False))
        return distribution.low if has_learned else distribution.high


class _Constant:
    """Predicts the same curve for every candidate."""

    def predict(self, params: Sequence[Any]) -> list[Curve]:
        """Return one curve each."""
        return [_curve(0.5) for _ in params]


def test_a_sampler_without_randomness_hears_which_candidates_cannot_be_afforded() -> None:
    """Otherwise it would ask for the same one for ever."""
    task = Task("cnn", "digits", [], {})
    surrogate = cast("Surrogate", _Constant())
    proposer = OptunaProposer(task, surrogate, _Stubborn(), hears_limits=True)
    assert proposer.propose().quality == 0.5


def test_a_fitted_prior_prefers_what_good_candidates_have() -> None:
    """The best twentieth has Adam with rates about 0.01, though nine of ten candidates have SGD.

    The hand-tuned network, which is the best of all, is not asked.
    """
    rates = np.geomspace(1e-4, 1, 200)
    params: list[dict[str, Any]] = [{"optimizer": "sgd", "sgd_lr": 0.1}]
    qualities = [1.0]
    for index, rate in enumerate(rates):
        if index % 10:
            params.append({"optimizer": "sgd", "sgd_lr": rate})
            qualities.append(0.2)
        else:
            params.append({"optimizer": "adam", "adam_lr": rate})
            qualities.append(0.9 if 0.001 < rate < 0.1 else 0.1)
    curves = {index: [_curve(quality)] for index, quality in enumerate(qualities)}
    tasks = [Task("mlp", data, params, curves) for data in ("digits", "clothing")]
    beliefs = fit_beliefs(load_space("mlp"), tasks, share=0.05)
    optimizer, rate_of_adam = beliefs["optimizer"], beliefs["adam_lr"]
    assert isinstance(optimizer, Weights)
    assert optimizer.weights["adam"] > 5 * optimizer.weights["sgd"]
    assert isinstance(rate_of_adam, Bell)
    assert 0.005 < rate_of_adam.center < 0.02
    assert 1.5 < rate_of_adam.spread < 5
    assert "sgd_momentum" not in beliefs  # nobody has it


@pytest.mark.slow
def test_the_surrogate_learns_what_decides() -> None:
    """A quality that follows the learning rate is predicted for rates that it has not seen."""
    rates = np.geomspace(1e-4, 1, 60)
    merits = np.exp(-((np.log10(rates) + 2) ** 2))
    curves = {index: [_curve(float(merit))] for index, merit in enumerate(merits)}
    task = Task("mlp", "digits", [{"adam_lr": float(rate)} for rate in rates], curves)
    surrogate = Surrogate(task)
    assert surrogate.fit.rank_correlation > 0.9
    good, bad = surrogate.predict([{"adam_lr": 0.0105}, {"adam_lr": 0.9}])
    assert good.quality > bad.quality + 0.3


@pytest.mark.slow
def test_short_schedules_are_predicted_from_those_that_were_recorded() -> None:
    """A third of the candidates has one, of half the long one's accuracy; recorded ones stay."""
    merits = np.linspace(0.1, 0.9, 60)
    curves = {}
    for index, merit in enumerate(merits):
        short = np.full(2, merit / 2) if index % 3 == 0 else np.zeros(0)
        curves[index] = [replace(_curve(float(merit)), short=short)]
    params = [{"adam_lr": float(10**-merit)} for merit in merits]
    surrogate = Surrogate(Task("mlp", "digits", params, curves))
    recorded, missing = curves[0][0], curves[40][0]
    assert surrogate.with_short(params[:1], [recorded])[0] is recorded
    (found,) = surrogate.with_short(params[40:41], [missing])
    assert found.short == pytest.approx(merits[40] / 2, abs=0.05)
    assert len(surrogate.predict(params[:1])[0].short) == 2


def test_the_best_of_a_round_of_short_schedules_get_a_long_one() -> None:
    """From the beginning, under a number of its own; the long one's score counts from then on."""

    class Short(_Given):
        def propose(self) -> Curve:
            long = super().propose()
            return replace(long, short=long.accuracy[:2])

    steps = short_then_whole(3, 1)(Short((0.2, 0.6, 0.4)), _HORIZON, 0)
    first = [next(steps) for _ in range(5)]
    assert [one for one, _ in first] == [
        *(Slice(i, 2) for i in range(3)), Slice(3, 9), Slice(4, 2),
    ]  # fmt: skip
    assert first[3][1].quality == 0.6
    with pytest.raises(ValueError, match="too few"):
        _slices(short_then_whole(2, 1), (0.5,), 1)


def test_a_pool_comes_again_when_it_is_used_up() -> None:
    """The first candidates once, then all of the pool, in an order that the seed decides."""
    pool = [_curve(merit) for merit in (0.1, 0.2, 0.3, 0.4)]
    orders = []
    for seed in (0, 1):
        source = Pool([_curve(0.9)], pool, seed)
        found = [source.propose().quality for _ in range(9)]
        assert found[0] == 0.9
        assert sorted(found[1:5]) == sorted(found[5:]) == [0.1, 0.2, 0.3, 0.4]
        orders.append(found)
    assert orders[0] != orders[1]


def test_children_differ_from_the_best_in_a_few_settings() -> None:
    """The parent is the best of those that were trained furthest, not of those that looked good."""
    asked: list[dict[str, Any]] = []

    class Asked(_Constant):
        def predict(self, params: Sequence[Any]) -> list[Curve]:
            asked.extend(params)
            return super().predict(params)

    pool = draw_pool("mlp", uniform, count=3)
    first = [(one, _curve(merit)) for one, merit in zip(pool, (0.4, 0.6, 0.9), strict=True)]
    surrogate = cast("Surrogate", Asked())
    task = Task("mlp", "digits", [], {})
    source = Evolving(task, surrogate, uniform, first, 0, parents=1, fresh=0)
    assert [source.propose().quality for _ in first] == [0.4, 0.6, 0.9]
    for trial, trained in enumerate((_HORIZON, _HORIZON, 1)):
        source.learn(trial, trained)
    for _ in range(50):
        source.propose()
    changed = [sum(one.get(name) != value for name, value in pool[1].items()) for one in asked]
    assert min(changed) >= 1
    assert 1 < np.mean(changed) < 5
    assert len({tuple(sorted(map(repr, one.items()))) for one in asked}) == 50


def test_a_pruners_chance_follows_the_seed() -> None:
    """Brackets of Hyperband are drawn: another replay draws others."""

    class Falling(_Given):
        def propose(self) -> Curve:
            self._count += 1
            return Curve(np.linspace(0.5, 1, 27) / self._count, 0.5, 1.0)

    runs = []
    for seed in range(4):
        steps = pruned_by(HyperbandPruner.for_horizon)(Falling((0.0,)), 27, seed)
        runs.append([next(steps)[0].until for _ in range(20)])
    assert len({tuple(run) for run in runs}) > 1


@pytest.mark.slow
def test_short_schedules_that_nobody_recorded_are_not_replayed() -> None:
    """Without any there is nothing to go by."""
    task = _task("digits", (0.9, 0.3, 0.2, 0.5, 0.8, 0.7))
    assert not len(Surrogate(task).predict(task.candidates[:1])[0].short)
    with pytest.raises(ValueError, match="too few"):
        _slices(short_schedules, (0.5,), 1)
