"""The networks that a search may train: torch alone, no search, no files."""

from cifar_models.cnn import CNNConfig
from cifar_models.family import build_model, count_parameters
from cifar_models.mlp import MLPConfig

__all__ = ["CNNConfig", "MLPConfig", "build_model", "count_parameters"]
