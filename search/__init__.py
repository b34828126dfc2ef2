"""Hyperparameter search for small image classifiers: the public API.

These names are stable; modules below this package are not. They are imported when they are used:

    from search import Recipe, load_model, run_study

    outcome = run_study(Recipe(space="cnn", dataset="digits", trials=10), print)
    model = load_model(outcome.paths.model_dir)
    print(model.classify("photo.jpg").name)
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from search.errors import MachineError, UserError
    from search.evaluation.model import ImageClassifier, Prediction, load_model
    from search.events import Event, Listener
    from search.pipeline import Outcome, run_study
    from search.recipe import Recipe
    from search.tuning.records import StudyRecord, TrialRecord

__all__ = [
    "Event",
    "ImageClassifier",
    "Listener",
    "MachineError",
    "Outcome",
    "Prediction",
    "Recipe",
    "StudyRecord",
    "TrialRecord",
    "UserError",
    "load_model",
    "run_study",
]

_MODULES = {
    "Event": "search.events",
    "ImageClassifier": "search.evaluation.model",
    "Listener": "search.events",
    "MachineError": "search.errors",
    "Outcome": "search.pipeline",
    "Prediction": "search.evaluation.model",
    "Recipe": "search.recipe",
    "StudyRecord": "search.tuning.records",
    "TrialRecord": "search.tuning.records",
    "UserError": "search.errors",
    "load_model": "search.evaluation.model",
    "run_study": "search.pipeline",
}


def __getattr__(name: str) -> Any:
    """Import a public name when it is used: most need torch or Optuna, which take seconds."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_MODULES[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_MODULES})
