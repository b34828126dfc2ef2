"""Training of one or several networks in lockstep; knows nothing of Optuna or files."""
