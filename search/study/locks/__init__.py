"""One coordinator a study, and one study a folder."""
