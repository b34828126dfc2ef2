"""What the report concludes, in sentences. Pure."""
