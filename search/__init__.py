"""Honest hyperparameter search for small image classifiers."""
