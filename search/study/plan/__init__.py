"""Which points a search visits, which of them are open, and as which trials they run."""
