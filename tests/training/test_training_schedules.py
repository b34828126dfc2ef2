"""Schedules give the rates that torch's own schedulers give."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch.optim.lr_scheduler import (
    CosineAnnealingLR,
    LRScheduler,
    OneCycleLR,
    ReduceLROnPlateau,
)

from spaces.candidate import (
    ConstantConfig,
    CosineConfig,
    OneCycleConfig,
    PlateauConfig,
    ScheduleConfig,
)
from spaces.schedules import (
    ConstantSchedule,
    CosineSchedule,
    OneCycleSchedule,
    PlateauSchedule,
    ReplaySchedule,
    Schedule,
)

RATE = 0.3
CONFIGS: list[ScheduleConfig] = [
    ConstantConfig(),
    PlateauConfig(factor=0.5, patience=0),
    CosineConfig(),
    OneCycleConfig(warmup=0.25),
]
KINDS = [ConstantSchedule, PlateauSchedule, CosineSchedule, OneCycleSchedule]


def make_optimizer() -> torch.optim.Optimizer:
    return torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=RATE)


def torch_rates(make: Callable[[torch.optim.Optimizer], LRScheduler], n_steps: int) -> list[float]:
    """Return the rate of each step of torch's scheduler, stepped after every batch."""
    optimizer = make_optimizer()
    scheduler, rates = make(optimizer), []
    for step in range(n_steps):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        if step < n_steps - 1:
            scheduler.step()
    return rates


def all_rates(schedule: Schedule, epochs: int, steps: int) -> list[float]:
    rates = []
    for epoch in range(1, epochs + 1):
        rates += list(schedule.rates(epoch, steps))
        schedule = schedule.after(1.0)
    return rates


@pytest.mark.parametrize(("epochs", "steps"), [(1, 1), (1, 7), (4, 1), (3, 5), (10, 23)])
def test_cosine_is_torchs(epochs: int, steps: int) -> None:
    """Every step's rate is that of CosineAnnealingLR over all steps."""
    expected = torch_rates(lambda o: CosineAnnealingLR(o, epochs * steps), epochs * steps)
    assert all_rates(CosineSchedule(RATE, epochs), epochs, steps) == pytest.approx(expected)


@pytest.mark.parametrize("warmup", [0.12, 0.25, 0.3, 0.6, 0.9])
@pytest.mark.parametrize(("epochs", "steps"), [(1, 2), (1, 7), (5, 1), (3, 5), (10, 23)])
def test_one_cycle_is_torchs(epochs: int, steps: int, warmup: float) -> None:
    """Every step's rate is that of OneCycleLR with its default factors."""
    total = epochs * steps

    def make(optimizer: torch.optim.Optimizer) -> LRScheduler:
        return OneCycleLR(optimizer, RATE, total, pct_start=warmup, cycle_momentum=False)

    found = all_rates(OneCycleSchedule(RATE, epochs, warmup), epochs, steps)
    assert found == pytest.approx(torch_rates(make, total))


def test_one_cycle_with_a_warmup_of_one_step_starts_at_its_peak() -> None:
    """A warm-up that ends with the first step gives that step the full rate."""
    rates = OneCycleSchedule(RATE, epochs=1, warmup=0.25).rates(1, 4)
    assert rates[0] == pytest.approx(RATE)
    assert rates == sorted(rates, reverse=True)


def test_one_cycle_of_a_single_step_has_the_full_rate() -> None:
    """Nothing would be learned at its end, a 250,000th; the exported code agrees."""
    assert OneCycleSchedule(RATE, epochs=1, warmup=0.3).rates(1, 1) == [RATE]
    for total in (1, 2, 9):
        names: dict[str, Any] = {"LEARNING_RATE": RATE, "math": math}
        exec(OneCycleConfig().script(), names)  # noqa: S102 - our own code
        written = [names["learning_rate"](step, total) for step in range(total)]
        assert written == OneCycleSchedule(RATE, epochs=1, warmup=0.3).rates(1, total)


@pytest.mark.slow
@pytest.mark.parametrize("patience", [0, 1, 3])
@pytest.mark.parametrize("factor", [0.1, 0.5, 0.9])
def test_plateau_is_torchs(factor: float, patience: int) -> None:
    """The rates are ReduceLROnPlateau's on many sequences of losses, flat and wild ones too."""
    draw = np.random.default_rng(0)
    for spread in [0.0, 1e-5, 1e-4, 1e-3, 0.1, 1.0] * 10:
        losses = [1.0 + spread * draw.uniform(-1, 0.5) for _ in range(30)]
        optimizer = make_optimizer()
        scheduler = ReduceLROnPlateau(optimizer, factor=factor, patience=patience)
        schedule = PlateauSchedule(RATE, factor, patience)
        for epoch, loss in enumerate(losses, start=1):
            expected = [optimizer.param_groups[0]["lr"]] * 2
            assert schedule.rates(epoch, 2) == pytest.approx(expected, rel=1e-12)
            scheduler.step(loss)
            schedule = schedule.after(loss)


def test_plateau_takes_a_small_gain_for_none() -> None:
    """A gain of less than a ten-thousandth counts as a bad epoch, as in torch."""
    schedule = PlateauSchedule(RATE, 0.1, patience=0).after(1.0)
    assert schedule.after(0.99995).rates(3, 1) == pytest.approx([RATE / 10])
    assert schedule.after(0.9998).rates(3, 1) == [RATE]


def test_after_leaves_the_schedule_itself_as_it_was() -> None:
    """Schedules are values: taking in a loss makes a new one."""
    schedule = PlateauSchedule(RATE, 0.1, patience=0, best=1.0)
    schedule.after(2.0)
    assert schedule == PlateauSchedule(RATE, 0.1, patience=0, best=1.0)


def test_constant_rests() -> None:
    """A constant schedule gives its rate to every step, whatever the losses."""
    assert all_rates(ConstantSchedule(RATE), 3, 4) == [RATE] * 12


def test_replay_gives_each_epoch_its_recorded_rate() -> None:
    """Every step of an epoch has the recorded rate; beyond the record the last one holds on."""
    schedule = ReplaySchedule((0.3, 0.2, 0.1))
    assert all_rates(schedule, 5, 2) == [0.3, 0.3, 0.2, 0.2, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1]


@pytest.mark.parametrize(
    ("config", "kind"),
    list(zip(CONFIGS, KINDS, strict=True)),
)
def test_configurations_become_their_schedules(
    config: ScheduleConfig, kind: type[Schedule]
) -> None:
    """Each configuration gives a schedule of its kind that begins as it should."""
    schedule = config.build(RATE, epochs=8)
    assert isinstance(schedule, kind)
    first = RATE / 25 if isinstance(config, OneCycleConfig) else RATE
    assert schedule.rates(1, 10)[0] == pytest.approx(first)


def test_plateau_configuration_keeps_factor_and_patience() -> None:
    """The plateau schedule falls by the configured factor after the configured patience."""
    schedule = PlateauConfig(factor=0.5, patience=2).build(RATE, epochs=8)
    rates = all_rates(schedule, 6, 1)
    assert rates == pytest.approx([RATE] * 4 + [RATE / 2] * 2)


@pytest.mark.parametrize("config", [c for c in CONFIGS if not isinstance(c, PlateauConfig)])
def test_refit_keeps_schedule_and_horizon(config: ScheduleConfig) -> None:
    """Without a plateau the refit has the search's own schedule, whatever was recorded."""
    found = config.refit(RATE, 10, recorded=[0.9] * 4)
    assert found == config.build(RATE, 10)


def test_refit_replays_a_plateau() -> None:
    """A plateau becomes the recorded rates and listens to no loss any more."""
    recorded = [0.3, 0.3, 0.15, 0.075]
    found = PlateauConfig(factor=0.5, patience=0).refit(RATE, 10, recorded)
    assert all_rates(found, 4, 1) == recorded
