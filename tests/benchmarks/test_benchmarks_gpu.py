"""The GPU benchmark's parts, run on a CPU; nothing is timed."""

from pathlib import Path

import pytest
import torch

from cifar_models import CNNConfig, MLPConfig
from search.errors import MachineError
from spaces import Candidate
from spaces.candidate import AdamConfig
from tests.benchmarks import gpu
from tests.benchmarks.loops import make_data

CNN = Candidate(model=CNNConfig(channels=(4,)), optimizer=AdamConfig(), batch_size=8)
MLP = Candidate(
    model=MLPConfig(hidden_widths=(8,), dropouts=(0.5,)), optimizer=AdamConfig(), batch_size=8
)


@pytest.mark.slow
@pytest.mark.parametrize("candidate", [CNN, MLP], ids=["cnn", "mlp"])
def test_every_contestant_trains(candidate: Candidate) -> None:
    """Each loop gets through an epoch, with one fold and with five."""
    data = make_data(30)
    for contestants in (
        gpu.one_fold(candidate, data, "cpu"),
        gpu.five_folds(candidate, data, "cpu"),
    ):
        assert len(contestants) >= 5
        for epoch in contestants.values():
            epoch()


@pytest.mark.parametrize("candidate", [CNN, MLP], ids=["cnn", "mlp"])
def test_first_losses_are_one_a_step_and_fall(candidate: Candidate) -> None:
    """Steps on one batch, without dropout, are comparable between devices."""
    losses = gpu.first_losses(gpu.without_dropout(candidate), make_data(30), "cpu", "graph")
    assert len(losses) == gpu.FIRST_STEPS
    assert losses[-1] < losses[0]


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_it_says_that_it_needs_a_gpu(tmp_path: Path) -> None:
    """Without a GPU nothing is measured, and one line says why."""
    with pytest.raises(MachineError, match="needs a GPU"):
        gpu.run(tmp_path)
