"""Hyperparameter search for small image classifiers: the public API.

These names are stable; modules below this package are not. They are imported when they are used:

    import search

    study = search.run("cnn", "digits", trials=10, progress=True)
    study.best
    model = study.refit()
    study.test()
    model.predict(["photo.jpg"])
"""

import warnings
from importlib import import_module
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from search.catalog.listing import ListedStudy
    from search.errors import MachineError, UserError
    from search.evaluation.ensemble import Ensemble, load_ensemble
    from search.evaluation.model import ImageClassifier, Prediction, load_model
    from search.events import Event, Listener
    from search.pipeline import Outcome, run_study
    from search.recipe import Recipe
    from search.study.figures import StudyFigure, StudyPlots
    from search.study.interrupts import SearchInterrupted
    from search.study.running import delete_study, list_studies, load_study, run
    from search.study.study import Study
    from search.study.trial import Difference, Differences, Trial
    from search.study.validation import Holdout, KFold, Validation
    from search.tracking import MLflow, TensorBoard, Tracker, WandB
    from search.training.metrics import TestResult
    from search.tuning.records import StudyRecord, TrialRecord
    from search.user_metric import FunctionMetric
    from spaces import (
        BUILT_IN,
        AdamConfig,
        AdamWConfig,
        Bell,
        BySize,
        Candidate,
        CNNConfig,
        ColorJitter,
        ConstantConfig,
        CosineConfig,
        CrossEntropy,
        CustomAugmentation,
        CutMix,
        Cutout,
        Flip,
        FlipCrop,
        FocalLoss,
        MixUp,
        MLPConfig,
        ModelConfig,
        OneCycleConfig,
        PlateauConfig,
        PretrainedConfig,
        Prior,
        ResNetConfig,
        Rotate,
        SGDConfig,
        Space,
        Translate,
        Weights,
        pretrained_space,
        suggest_augmentations,
        suggest_candidate,
        suggest_loss,
        suggest_optimizer,
        suggest_schedule,
    )
    from spaces.errors import SettingError, SpaceError

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
    "Difference",
    "Differences",
    "Ensemble",
    "Event",
    "Flip",
    "FlipCrop",
    "FocalLoss",
    "FunctionMetric",
    "Holdout",
    "ImageClassifier",
    "KFold",
    "ListedStudy",
    "Listener",
    "MLPConfig",
    "MLflow",
    "MachineError",
    "MixUp",
    "ModelConfig",
    "OneCycleConfig",
    "Outcome",
    "PlateauConfig",
    "Prediction",
    "PretrainedConfig",
    "Prior",
    "Recipe",
    "ResNetConfig",
    "Rotate",
    "SGDConfig",
    "SearchInterrupted",
    "SettingError",
    "Space",
    "SpaceError",
    "Study",
    "StudyFigure",
    "StudyPlots",
    "StudyRecord",
    "TensorBoard",
    "TestResult",
    "Tracker",
    "Translate",
    "Trial",
    "TrialRecord",
    "UserError",
    "Validation",
    "WandB",
    "Weights",
    "delete_study",
    "list_studies",
    "load_ensemble",
    "load_model",
    "load_study",
    "pretrained_space",
    "run",
    "run_study",
    "suggest_augmentations",
    "suggest_candidate",
    "suggest_loss",
    "suggest_optimizer",
    "suggest_schedule",
]

_NAMES = {
    "search.catalog.listing": ("ListedStudy",),
    "search.errors": ("MachineError", "UserError"),
    "search.evaluation.ensemble": ("Ensemble", "load_ensemble"),
    "search.evaluation.model": ("ImageClassifier", "Prediction", "load_model"),
    "search.events": ("Event", "Listener"),
    "search.pipeline": ("Outcome", "run_study"),
    "search.recipe": ("Recipe",),
    "search.study.figures": ("StudyFigure", "StudyPlots"),
    "search.study.interrupts": ("SearchInterrupted",),
    "search.study.running": ("delete_study", "list_studies", "load_study", "run"),
    "search.study.study": ("Study",),
    "search.study.trial": ("Difference", "Differences", "Trial"),
    "search.study.validation": ("Holdout", "KFold", "Validation"),
    "search.tracking": ("MLflow", "TensorBoard", "Tracker", "WandB"),
    "search.training.metrics": ("TestResult",),
    "search.tuning.records": ("StudyRecord", "TrialRecord"),
    "search.user_metric": ("FunctionMetric",),
    "spaces": (
        "AdamConfig",
        "AdamWConfig",
        "BUILT_IN",
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
        "pretrained_space",
        "suggest_augmentations",
        "suggest_candidate",
        "suggest_loss",
        "suggest_optimizer",
        "suggest_schedule",
    ),
    "spaces.errors": ("SettingError", "SpaceError"),
}
_MODULES = {name: module for module, names in _NAMES.items() for name in names}


def __getattr__(name: str) -> Any:
    """Import a public name when it is used: most need torch or Optuna, which take seconds."""
    if name == "__version__":
        return version("cifar-search")
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    with warnings.catch_warnings():
        # Of a progress bar that Optuna has for notebooks, and that nothing here uses.
        warnings.filterwarnings("ignore", "IProgress not found")
        return getattr(import_module(_MODULES[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_MODULES})
