"""Small networks of every family, for tests of what all of them promise."""

from collections.abc import Iterator
from typing import Any

from cifar_models import CNNConfig, MLPConfig, ModelConfig, PretrainedConfig, ResNetConfig

EXAMPLES: dict[str, ModelConfig] = {
    "mlp": MLPConfig(hidden_widths=(8,), dropouts=(0.2,)),
    "cnn": CNNConfig(channels=(4, 8), conv_dropout=0.2),
    "cnn-early": CNNConfig(channels=(4, 8), activation="gelu", pool_first=True, head="global_max"),
    "resnet": ResNetConfig(channels=(4, 8), drop_path=0.3, head_dropout=0.2),
    "resnet-deep": ResNetConfig(channels=(4, 4, 8), blocks=2, stem="patch", activation="silu"),
    "pretrained": PretrainedConfig(
        backbone="shufflenet_v2_x0_5", image_size=32, backbone_rate=0.5, head_dropout=0.2
    ),
    "pretrained-frozen": PretrainedConfig(
        backbone="squeezenet1_1", image_size=32, frozen=True, mean=(0.5, 0.5, 0.5)
    ),
}

NARROW: dict[type[ModelConfig], dict[str, Any]] = {
    MLPConfig: {"hidden_widths": (4, 4)},
    CNNConfig: {"channels": (4, 4, 4)},
    ResNetConfig: {"channels": (4, 4, 4), "blocks": 1},
    PretrainedConfig: {"backbone": "shufflenet_v2_x0_5", "image_size": 32},
}
"""What makes any network of a family small."""


def kinds() -> Iterator[str]:
    """Yield the family of every example."""
    for model in EXAMPLES.values():
        yield model.kind
