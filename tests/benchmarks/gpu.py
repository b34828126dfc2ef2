"""Training on a GPU: 40 epochs of both hand-tuned networks, and the CPU's losses on it."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import torch

from cifar_models import CNNConfig, MLPConfig, ModelConfig
from search.data.dataset import TrainSplit
from search.errors import MachineError
from search.training.settings import Precision, TrainingSettings
from spaces import Candidate, load_space
from tests.benchmarks.checks import Bound, Check, show_checks
from tests.benchmarks.gpu_loops import (
    Epoch,
    StepKind,
    build_training,
    loader_loop,
    our_loop,
    resident_loop,
)
from tests.benchmarks.loops import make_data
from tests.benchmarks.measuring import Row, race, show

FOLDS = 5
FIRST_STEPS = 8
LARGEST_DIFFERENCE = Bound("<=", 1e-4)
KINDS: tuple[StepKind, ...] = ("eager", "graph")
PRECISIONS: tuple[Precision, ...] = ("fp32", "bf16")


def run(results_dir: Path, *, images: int = 50_000, epochs: int = 40, device: str = "cuda") -> None:
    """Print the tables of equality, one fold and five; raises MachineError without a GPU."""
    if device.startswith("cuda") and not torch.cuda.is_available():
        raise MachineError("this benchmark needs a GPU, and torch finds none")
    data, facts = make_data(images), _facts(device, images, epochs)
    networks = {name: _baseline(name) for name in ("cnn", "mlp")}
    checks = [check for name in networks for check in _compare(name, networks[name], data, device)]
    show_checks("gpu-losses", "First losses, GPU and CPU, fp32", checks, facts, results_dir)
    for name, candidate in networks.items():
        for title, contestants in (
            ("one fold", one_fold(candidate, data, device)),
            ("five folds", five_folds(candidate, data, device)),
        ):
            rows = [_with_total(row) for row in race(contestants, epochs)]
            show(f"{epochs} epochs of the {name}, {title}", rows, facts, results_dir)


def one_fold(candidate: Candidate, data: TrainSplit, device: str) -> Mapping[str, Epoch]:
    """Return what trains one network: plain loops, then ours."""
    return {
        "plain loop, DataLoader, fp32": loader_loop(candidate, data, device),
        "plain loop on resident tensors, fp32": resident_loop(candidate, data, device),
    } | _ours(candidate, data, device, folds=1)


def five_folds(candidate: Candidate, data: TrainSplit, device: str) -> Mapping[str, Epoch]:
    """Return what trains five networks: a plain loop five times over, then ours in lockstep."""
    plain = [resident_loop(candidate, data, device) for _ in range(FOLDS)]

    def one_after_another() -> None:
        for epoch in plain:
            epoch()

    name = f"{FOLDS} plain loops on resident tensors, fp32"
    return {name: one_after_another} | _ours(candidate, data, device, folds=FOLDS)


def first_losses(
    candidate: Candidate, data: TrainSplit, device: str, kind: StepKind
) -> list[float]:
    """Return the losses of the first steps, all on one batch, in fp32 without TF32."""
    train, settings = torch.arange(candidate.batch_size), TrainingSettings(FIRST_STEPS, device)
    with torch.backends.cudnn.flags(enabled=True, allow_tf32=False):
        training = build_training(candidate, data.to(device), settings, kind, (train, None))
        return [training.run_epoch(epoch).train_loss for epoch in range(1, FIRST_STEPS + 1)]


def without_dropout(candidate: Candidate) -> Candidate:
    """Return the candidate without what each device draws for itself."""
    model = candidate.model
    match model:
        case CNNConfig():
            plain: ModelConfig = replace(model, conv_dropout=0.0, head_dropout=0.0)
        case MLPConfig():
            plain = replace(model, dropouts=(0.0,) * len(model.dropouts))
        case _:
            raise TypeError(f"unknown family: {model!r}")
    return candidate.model_copy(update={"model": plain})


def _ours(candidate: Candidate, data: TrainSplit, device: str, folds: int) -> dict[str, Epoch]:
    resident = data.to(device)
    settings = [TrainingSettings(1, device, precision) for precision in PRECISIONS]
    return {
        f"ours, {kind}, {one.precision}": our_loop(candidate, resident, one, kind, folds)
        for one in settings
        for kind in KINDS
    }


def _compare(name: str, candidate: Candidate, data: TrainSplit, device: str) -> list[Check]:
    steady = without_dropout(candidate)
    expected = first_losses(steady, data, "cpu", "eager")
    checks = []
    for kind in KINDS:
        found = first_losses(steady, data, device, kind)
        largest = max(abs(a - b) for a, b in zip(found, expected, strict=True))
        title = f"largest difference, {name}, {kind}, {FIRST_STEPS} steps"
        checks.append(Check(title, "", (largest,), LARGEST_DIFFERENCE))
    return checks


def _with_total(row: Row) -> Row:
    return replace(row, note=f"{sum(row.seconds):.1f} s in all")


def _baseline(name: str) -> Candidate:
    candidate = load_space(name).baseline()
    if candidate is None:
        raise ValueError(f"space {name} has no baseline")
    return candidate


def _facts(device: str, images: int, epochs: int) -> dict[str, str]:
    gpu = torch.cuda.get_device_name(device) if device.startswith("cuda") else "none"
    return {"gpu": gpu, "torch": torch.__version__, "images": f"{images:,}", "epochs": str(epochs)}
