"""Where trials are trained, and what keeps a killed training."""
