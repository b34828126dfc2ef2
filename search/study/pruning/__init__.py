"""Which trials end early, and which earn more folds."""
