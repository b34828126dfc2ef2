"""Whether images are of those that a model was trained on."""

from collections.abc import Sequence
from pathlib import Path

from search.formatting import format_score, printable
from search.tuning.records import StudyRecord

_NO_FOLDERS = ("cifar10", "digits")


def seen_warning(images: Sequence[Path], record: StudyRecord) -> str | None:
    """Return in one line that images lie in the folder that the study learned from, else None.

    They are known by their paths; where the folder has no test/, some of them were its test set.
    """
    if record.recipe.dataset in _NO_FOLDERS:
        return None
    dataset = Path(record.recipe.dataset).resolve()
    folder = dataset / "train" if (dataset / "train").is_dir() else dataset
    n_seen = sum(image.resolve().is_relative_to(folder) for image in images)
    if not n_seen:
        return None
    data = record.dataset
    learned = "which this model learned from"
    if not (dataset / "test").is_dir():
        counts = f"learned from {data.n_train:,} and was tested on {data.n_test:,}"
        learned = f"of whose images this model {counts}"
    line = (
        f"{n_seen:,} of {len(images):,} images are of {printable(repr(str(folder)))}, {learned}, "
        "so it is better at them than at new ones"
    )
    if record.test is None:
        return line
    return f"{line}; of test images it got {format_score(record.test.accuracy, 'accuracy')} right"
