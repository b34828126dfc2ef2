"""The spaces of `mlp-best` and `cnn-best`: the built-in ones, narrowed to what pays.

Same families as the hand-tuned networks: three linear layers, three convolutions.
"""

from optuna.trial import BaseTrial

from cifar_models import CNNConfig, MLPConfig
from spaces import AdamWConfig, Candidate, OneCycleConfig, SGDConfig, Space
from spaces.candidate import OptimizerConfig
from spaces.optimizers import suggest_name

# all but the first take about the same time
CHANNELS = ("80-160-320", "96-192-384", "80-200-496", "64-192-576")


def suggest_mlp(trial: BaseTrial) -> Candidate:
    """Return wide layers with little dropout, trained on flipped and cropped images."""
    dropout = trial.suggest_float("dropout", 0.0, 0.3)
    model = MLPConfig(
        hidden_widths=(
            trial.suggest_categorical("hidden_width_1", (1024, 1536, 2048)),
            trial.suggest_categorical("hidden_width_2", (256, 512, 1024)),
        ),
        activation=suggest_name(trial, "activation", ("relu", "gelu", "silu")),
        dropouts=(dropout, dropout),
    )
    return _candidate(trial, model)


def suggest_cnn(trial: BaseTrial) -> Candidate:
    """Return wide convolutions, pooled with overlap first, with dropout before the head alone."""
    channels = trial.suggest_categorical("channels", CHANNELS)
    model = CNNConfig(
        channels=tuple(int(width) for width in channels.split("-")),
        activation="gelu",
        pooling="overlapping_max",
        pool_first=True,
        conv_dropout=0.0,
        head_dropout=trial.suggest_float("head_dropout", 0.0, 0.5),
    )
    return _candidate(trial, model)


def _candidate(trial: BaseTrial, model: MLPConfig | CNNConfig) -> Candidate:
    return Candidate(
        model=model,
        optimizer=_suggest_optimizer(trial),
        schedule=OneCycleConfig(warmup=trial.suggest_float("warmup", 0.1, 0.3)),
        batch_size=trial.suggest_categorical("batch_size", (64, 128, 256)),
        label_smoothing=trial.suggest_float("label_smoothing", 0.0, 0.15),
        augmentation="flip_crop",
        test_time_flip=True,
    )


def _suggest_optimizer(trial: BaseTrial) -> OptimizerConfig:
    if trial.suggest_categorical("optimizer", ("sgd", "adamw")) == "sgd":
        return SGDConfig(
            learning_rate=trial.suggest_float("sgd_lr", 0.02, 0.2, log=True),
            momentum=0.9,
            nesterov=True,
            weight_decay=trial.suggest_float("sgd_weight_decay", 1e-4, 2e-3, log=True),
        )
    return AdamWConfig(
        learning_rate=trial.suggest_float("adamw_lr", 5e-4, 8e-3, log=True),
        weight_decay=trial.suggest_float("adamw_weight_decay", 0.01, 0.5, log=True),
    )


MLP = Space("mlp-best", suggest_mlp)
CNN = Space("cnn-best", suggest_cnn)
