"""How long a search will take."""
