"""Small networks whose epochs on digits take some hundredths of a second."""

from optuna.trial import BaseTrial

from spaces import AdamConfig, Candidate, MLPConfig, SGDConfig, Space


def _suggest(trial: BaseTrial) -> Candidate:
    """Return a small MLP; there are so few that a plan of 24 holds some of them twice."""
    widths = (trial.suggest_categorical("width", (16, 32, 64)),)
    dropouts = (trial.suggest_categorical("dropout", (0.0, 0.3)),)
    optimizer = trial.suggest_categorical("optimizer", ("sgd", "adam"))
    rate = trial.suggest_categorical("rate", (1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1))
    return Candidate(
        model=MLPConfig(hidden_widths=widths, dropouts=dropouts),
        optimizer=(SGDConfig if optimizer == "sgd" else AdamConfig)(learning_rate=rate),
        batch_size=16,
    )


SMALL = Space("small", _suggest)
