"""What may be searched: candidates and the spaces that suggest them."""

from cifar_models import CNNConfig, MLPConfig
from spaces.candidate import (
    AdamConfig,
    AdamWConfig,
    Candidate,
    ConstantConfig,
    CosineConfig,
    OneCycleConfig,
    PlateauConfig,
    SGDConfig,
)
from spaces.load import BUILT_IN, load_space, space_source
from spaces.space import Space

__all__ = [
    "BUILT_IN",
    "AdamConfig",
    "AdamWConfig",
    "CNNConfig",
    "Candidate",
    "ConstantConfig",
    "CosineConfig",
    "MLPConfig",
    "OneCycleConfig",
    "PlateauConfig",
    "SGDConfig",
    "Space",
    "load_space",
    "space_source",
]
