"""What the training images look like: the data analysis of the hand-tuned report."""
