"""What may be searched: candidates and the spaces that suggest them."""

from cifar_models import CNNConfig, MLPConfig, ResNetConfig
from spaces.candidate import Candidate, suggest_candidate
from spaces.load import BUILT_IN, load_space, space_identity
from spaces.optimizers import AdamConfig, AdamWConfig, SGDConfig, suggest_optimizer
from spaces.schedules import (
    ConstantConfig,
    CosineConfig,
    OneCycleConfig,
    PlateauConfig,
    suggest_schedule,
)
from spaces.space import Space

space_source = space_identity  # its name in version 0.1

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
    "ResNetConfig",
    "SGDConfig",
    "Space",
    "load_space",
    "space_identity",
    "space_source",
    "suggest_candidate",
    "suggest_optimizer",
    "suggest_schedule",
]
