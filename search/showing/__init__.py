"""Studies shown to people and scripts: one, one trial of it, several side by side."""
