"""What is known of a dataset's images before a study starts, beyond their number."""

from dataclasses import dataclass, field
from typing import final

from search.data.cache import load_origins, read_info
from search.data.copies import CopyCounts
from search.data.dataset import DatasetInfo
from search.text import plural


@final
@dataclass(frozen=True)
class DataQuality:
    """What a reader of results should know of the images.

    Attributes:
        n_groups: Groups of the training images; None: the images are taken for independent.
        n_shared_groups: Groups that have training and test images, in a given test set.
        copies: How many images are copies of others.
        n_left_out: Files that were left out, as they cannot be decoded.
    """

    n_groups: int | None = None
    n_shared_groups: int = 0
    copies: CopyCounts = field(default_factory=CopyCounts)
    n_left_out: int = 0

    @classmethod
    def of(cls, dataset: DatasetInfo) -> "DataQuality":
        """Return what a dataset's cache says of it; raises MachineError if that is damaged."""
        train, test = load_origins(dataset)
        groups, stored = set(train.groups), read_info(dataset.cache_dir)
        return cls(
            n_groups=len(groups) if groups else None,
            n_shared_groups=len(groups & set(test.groups)),
            copies=stored.copies,
            n_left_out=stored.n_left_out,
        )

    def independence(self, *, kept_together: bool) -> str:
        """In words: "images assumed independent", or how many groups there are.

        `kept_together` says whether each of them validates as a whole, or not at all.
        """
        if self.n_groups is None:
            return "images assumed independent"
        if not kept_together:
            return f"images of {plural(self.n_groups, 'group')}, split as given"
        together = f"images of each of {plural(self.n_groups, 'group')} kept together"
        if not self.n_shared_groups:
            return together
        return f"{together} in validation; {self.n_shared_groups} of them are in training and test"
