"""The best-model report: findings, one file per question, and their renderers."""
