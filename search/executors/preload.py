"""What every worker needs, imported once by the server that workers are forked from."""

import gc

from search.executors.process_settings import end_server_with_parent

end_server_with_parent()  # before what takes seconds

import torch._dynamo  # noqa: E402 - an optimizer's first step imports it: a second and 86 MB

from search.executors import training_jobs  # noqa: E402

# Loky looks for garbage after a worker's first job, which would copy 85 MB of shared pages.
gc.freeze()

__all__ = ["torch", "training_jobs"]
