"""From a configuration to a network."""

from typing import TypeAlias

import torch
from torch import nn

from cifar_models.cnn import CNNConfig, build_cnn
from cifar_models.mlp import MLPConfig, build_mlp

ModelConfig: TypeAlias = MLPConfig | CNNConfig


def build_model(
    config: ModelConfig, input_shape: tuple[int, int, int], num_classes: int
) -> nn.Sequential:
    """Return a freshly initialised network: (N, C, H, W) floats to (N, num_classes) logits.

    Weights are drawn by torch's default initialisation from torch's global generator.
    Raises ValueError where the shape or the class count does not suit the network.
    """
    if len(input_shape) != 3 or min(input_shape) < 1:
        raise ValueError(f"input_shape must be (channels, height, width), got {input_shape!r}")
    if num_classes < 2:
        raise ValueError(f"num_classes must be at least 2, got {num_classes!r}")
    if isinstance(config, MLPConfig):
        return build_mlp(config, input_shape, num_classes)
    return build_cnn(config, input_shape, num_classes)


def count_parameters(
    config: ModelConfig, input_shape: tuple[int, int, int], num_classes: int
) -> int:
    """Return the number of trainable parameters; allocates and draws nothing."""
    with torch.device("meta"):
        model = build_model(config, input_shape, num_classes)
    return sum(parameter.numel() for parameter in model.parameters())
