"""Optuna's storage, and the plain records that are read from it."""
