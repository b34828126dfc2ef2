"""Spaces of one point each, so that all trials of a search are equal."""

from optuna.trial import BaseTrial

from spaces import Candidate, MLPConfig, SGDConfig, Space, load_space


def hand_tuned() -> Candidate:
    """Return the baseline of the cnn space: the hand-tuned CNN at batch 64."""
    candidate = load_space("cnn").baseline()
    if candidate is None:
        raise ValueError("space cnn has no baseline")
    return candidate


def _suggest_hand_tuned(trial: BaseTrial) -> Candidate:
    return hand_tuned()


def _suggest_quick(trial: BaseTrial) -> Candidate:
    """Return a network whose epochs take hardly any time."""
    model = MLPConfig(hidden_widths=(8,), dropouts=(0.1,))
    return Candidate(model=model, optimizer=SGDConfig(learning_rate=0.1), batch_size=1000)


HAND_TUNED = Space("hand-tuned", _suggest_hand_tuned)
QUICK = Space("quick", _suggest_quick)
