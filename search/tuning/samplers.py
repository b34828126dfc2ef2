"""Optuna's samplers, as this program uses them."""

import warnings

import optuna


def tpe_sampler(seed: int) -> optuna.samplers.TPESampler:
    """Return TPE that keeps conditional parameters together."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        return optuna.samplers.TPESampler(seed=seed, group=True)
