"""The page: info -> one HTML text that needs no other file. Pure."""
