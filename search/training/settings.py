"""How networks are computed: device, precision, and batches of evaluation."""

from dataclasses import dataclass
from typing import Literal, final

import torch
from torch import nn

from search.metric import MeanOver

Precision = Literal["fp32", "bf16"]


@final
@dataclass(frozen=True)
class TrainingSettings:
    """What a training depends on besides the candidate and the data.

    Attributes:
        epochs: The schedules' horizon.
        device: Where tensors are.
        precision: "bf16" means autocast; weights stay fp32.
        evaluation_batch: Images evaluated at once.
        mean_over: What losses are means of; "batches" counts a smaller last batch like the others,
            as most hand-written loops do.
    """

    epochs: int
    device: str = "cpu"
    precision: Precision = "fp32"
    evaluation_batch: int = 250
    mean_over: MeanOver = "images"

    def __post_init__(self) -> None:
        if self.epochs < 1:
            raise ValueError(f"epochs must be at least 1, got {self.epochs!r}")
        if self.evaluation_batch < 1:
            raise ValueError(f"evaluation_batch must be at least 1, got {self.evaluation_batch!r}")

    def forward(self, model: nn.Module, images: torch.Tensor) -> torch.Tensor:
        """Return the model's logits as float32, computed in the settings' precision.

        Convolutions get channels-last images, with which they are fastest; a linear layer would
        have to copy such images back.
        """
        kind = self.device.partition(":")[0]
        if any(isinstance(module, nn.Conv2d) for module in model.modules()):
            dtype = torch.bfloat16 if self.precision == "bf16" else torch.float32
            images = images.to(dtype, memory_format=torch.channels_last)
        with torch.autocast(kind, dtype=torch.bfloat16, enabled=self.precision == "bf16"):
            logits: torch.Tensor = model(images)
        return logits.float()


def resolve_device(name: str) -> str:
    """Return "cuda" or "cpu" for "auto"; raises ValueError if there is no such device."""
    if name == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    number = int(name.partition(":")[2] or 0)
    if name.startswith("cuda") and number >= torch.cuda.device_count():
        raise ValueError(f"device: {name!r} is not available on this machine; use cpu")
    return name


def fastest_precision(device: str) -> Precision:
    """Return bf16 if the device multiplies bf16 natively, otherwise fp32."""
    if device.startswith("cuda"):
        native = torch.cuda.is_bf16_supported(including_emulation=False)
    else:
        native = torch.cpu._is_avx512_bf16_supported()
    return "bf16" if native else "fp32"
