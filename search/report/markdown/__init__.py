"""report.md: info -> Markdown. Pure."""
