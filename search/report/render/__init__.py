"""The report as a page, Markdown, JSON and CSV, all made from the same findings."""
