"""Import paths of version 0.1, kept for users' code."""
