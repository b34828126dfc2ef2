"""What report.json says of the test: its figures, and where the model fails. Pure."""

from typing import final

from search.report.facts.base import Facts, Interval, Number


@final
class ClassFacts(Facts):
    """One class on the test images; shares are fractions."""

    name: str
    """The class."""
    precision: Number
    """Of the images called so, those that are."""
    recall: Number
    """Of its images, those called so."""
    f1: Number
    """Harmonic mean of both."""
    support: int
    """Its test images."""


@final
class MistakeFacts(Facts):
    """A test image that the model got wrong."""

    index: int
    """Its place in the test set, from 0."""
    true_class: int
    """Its class, an index of the dataset's class names."""
    predicted_class: int
    """What it was called, likewise."""
    probability: Number
    """How sure the model was, a fraction."""


@final
class ResultFacts(Facts):
    """The final model on the test images."""

    accuracy: Number
    """Share of the images that are right."""
    interval: Interval
    """The accuracy's 95% Wilson interval."""
    loss: Number
    """Mean loss over images, in nats."""
    n_images: int
    """Test images."""
    classes: tuple[ClassFacts, ...]
    """One a class, in the order of the labels."""
    confusion: tuple[tuple[int, ...], ...]
    """confusion[i][j] counts images of class i that were called j."""
    confused_pairs: tuple[tuple[str, str, int], ...]
    """True class, what it was called, images; the most frequent first."""
    mistakes: tuple[MistakeFacts, ...]
    """The mistakes that it was surest of, the surest first."""
