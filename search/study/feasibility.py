"""Which candidates can be trained at all."""

from typing import final

from cifar_models import count_parameters
from search.data.dataset import DatasetInfo
from spaces import Candidate


@final
class Feasibility:
    """Says why a candidate cannot be trained here: too many parameters, or images too small."""

    def __init__(self, dataset: DatasetInfo, max_parameters: int | None) -> None:
        self._dataset, self._most = dataset, max_parameters

    def __call__(self, candidate: Candidate) -> str | None:
        """Return the objection, or None; raises ValueError where the network cannot be built."""
        classes = len(self._dataset.class_names)
        count = count_parameters(candidate.model, self._dataset.image_shape, classes)
        if self._most is not None and count > self._most:
            return f"{count:,} parameters are more than max_parameters {self._most:,}"
        return None
