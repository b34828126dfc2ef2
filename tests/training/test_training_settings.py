"""Settings, precision and device."""

from typing import Any

import pytest
import torch
from torch import nn

from search.training.settings import Precision, TrainingSettings, fastest_precision, resolve_device


@pytest.mark.parametrize("name", ["epochs", "evaluation_batch"])
def test_counts_must_be_positive(name: str) -> None:
    """A count of zero is refused with its name and value."""
    values: dict[str, Any] = {"epochs": 3} | {name: 0}
    with pytest.raises(ValueError, match=f"{name} must be at least 1, got 0"):
        TrainingSettings(**values)


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_forward_gives_float32(precision: Precision) -> None:
    """Logits are float32 and weights stay float32 in either precision; bf16 is coarser."""
    model, images = nn.Linear(16, 4), torch.rand(8, 16, generator=torch.Generator().manual_seed(0))
    logits = TrainingSettings(1, precision=precision).forward(model, images)
    assert logits.dtype == model.weight.dtype == torch.float32
    assert torch.equal(logits, model(images)) == (precision == "fp32")
    torch.testing.assert_close(logits, model(images), rtol=0.05, atol=0.05)


@pytest.mark.parametrize(
    ("precision", "dtype"), [("fp32", torch.float32), ("bf16", torch.bfloat16)]
)
def test_convolutions_get_channels_last_images(precision: Precision, dtype: torch.dtype) -> None:
    """A convolution meets channels-last images in the settings' precision."""
    met: list[torch.Tensor] = []
    model = nn.Sequential(nn.Conv2d(3, 4, 3))
    model[0].register_forward_pre_hook(lambda _module, inputs: met.append(inputs[0]))
    TrainingSettings(1, precision=precision).forward(model, torch.rand(2, 3, 8, 8))
    assert met[0].dtype == dtype
    assert met[0].is_contiguous(memory_format=torch.channels_last)


def test_missing_gpu_is_named() -> None:
    """Without a GPU, auto is the CPU and a GPU asked for is refused."""
    if torch.cuda.is_available():
        pytest.skip("this machine has a GPU")
    assert resolve_device("auto") == "cpu"
    with pytest.raises(ValueError, match="device: 'cuda:1' is not available"):
        resolve_device("cuda:1")


def test_cpu_is_cpu() -> None:
    """The CPU is always there."""
    assert resolve_device("cpu") == "cpu"


@pytest.mark.parametrize("native", [False, True])
def test_auto_precision_asks_the_processor(native: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Auto is bf16 on a processor that multiplies it natively, otherwise fp32."""
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: native)
    assert fastest_precision("cpu") == ("bf16" if native else "fp32")
