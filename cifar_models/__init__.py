"""The networks that a search may train. They only need torch."""

from cifar_models.cnn import CNNConfig
from cifar_models.family import ModelConfig, build_model, count_parameters, multiply_adds
from cifar_models.mlp import MLPConfig
from cifar_models.pretrained import PretrainedConfig
from cifar_models.resnet import ResNetConfig

FAMILIES: tuple[type[ModelConfig], ...] = (MLPConfig, CNNConfig, ResNetConfig, PretrainedConfig)
"""Every family of networks that a candidate may hold."""

__all__ = [
    "FAMILIES",
    "CNNConfig",
    "MLPConfig",
    "ModelConfig",
    "PretrainedConfig",
    "ResNetConfig",
    "build_model",
    "count_parameters",
    "multiply_adds",
]
