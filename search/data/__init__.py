"""Datasets as uint8 tensors, their statistics and their splits."""
