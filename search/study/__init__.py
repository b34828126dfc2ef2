"""The study: plan, samplers, pruning, storage, coordinator and workers."""
