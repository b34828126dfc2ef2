"""optuna-dashboard on the studies, and what is published for it."""
