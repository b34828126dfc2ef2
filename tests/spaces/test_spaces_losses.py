"""Losses: what they compute of labels and of mixed ones, smoothed and weighted."""

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.utils.class_weight import compute_class_weight
from torch import Tensor
from torch.nn.functional import cross_entropy

from spaces import Candidate, MLPConfig, SGDConfig
from spaces.candidate import candidate_differences, describe_candidate
from spaces.losses import (
    LOSSES,
    CrossEntropy,
    FocalLoss,
    LossConfig,
    TrainingLoss,
    balanced_weights,
    class_weights,
    probabilities,
)

N, CLASSES = 12, 4
WEIGHTS = torch.tensor([0.5, 1.0, 2.0, 0.25])


def batch(seed: int = 0) -> tuple[Tensor, Tensor, Tensor]:
    """Return logits, labels and mixed targets."""
    generator = torch.Generator().manual_seed(seed)
    logits = torch.randn(N, CLASSES, generator=generator) * 2
    labels = torch.randint(0, CLASSES, (N,), generator=generator)
    hot = probabilities(labels, CLASSES)
    return logits, labels, 0.7 * hot + 0.3 * hot.roll(1, 0)


def by_hand(
    logits: Tensor, targets: Tensor, weights: Tensor | None, smoothing: float, gamma: float
) -> float:
    """Return the mean focal loss (gamma 0: cross entropy), one term after the other."""
    total = 0.0
    for scores, target in zip(logits.double(), targets.double(), strict=True):
        for c, p in enumerate(scores.softmax(0)):
            wanted = (1 - smoothing) * target[c] + smoothing / CLASSES
            weight = 1.0 if weights is None else float(weights[c])
            total -= float(weight * wanted * (1 - p) ** gamma * p.log())
    return total / len(logits)


@pytest.mark.parametrize("weights", [None, WEIGHTS], ids=["alike", "weighted"])
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("loss", [CrossEntropy(), FocalLoss(gamma=0.5), FocalLoss(gamma=2)])
def test_smoothing_weights_and_mixing_go_together(
    loss: LossConfig, smoothing: float, weights: Tensor | None
) -> None:
    """Labels are probabilities of 1, probabilities are smoothed, then each class is weighted."""
    logits, labels, mixed = batch()
    gamma = loss.gamma if isinstance(loss, FocalLoss) else 0.0
    for targets in (labels, mixed):
        found = float(TrainingLoss(loss, weights, smoothing)(logits, targets))
        soft = probabilities(targets, CLASSES)
        assert found == pytest.approx(by_hand(logits, soft, weights, smoothing, gamma), rel=1e-5)


@pytest.mark.parametrize("smoothing", [0.0, 0.15])
def test_the_usual_loss_is_torchs_to_the_last_bit(smoothing: float) -> None:
    """What candidates of before were trained with."""
    logits, labels, _ = batch()
    found = TrainingLoss(CrossEntropy(), None, smoothing)(logits, labels)
    assert torch.equal(found, cross_entropy(logits, labels, label_smoothing=smoothing))


@pytest.mark.parametrize("gamma", [0.01, 0.5, 1.0, 2.0, 10.0])
def test_focal_loss_has_finite_gradients_however_sure_a_network_is(gamma: float) -> None:
    """Also at probabilities of 0 and 1, right or wrong."""
    logits = torch.tensor([[1e3, -1e3, 0.0, 0.0], [20.0, 0.0, 0.0, 0.0]], requires_grad=True)
    for labels in ([0, 0], [1, 1]):
        loss = FocalLoss(gamma=gamma).mean(logits, torch.tensor(labels), None, 0.0)
        (gradient,) = torch.autograd.grad(loss, logits)
        assert loss.isfinite()
        assert gradient.isfinite().all()


@given(gamma=st.floats(0.1, 10), seed=st.integers(0, 1000))
@settings(deadline=None, max_examples=40)
def test_focal_loss_never_exceeds_cross_entropy(gamma: float, seed: int) -> None:
    """It is closer to it where the network is wrong than where it is right."""
    logits, labels, _ = batch(seed)
    ratio = [
        float(FocalLoss(gamma=gamma).mean(logits[i : i + 1], labels[i : i + 1], None, 0.0))
        / float(cross_entropy(logits[i : i + 1], labels[i : i + 1]))
        for i in range(N)
    ]
    right = logits.softmax(1)[torch.arange(N), labels]
    assert all(0 <= one <= 1 for one in ratio)
    order = right.argsort().tolist()
    assert [ratio[i] for i in order] == sorted(ratio, reverse=True)


@given(labels=st.lists(st.integers(0, 5), min_size=1, max_size=60))
@settings(deadline=None)
def test_balanced_weights_are_scikit_learns(labels: list[int]) -> None:
    """Of the classes that occur; their mean over the images is 1; a missing class weighs 0."""
    found = balanced_weights(torch.tensor(labels), 6)
    present = np.unique(labels)
    expected = np.zeros(6)
    expected[present] = compute_class_weight("balanced", classes=present, y=np.array(labels))
    assert found.tolist() == pytest.approx(expected.tolist(), rel=1e-5)
    assert float(found[torch.tensor(labels)].mean()) == pytest.approx(1, rel=1e-5)


def test_weights_are_of_a_known_kind() -> None:
    """None where all count alike; an unknown kind is an error."""
    labels = torch.tensor([0, 0, 0, 1])
    assert class_weights("none", labels, 2) is None
    balanced = class_weights("balanced", labels, 2)
    assert balanced is not None
    assert balanced.tolist() == pytest.approx([2 / 3, 2])
    unknown: Any = "other"
    with pytest.raises(ValueError, match="class_weights must be none or balanced, got 'other'"):
        class_weights(unknown, labels, 2)


def test_rare_classes_count_as_much_as_frequent_ones() -> None:
    """With balanced weights each class contributes alike, if a network knows nothing."""
    labels = torch.tensor([0] * 9 + [1] * 3)
    logits = torch.zeros(12, 2)
    loss = TrainingLoss(CrossEntropy(), balanced_weights(labels, 2), 0.0)
    per_class = [
        float(loss(logits[labels == c], labels[labels == c])) * int((labels == c).sum())
        for c in (0, 1)
    ]
    assert per_class[0] == pytest.approx(per_class[1])


@pytest.mark.parametrize("loss", [kind.model_validate({}) for kind in LOSSES])
def test_old_candidates_are_written_as_they_were(loss: LossConfig) -> None:
    """Defaults of the new fields are in neither JSON nor code; other values are in both."""
    plain = Candidate(model=MLPConfig(), optimizer=SGDConfig())
    assert set(plain.model_dump()) == {
        "model", "optimizer", "schedule", "batch_size", "label_smoothing", "augmentation",
        "test_time_flip", "gradient_clip",
    }  # fmt: skip
    assert "loss" not in repr(plain)
    given = plain.model_copy(update={"loss": loss, "class_weights": "balanced"})
    assert given.model_dump()["class_weights"] == "balanced"
    assert ("loss" in given.model_dump()) == (loss != CrossEntropy())
    assert "class_weights='balanced'" in repr(given)


def test_a_difference_in_the_loss_is_told_with_both_values() -> None:
    """Also if one of them is the default, which JSON leaves out."""
    plain = Candidate(model=MLPConfig(), optimizer=SGDConfig())
    focal = plain.model_copy(update={"loss": FocalLoss(gamma=3), "class_weights": "balanced"})
    found = {name: (a, b) for name, a, b in candidate_differences(plain, focal)}
    assert found["loss.name"] == ("cross_entropy", "focal")
    assert found["class_weights"] == ("none", "balanced")
    assert "focal loss (gamma 3); classes weighted by inverse frequency" in describe_candidate(
        focal
    )
