"""Candidates in words."""

from collections.abc import Callable

import pytest

from spaces import BUILT_IN, AdamWConfig, Candidate, CNNConfig, CosineConfig, MLPConfig, SGDConfig
from spaces.candidate import (
    candidate_differences,
    describe_candidate,
    summarize_candidate,
    tell_candidate,
)

SENTENCES = {
    "mlp": "Three linear layers with hidden widths 512 and 256 (batch norm, ReLU, dropout 0.4); "
    "Adam with learning rate 0.001 and weight decay 1e-6, lowered on plateaus; "
    "batches of 64; no augmentation.",
    "cnn": "Three convolutions of 32, 64 and 128 channels (3x3 kernels, ReLU, max pooling, "
    "dropout 0.1) and a flattened head with dropout 0.4; SGD with learning rate 0.01, momentum 0.9 "
    "and weight decay 0.001, lowered on plateaus; batches of 64; no augmentation.",
}


PROSE = {
    "mlp": "The network has three linear layers with hidden widths 512 and 256 (batch norm, ReLU, "
    "dropout 0.4). It is trained with Adam in batches of 64 images, at a learning rate of 0.001, "
    "lowered on plateaus, with weight decay 1e-6.",
    "cnn": "The network has three convolutions of 32, 64 and 128 channels (3x3 kernels, ReLU, max "
    "pooling, dropout 0.1) and a flattened head with dropout 0.4. It is trained with SGD in "
    "batches of 64 images, at a learning rate of 0.01, lowered on plateaus, with momentum 0.9 and "
    "weight decay 0.001.",
}
KEYWORDS = {
    "mlp": "mlp 512-256 relu, adam 0.001, plateau, batch 64",
    "cnn": "cnn 32-64-128 relu, sgd 0.01, plateau, batch 64",
}


@pytest.mark.parametrize("name", SENTENCES)
def test_hand_tuned_candidate_in_words(name: str) -> None:
    """The hand-tuned networks read as a person would write them down, long or short."""
    baseline = BUILT_IN[name].baseline()
    assert baseline is not None
    assert describe_candidate(baseline) == SENTENCES[name]
    assert tell_candidate(baseline) == PROSE[name]
    assert summarize_candidate(baseline) == KEYWORDS[name]


@pytest.mark.parametrize("write", [describe_candidate, tell_candidate])
def test_every_setting_that_is_on_is_told(write: Callable[[Candidate], str]) -> None:
    """Settings that the baseline leaves off are told once they are on, in both forms."""
    words = write(
        Candidate(
            model=MLPConfig(hidden_widths=(8, 4), batch_norm=False, dropouts=(0.1, 0.25)),
            optimizer=SGDConfig(nesterov=True),
            schedule=CosineConfig(),
            label_smoothing=0.1,
            augmentation="flip_crop",
            gradient_clip=1.5,
            test_time_flip=True,
        )
    )
    for part in (
        "no batch norm",
        "dropout 0.1 and 0.25",
        "Nesterov momentum 0.9",
        "along a cosine",
        "label smoothing 0.1",
        "flip",
        "crop",
        "norm of 1.5",
        "mirror image",
    ):
        assert part in words


def test_what_is_off_is_left_out() -> None:
    """An optimizer without momentum or weight decay, a constant rate, unusual betas."""
    plain = Candidate(model=MLPConfig(), optimizer=SGDConfig(momentum=0.0))
    assert tell_candidate(plain).endswith("at a learning rate of 0.01, held constant.")
    assert "SGD with learning rate 0.01, held constant" in describe_candidate(plain)
    fast = Candidate(model=MLPConfig(), optimizer=AdamWConfig(betas=(0.8, 0.99)))
    assert "betas 0.8 and 0.99" in describe_candidate(fast)


def test_every_candidate_of_the_spaces_has_words() -> None:
    """Every grid point reads as one sentence of its own."""
    for space in BUILT_IN.values():
        candidates = [space.candidate(point) for point in space.grid()]
        for write in (describe_candidate, tell_candidate):
            sentences = [write(candidate) for candidate in candidates]
            assert len(set(sentences)) == len(sentences)
            assert all(sentence.endswith(".") for sentence in sentences)


def test_one_convolution_without_dropout() -> None:
    """Numbers agree with their nouns, and a rate of zero is no dropout."""
    model = CNNConfig(channels=(16,), conv_dropout=0.0, head_dropout=0.0)
    words = describe_candidate(Candidate(model=model, optimizer=AdamWConfig()))
    assert words.startswith("One convolution of 16 channels (3x3 kernels, ReLU, max pooling, no d")
    assert "a flattened head with no dropout" in words


def test_same_candidates_have_no_differences() -> None:
    """A candidate differs in nothing from itself."""
    candidate = Candidate(model=CNNConfig(), optimizer=SGDConfig())
    assert candidate_differences(candidate, candidate) == ()


def test_differences_name_nested_fields_and_missing_ones() -> None:
    """A difference has the dotted field and both values; what one side lacks is a dash."""
    a = Candidate(model=MLPConfig(batch_norm=False), optimizer=SGDConfig(learning_rate=0.1))
    b = Candidate(model=MLPConfig(), optimizer=AdamWConfig(learning_rate=1e-6), gradient_clip=1.0)
    differences = {field: (left, right) for field, left, right in candidate_differences(a, b)}
    assert differences["model.batch_norm"] == ("no", "yes")
    assert differences["optimizer.learning_rate"] == ("0.1", "1e-6")
    assert differences["optimizer.momentum"] == ("0.9", "-")
    assert differences["optimizer.betas"] == ("-", "0.9, 0.999")
    assert differences["gradient_clip"] == ("none", "1")
    assert "model.hidden_widths" not in differences


def test_tiny_differences_are_visible() -> None:
    """Values that round to the same text are written in full."""
    a = Candidate(model=CNNConfig(), optimizer=SGDConfig(learning_rate=0.1))
    b = Candidate(model=CNNConfig(), optimizer=SGDConfig(learning_rate=0.1000000001))
    expected = (("optimizer.learning_rate", "0.1", "0.1000000001"),)
    assert candidate_differences(a, b) == expected
