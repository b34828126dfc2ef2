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
        self._least: int | None = None

    def __call__(self, candidate: Candidate) -> str | None:
        """Return the objection, or None; raises ValueError where the network cannot be built."""
        count = self._count(candidate)
        if self._most is not None and count > self._most:
            return f"{count:,} parameters are more than max_parameters {self._most:,}"
        return None

    def least(self) -> str:
        """Return in words how large the smallest network is, for who finds that all are too large.

        Nothing where there is no bound, or one of those asked about keeps to it.
        """
        if self._most is None or self._least is None or self._least <= self._most:
            return ""
        return f"; the smallest of them has {self._least:,} parameters"

    def excess(self, candidate: Candidate) -> int | None:
        """Return how many parameters the candidate has too many (at most 0: none); None: no bound.

        Raises ValueError where the network cannot be built.
        """
        return None if self._most is None else self._count(candidate) - self._most

    def _count(self, candidate: Candidate) -> int:
        classes = len(self._dataset.class_names)
        count = count_parameters(candidate.model, self._dataset.image_shape, classes)
        self._least = count if self._least is None else min(self._least, count)
        return count
