"""A trial's candidate to take away: as a recipe, as a script, as an ONNX network."""
