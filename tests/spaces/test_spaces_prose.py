"""Candidates in full sentences."""

import pytest

from spaces import BUILT_IN, AdamConfig, Candidate, CNNConfig, MLPConfig, SGDConfig
from spaces.describe import tell_candidate

HAND_TUNED = {
    "mlp": "Three linear layers have hidden widths of 512 and 256, with batch norm, ReLU and "
    "dropout of 0.4. The network is trained in batches of 64 images by Adam at a learning rate of "
    "0.001, lowered on plateaus, with weight decay 1e-6.",
    "cnn": "Three convolutions of 32, 64 and 128 channels, with 3x3 kernels, ReLU and max pooling, "
    "lead to a flattened head, with dropout of 0.1 after the convolutions and 0.4 in the head. "
    "The network is trained in batches of 64 images by SGD at a learning rate of 0.01, lowered on "
    "plateaus, with momentum 0.9 and weight decay 0.001.",
}


@pytest.mark.parametrize("name", BUILT_IN)
def test_hand_tuned_candidate_in_sentences(name: str) -> None:
    """The hand-tuned networks read as a person would tell them."""
    baseline = BUILT_IN[name].baseline()
    assert baseline is not None
    assert tell_candidate(baseline) == HAND_TUNED[name]


def test_what_is_left_out_is_told() -> None:
    """A network without batch norm and dropout, one convolution, and what the optimizer lacks."""
    bare = MLPConfig(hidden_widths=(8, 4), batch_norm=False, dropouts=(0.0, 0.0))
    words = tell_candidate(Candidate(model=bare, optimizer=SGDConfig(momentum=0.0)))
    assert "with ReLU, without batch norm or dropout." in words
    assert words.endswith("at a learning rate of 0.01, held constant.")
    single = CNNConfig(channels=(16,), conv_dropout=0.0, head_dropout=0.0)
    words = tell_candidate(Candidate(model=single, optimizer=AdamConfig()))
    assert "One convolution of 16 channels" in words
    assert "leads to a flattened head, without dropout." in words


def test_every_setting_that_is_on_is_told() -> None:
    """Smoothing, clipping, augmentation and the mirrored question each have their words."""
    words = tell_candidate(
        Candidate(
            model=MLPConfig(dropouts=(0.1, 0.25)),
            optimizer=SGDConfig(nesterov=True),
            label_smoothing=0.1,
            gradient_clip=1.5,
            augmentation="flip_crop",
            test_time_flip=True,
        )
    )
    for part in (
        "dropout of 0.1 and 0.25",
        "randomly flipped and cropped images",
        "Nesterov momentum 0.9",
        "label smoothing 0.1 and gradients clipped to a norm of 1.5",
        "averaged with those of the mirror image.",
    ):
        assert part in words


def test_every_candidate_of_the_spaces_has_sentences() -> None:
    """Every grid point reads as sentences of its own."""
    for space in BUILT_IN.values():
        told = [tell_candidate(space.candidate(point)) for point in space.grid()]
        assert len(set(told)) == len(told)
