"""Studies that lie in a storage: listed, opened by name, deleted."""
