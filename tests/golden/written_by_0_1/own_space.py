"""The space of a user of version 0.1; it must work as it is."""

from optuna.trial import BaseTrial

from spaces import AdamConfig, Candidate, ConstantConfig, MLPConfig, SGDConfig, Space


def suggest(trial: BaseTrial) -> Candidate:
    """Return an MLP of a few units."""
    width = trial.suggest_int("width", 2, 5)
    rate = trial.suggest_float("lr", 1e-3, 1e-1, log=True)
    optimizers = {"adam": AdamConfig(learning_rate=rate), "sgd": SGDConfig(learning_rate=rate)}
    return Candidate(
        model=MLPConfig(hidden_widths=(width,), dropouts=(0.0,)),
        optimizer=optimizers[trial.suggest_categorical("optimizer", ["adam", "sgd"])],
        schedule=ConstantConfig(),
        batch_size=16,
    )


TINY = Space("tiny", suggest, baseline_params={"width": 3, "lr": 0.01, "optimizer": "adam"})
