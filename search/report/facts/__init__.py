"""report.json: info -> plain values with stable names. Pure."""
