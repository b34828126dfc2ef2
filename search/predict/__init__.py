"""Answers of a trained model for images and folders."""
