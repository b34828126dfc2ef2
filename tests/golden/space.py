"""Spaces of a user: networks so small that an epoch takes some hundredths of a second.

It is read as a file, as any user's is; it is part of what is recorded and must not change.
"""

from optuna.trial import BaseTrial

from spaces import (
    AdamConfig,
    AdamWConfig,
    Candidate,
    CNNConfig,
    CosineConfig,
    MLPConfig,
    OneCycleConfig,
    PlateauConfig,
    SGDConfig,
    Space,
)


def _suggest_mlp(trial: BaseTrial) -> Candidate:
    """Return an MLP of one hidden layer; some points turn up twice in a plan, and some diverge."""
    rate = trial.suggest_categorical("rate", (1e-3, 1e-2, 1e-1, 1e30))
    optimizer = SGDConfig if trial.suggest_categorical("sgd", (True, False)) else AdamConfig
    return Candidate(
        model=MLPConfig(
            hidden_widths=(trial.suggest_categorical("width", (4, 12)),),
            dropouts=(trial.suggest_categorical("dropout", (0.0, 0.3)),),
        ),
        optimizer=optimizer(learning_rate=rate),
        schedule=PlateauConfig(patience=0),
        batch_size=8,
    )


def _suggest_cnn(trial: BaseTrial) -> Candidate:
    """Return a CNN of two convolutions, trained in batches of two."""
    width = trial.suggest_int("width", 2, 6)
    return Candidate(
        model=CNNConfig(channels=(width, 2 * width), conv_dropout=0.1, head_dropout=0.2),
        optimizer=AdamWConfig(learning_rate=trial.suggest_float("lr", 1e-4, 3e-2, log=True)),
        schedule=_suggest_schedule(trial),
        batch_size=2,
        augmentation="flip_crop",
        label_smoothing=0.1,
    )


def _suggest_schedule(trial: BaseTrial) -> CosineConfig | OneCycleConfig:
    """Return one of two schedules."""
    cosine = trial.suggest_categorical("cosine", (True, False))
    return CosineConfig() if cosine else OneCycleConfig()


SMALL = Space("small", _suggest_mlp)
CONVOLUTIONS = Space(
    "convolutions",
    _suggest_cnn,
    baseline_params={"width": 3, "lr": 3e-3, "cosine": True},
    grid_levels={"width": (2, 4), "lr": (1e-3, 1e-2)},
)
