"""Feasibility: which candidates are too large to be trained, for a dataset or for the user."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Self, final

from cifar_models import FAMILIES, count_parameters, multiply_adds
from cifar_models.family import NetworkError, check_output, check_step
from search.checks import describe_value_error
from search.data.dataset import DatasetInfo
from search.errors import UserError, describe_error, first_line
from search.objectives import MULTIPLY_ADDS, PARAMETERS
from search.recipe import Recipe
from spaces import Candidate
from spaces.user_code import place_in_user_code
from spaces.user_object import UserCodeError
from spaces.user_output import prints_to_stderr


@final
class Feasibility:
    """Says why a candidate cannot be trained: it is too large, or images are too small for it."""

    def __init__(
        self,
        dataset: DatasetInfo,
        max_parameters: int | None = None,
        max_multiply_adds: int | None = None,
    ) -> None:
        self._dataset, self._most, self._most_work = dataset, max_parameters, max_multiply_adds
        self._smallest: int | None = None
        self._least_work: int | None = None

    @classmethod
    def of(cls, recipe: Recipe, dataset: DatasetInfo) -> Self:
        """Return the limits of a recipe."""
        return cls(dataset, recipe.max_parameters, recipe.max_multiply_adds)

    def __call__(self, candidate: Candidate) -> str | None:
        """Return the violated constraint, or None."""
        try:
            count = self._count(candidate)
        except ValueError as error:  # the network cannot be built
            return describe_value_error(error)
        if self._most is not None and count > self._most:
            return f"{count:,} parameters are more than max_parameters {self._most:,}"
        if self._most_work is not None and (work := self._work(candidate)) > self._most_work:
            return f"{work:,} multiply-adds are more than max_multiply_adds {self._most_work:,}"
        return None

    @contextmanager
    def naming_the_smallest(self) -> Iterator[None]:
        """Add the smallest candidate to an error that says that none can be trained."""
        try:
            yield
        except UserError as error:
            raise UserError(f"{error}{self.smallest()}") from error

    def smallest(self) -> str:
        """Describe the smallest candidate, for the error message when all exceed a limit.

        Empty if there is no limit, or if a checked candidate is within it.
        """
        if _exceeds(self._smallest, self._most):
            return f"; the smallest of them has {self._smallest:,} parameters"
        if _exceeds(self._least_work, self._most_work):
            return f"; the least that one of them needs is {self._least_work:,} multiply-adds"
        return ""

    def excess(self, candidate: Candidate) -> int | None:
        """Return by how many parameters the candidate exceeds the limit; None: there is none.

        Raises ValueError if the network cannot be built.
        """
        return None if self._most is None else self._count(candidate) - self._most

    def _count(self, candidate: Candidate) -> int:
        count = network_size(candidate, self._dataset)
        self._smallest = count if self._smallest is None else min(self._smallest, count)
        return count

    def _work(self, candidate: Candidate) -> int:
        work = network_work(candidate, self._dataset)
        self._least_work = work if self._least_work is None else min(self._least_work, work)
        return work


def _exceeds(value: int | None, most: int | None) -> bool:
    return value is not None and most is not None and value > most


def network_size(candidate: Candidate, dataset: DatasetInfo) -> int:
    """Return the parameters of a candidate's network; raises ValueError if it cannot be built."""
    with _user_errors(candidate):
        return count_parameters(candidate.model, dataset.image_shape, len(dataset.class_names))


def network_work(candidate: Candidate, dataset: DatasetInfo) -> int:
    """Return the multiply-adds of a candidate's network for one image."""
    with _user_errors(candidate):
        return multiply_adds(candidate.model, dataset.image_shape, len(dataset.class_names))


def check_network(candidate: Candidate, dataset: DatasetInfo) -> None:
    """Raise UserCodeError unless a network of the user's returns logits for the dataset's images.

    Raises ValueError if it cannot be built.
    """
    with _user_errors(candidate):
        check_output(candidate.model, dataset.image_shape, len(dataset.class_names))


def check_training(candidate: Candidate, dataset: DatasetInfo) -> None:
    """Raise UserCodeError unless a network of the user's, which can be built, can be trained.

    It takes a step on few random images, on the CPU, and changes no random state.
    """
    with _user_errors(candidate, training=True):
        check_step(candidate.model, dataset.image_shape, len(dataset.class_names))


@contextmanager
def _user_errors(candidate: Candidate, *, training: bool = False) -> Iterator[None]:
    """Raise errors of a user's network in one line.

    A ValueError means that it does not fit, unless it is known to and is in `training`.
    """
    try:
        with prints_to_stderr():
            yield
    except Exception as error:
        if type(candidate.model) in FAMILIES or (isinstance(error, ValueError) and not training):
            raise
        ours = isinstance(error, NetworkError)
        what = first_line(error) if ours else describe_error(error)
        when = "in training mode: " if training else ""
        raise UserCodeError(
            f"network family {candidate.model.kind!r}: {when}{what}{place_in_user_code(error)}"
        ) from error


def network_costs(candidate: Candidate, dataset: DatasetInfo) -> dict[str, float]:
    """Return the costs that follow from a candidate's network, without a training, by name."""
    return {
        PARAMETERS.name: network_size(candidate, dataset),
        MULTIPLY_ADDS.name: network_work(candidate, dataset),
    }
