"""The report as a page, as Markdown, as JSON and as CSV: each goes through the findings."""
