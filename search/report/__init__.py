"""The best-model report: information first, then figures, then the page."""
