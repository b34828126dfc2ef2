"""What happens once, at the end: refit, test set, export."""
