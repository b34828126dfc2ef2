"""Ablation: which of the changes from the hand-tuned network to the winner matter."""
