"""Where `load_model` was in version 0.1."""

from search.evaluation.model import ImageClassifier, Prediction, load_model

__all__ = ["ImageClassifier", "Prediction", "load_model"]
