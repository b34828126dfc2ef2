"""What the report's plots share, on paper and on the page."""
