"""What every worker needs, imported once by the server that they are forked from."""

import torch._dynamo  # an optimizer's first step imports it: a second and 86 MB

from search.study import worker

__all__ = ["torch", "worker"]
