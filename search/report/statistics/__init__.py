"""The statistics that the report rests on, each with its source. Pure."""
