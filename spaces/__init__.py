"""What may be searched: candidates and the spaces that suggest them."""

from spaces.user_output import refuse_namesake

refuse_namesake()  # before our own `search` is imported, which such a file hides

from cifar_models import CNNConfig, MLPConfig, ModelConfig, PretrainedConfig, ResNetConfig
from spaces.augmentation import (
    ColorJitter,
    CustomAugmentation,
    CutMix,
    Cutout,
    Flip,
    FlipCrop,
    MixUp,
    Rotate,
    Translate,
    suggest_augmentations,
)
from spaces.candidate import Candidate, suggest_candidate
from spaces.load import BUILT_IN, load_space, space_identity
from spaces.losses import CrossEntropy, FocalLoss, suggest_loss
from spaces.optimizers import AdamConfig, AdamWConfig, SGDConfig, suggest_optimizer
from spaces.pretrained import pretrained_space
from spaces.prior import Bell, BySize, Prior, Weights
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
    "Bell",
    "BySize",
    "CNNConfig",
    "Candidate",
    "ColorJitter",
    "ConstantConfig",
    "CosineConfig",
    "CrossEntropy",
    "CustomAugmentation",
    "CutMix",
    "Cutout",
    "Flip",
    "FlipCrop",
    "FocalLoss",
    "MLPConfig",
    "MixUp",
    "ModelConfig",
    "OneCycleConfig",
    "PlateauConfig",
    "PretrainedConfig",
    "Prior",
    "ResNetConfig",
    "Rotate",
    "SGDConfig",
    "Space",
    "Translate",
    "Weights",
    "load_space",
    "pretrained_space",
    "space_identity",
    "space_source",
    "suggest_augmentations",
    "suggest_candidate",
    "suggest_loss",
    "suggest_optimizer",
    "suggest_schedule",
]
