"""Stored studies: finding, listing and removing them."""
