"""The best-model report: findings, one file a question, and what renders them."""
