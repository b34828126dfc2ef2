"""The Python API: running a study, and what it found, as objects for scripts and notebooks."""
