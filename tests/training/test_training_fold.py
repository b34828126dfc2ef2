"""One network in training: repeatable, independent of everything around it, and blind."""

from dataclasses import replace
from itertools import chain
from typing import Any, Literal
from unittest.mock import Mock

import pytest
import torch

from cifar_models import CNNConfig, MLPConfig
from search.data.dataset import ChannelStatistics, TrainSplit
from search.training.history import FoldEpoch
from search.training.settings import TrainingSettings
from search.training.trainer import FoldTask, FoldTraining
from spaces.augmentation import Augmentation, MixUp, Pipeline
from spaces.candidate import Candidate, SGDConfig
from spaces.losses import FocalLoss, balanced_weights
from spaces.schedules import (
    ConstantSchedule,
    CosineSchedule,
    PlateauSchedule,
    ReplaySchedule,
)
from tests.spaces.augmentation_examples import EXAMPLES

N_TRAIN, N_VALIDATION, N_CLASSES = 30, 10, 3
STATISTICS = ChannelStatistics((120.0, 130.0, 125.0), (70.0, 71.0, 72.0))
MLP = Candidate(
    model=MLPConfig(hidden_widths=(8,), dropouts=(0.5,)),
    optimizer=SGDConfig(learning_rate=0.05, momentum=0.0),  # no state beside the weights
    batch_size=8,
)
CNN = Candidate(
    model=CNNConfig(channels=(8, 8), head_dropout=0.1),
    optimizer=SGDConfig(learning_rate=0.05),
    batch_size=8,
    augmentation="flip",
)
AUGMENTED: dict[str, str | tuple[Augmentation, ...]] = {
    "flip_preset": "flip",
    "flip_crop_preset": "flip_crop",
    **{name: (one,) for name, one in EXAMPLES.items()},
}
State = dict[str, torch.Tensor]


def random_data(seed: int = 0, n: int = N_TRAIN + N_VALIDATION) -> TrainSplit:
    generator = torch.Generator().manual_seed(seed)
    images = torch.randint(0, 256, (n, 3, 8, 8), dtype=torch.uint8, generator=generator)
    return TrainSplit(images, torch.randint(0, N_CLASSES, (n,), generator=generator))


def make_task(**changes: Any) -> FoldTask:
    task = FoldTask(
        train=torch.arange(N_TRAIN),
        validation=torch.arange(N_TRAIN, N_TRAIN + N_VALIDATION),
        statistics=STATISTICS,
        schedule=ConstantSchedule(0.05),
        seed=3,
    )
    return replace(task, **changes)


def make_training(
    candidate: Candidate = MLP,
    data: TrainSplit | None = None,
    settings: TrainingSettings | None = None,
    **task: Any,
) -> FoldTraining:
    settings = settings or TrainingSettings(epochs=3)
    return FoldTraining(candidate, make_task(**task), data or random_data(), N_CLASSES, settings)


def run(training: FoldTraining, epochs: int = 3) -> tuple[list[FoldEpoch], State]:
    """Return the figures, without the wall time, and the state that they end with."""
    figures = [replace(training.run_epoch(e), seconds=0.0) for e in range(1, epochs + 1)]
    return figures, training.model.state_dict()


def same(a: State, b: State) -> bool:
    return all(torch.equal(a[name], b[name]) for name in a)


@pytest.mark.parametrize("candidate", [MLP, CNN], ids=["mlp", "cnn"])
def test_training_repeats_bit_for_bit(candidate: Candidate) -> None:
    """The same task gives the same figures and weights, to the last bit."""
    (first, weights), (second, others) = (run(make_training(candidate)) for _ in range(2))
    assert first == second
    assert same(weights, others)


@pytest.mark.parametrize("candidate", [MLP, CNN], ids=["mlp", "cnn"])
def test_global_generator_neither_matters_nor_moves(candidate: Candidate) -> None:
    """Training does not read the global random state, and leaves it as it was."""
    expected = run(make_training(candidate))
    torch.manual_seed(123)
    before = torch.get_rng_state()
    figures, weights = run(make_training(candidate))
    assert torch.equal(torch.get_rng_state(), before)
    assert figures == expected[0]
    assert same(weights, expected[1])


def test_seed_decides_initialisation_and_course() -> None:
    """Another seed gives other first weights and another course."""
    one, other = make_training(), make_training(seed=4)
    assert not same(one.model.state_dict(), other.model.state_dict())
    assert run(one)[0] != run(other)[0]


def test_an_epoch_depends_on_its_number_and_the_state_alone() -> None:
    """From a copied state, epoch 2 goes as it went in one run; as epoch 3 it goes otherwise."""
    whole, resumed, other = make_training(), make_training(), make_training()
    whole.run_epoch(1)
    for copy in (resumed, other):
        copy.model.load_state_dict(whole.model.state_dict())
    expected = whole.run_epoch(2)
    assert resumed.run_epoch(2).train_loss == expected.train_loss
    assert other.run_epoch(3).train_loss != expected.train_loss


def epoch_batches(
    monkeypatch: pytest.MonkeyPatch, n_train: int, epochs: int
) -> list[list[list[int]]]:
    """Return the images of each batch of each epoch, as they enter training."""
    images = torch.arange(n_train, dtype=torch.uint8).view(-1, 1, 1, 1).expand(-1, 3, 8, 8)
    data = TrainSplit(images, torch.zeros(n_train, dtype=torch.int64))
    plain = ChannelStatistics((0.0,) * 3, (1.0,) * 3)
    training = make_training(
        data=data, train=torch.arange(n_train), validation=None, statistics=plain
    )
    met: list[list[list[int]]] = []

    def remember(_: object, images: torch.Tensor, draws: object) -> torch.Tensor:
        met[-1].append(images[:, 0, 0, 0].int().tolist())
        return images

    monkeypatch.setattr(Pipeline, "change_pixels", remember)
    for epoch in range(1, epochs + 1):
        met.append([])
        training.run_epoch(epoch)
    return met


def test_every_epoch_meets_every_image_in_an_order_of_its_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The order is drawn anew each epoch, and each image comes exactly once."""
    orders = [list(chain(*batches)) for batches in epoch_batches(monkeypatch, N_TRAIN, 3)]
    assert [sorted(order) for order in orders] == [list(range(N_TRAIN))] * 3
    assert len({tuple(order) for order in orders}) == 3
    assert list(range(N_TRAIN)) not in orders


@pytest.mark.parametrize(
    ("n_train", "sizes"), [(24, [8, 8, 8]), (26, [8, 8, 8, 2]), (25, [8, 8, 8])]
)
def test_a_single_trailing_image_is_left_out(
    n_train: int, sizes: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The last batch may be smaller, but a batch of one has no batch-norm statistics."""
    (batches,) = epoch_batches(monkeypatch, n_train, 1)
    assert [len(batch) for batch in batches] == sizes


def test_the_image_left_out_is_another_one_each_epoch(monkeypatch: pytest.MonkeyPatch) -> None:
    """The image without a batch is drawn anew each epoch, so that none is lost."""
    missing = [
        set(range(25)) - set(chain(*batches)) for batches in epoch_batches(monkeypatch, 25, 6)
    ]
    assert {len(one) for one in missing} == {1}
    assert len(set.union(*missing)) > 1


def shuffle_validation(data: TrainSplit) -> TrainSplit:
    """Return other validation images and labels beside the same training ones."""
    other, keep = random_data(seed=99), torch.arange(N_TRAIN + N_VALIDATION) < N_TRAIN
    images = torch.where(keep[:, None, None, None], data.images, other.images)
    return TrainSplit(images, torch.where(keep, data.labels, other.labels))


@pytest.mark.parametrize("candidate", [MLP, CNN], ids=["mlp", "cnn"])
def test_validation_images_never_reach_the_weights(candidate: Candidate) -> None:
    """Whatever is validated on, weights, buffers and training figures are the same."""
    figures, weights = run(make_training(candidate))
    others, other_weights = run(make_training(candidate, shuffle_validation(random_data())))
    assert same(weights, other_weights)
    assert [f.train_loss for f in figures] == [f.train_loss for f in others]
    assert [f.validation_loss for f in figures] != [f.validation_loss for f in others]


def test_images_of_neither_part_never_matter() -> None:
    """Images that no index names influence nothing."""
    data = random_data()
    more = random_data(seed=5, n=20)
    wide = TrainSplit(torch.cat([data.images, more.images]), torch.cat([data.labels, more.labels]))
    expected, weights = run(make_training())
    figures, others = run(make_training(data=wide))
    assert figures == expected
    assert same(weights, others)


def test_statistics_are_those_given() -> None:
    """Images are normalised by the task's statistics: scaling both changes next to nothing."""
    data = random_data()
    halved = TrainSplit(data.images // 2, data.labels)
    doubled = TrainSplit(halved.images * 2, data.labels)
    even = ChannelStatistics((100.0, 110.0, 120.0), (60.0, 70.0, 80.0))
    half = ChannelStatistics((50.0, 55.0, 60.0), (30.0, 35.0, 40.0))
    expected, _ = run(make_training(data=doubled, statistics=even))
    assert run(make_training(data=halved, statistics=half))[0] == expected
    assert run(make_training(data=doubled, statistics=half))[0] != expected


def test_without_validation_there_are_no_validation_figures() -> None:
    """A refit trains as the fold does and has nothing to report on validation."""
    expected, weights = run(make_training())
    figures, others = run(make_training(validation=None))
    assert same(weights, others)
    assert {(f.validation_loss, f.validation_accuracy) for f in figures} == {(None, None)}
    assert [f.train_loss for f in figures] == [f.train_loss for f in expected]


def test_plateau_listens_to_its_own_validation_loss() -> None:
    """The recorded rates are those that the rule makes of the recorded losses."""
    rule = PlateauSchedule(0.5, factor=0.5, patience=0)
    figures, _ = run(make_training(schedule=rule), 6)
    for one in figures:
        assert one.learning_rate == rule.learning_rate
        assert one.validation_loss is not None
        rule = rule.after(one.validation_loss)
    assert len({one.learning_rate for one in figures}) > 1


def test_learning_rate_is_that_of_the_first_step() -> None:
    """The history records the rate with which the epoch begins."""
    figures, _ = run(make_training(schedule=CosineSchedule(0.1, 3)))
    rates = [CosineSchedule(0.1, 3).rates(epoch, 4)[0] for epoch in (1, 2, 3)]
    assert [one.learning_rate for one in figures] == pytest.approx(rates)


def test_replayed_rates_are_used() -> None:
    """A rate of next to nothing in epoch 2 leaves the weights where epoch 1 put them."""
    training = make_training(schedule=ReplaySchedule((0.1, 1e-30)))
    _, after_one = run(training, 1)
    before = {name: value.clone() for name, value in after_one.items() if "weight" in name}
    training.run_epoch(2)
    assert same(before, training.model.state_dict())


@pytest.mark.slow
@pytest.mark.parametrize("name", AUGMENTED)
def test_augmentation_reaches_the_training_images(name: str) -> None:
    """Augmentation changes what the network learns from."""
    plain, _ = run(make_training())
    figures, _ = run(make_training(MLP.model_copy(update={"augmentation": AUGMENTED[name]})))
    assert [f.train_loss for f in figures] != [f.train_loss for f in plain]


@pytest.mark.slow
@pytest.mark.parametrize("name", AUGMENTED)
def test_validation_images_are_not_augmented(name: str) -> None:
    """A network that rests is validated alike with and without augmentation."""
    model = MLPConfig(hidden_widths=(8,), dropouts=(0.0,), batch_norm=False)
    first, second = (
        run(make_training(MLP.model_copy(update=changes), schedule=ConstantSchedule(0.0)))[0]
        for changes in ({"model": model}, {"model": model, "augmentation": AUGMENTED[name]})
    )
    assert [f.validation_loss for f in first] == [f.validation_loss for f in second]
    assert [f.train_loss for f in first] != [f.train_loss for f in second]


@pytest.mark.parametrize(
    "field",
    ["label_smoothing", "gradient_clip", "batch_size", "test_time_flip", "loss", "class_weights"],
)
def test_every_training_setting_has_an_effect(field: str) -> None:
    """A candidate's training settings all reach the loop."""
    values = {
        "label_smoothing": 0.3,
        "gradient_clip": 0.01,
        "batch_size": 15,
        "test_time_flip": True,
        "loss": FocalLoss(gamma=1),
        "class_weights": "balanced",
    }
    expected, _ = run(make_training())
    assert run(make_training(MLP.model_copy(update={field: values[field]})))[0] != expected


@pytest.mark.parametrize("candidate", [MLP, CNN], ids=["mlp", "cnn"])
def test_class_weights_know_nothing_of_the_validation_labels(candidate: Candidate) -> None:
    """Other validation labels, and images that no fold uses, leave the training as it is."""
    weighted = candidate.model_copy(update={"class_weights": "balanced"})
    data = random_data(n=N_TRAIN + N_VALIDATION + 5)
    labels = data.labels.clone()
    labels[N_TRAIN:] = 0
    (first, weights), (second, others) = (
        run(make_training(weighted, one)) for one in (data, TrainSplit(data.images, labels))
    )
    assert [f.train_loss for f in first] == [f.train_loss for f in second]
    assert [f.validation_loss for f in first] != [f.validation_loss for f in second]
    assert same(weights, others)
    part = data.labels[:N_TRAIN]
    found = make_training(weighted, data)._learner.loss.weights
    assert found is not None
    assert torch.equal(found, balanced_weights(part, N_CLASSES))


@pytest.mark.parametrize(
    "changes",
    [
        {"loss": FocalLoss(gamma=4)},
        {"class_weights": "balanced"},
        {"label_smoothing": 0.5},
        {"augmentation": (MixUp(alpha=1.0),)},
    ],
    ids=lambda one: next(iter(one)),
)
def test_validation_is_plain_cross_entropy_whatever_is_minimized(changes: dict[str, Any]) -> None:
    """So that trials can be compared: a network that rests is validated alike."""
    model = MLPConfig(hidden_widths=(8,), dropouts=(0.0,), batch_norm=False)
    first, second = (
        run(make_training(MLP.model_copy(update=one), schedule=ConstantSchedule(0.0)))[0]
        for one in ({"model": model}, {"model": model, **changes})
    )
    assert [f.validation_loss for f in first] == [f.validation_loss for f in second]
    assert [f.train_loss for f in first] != [f.train_loss for f in second]


@pytest.mark.parametrize(
    "changes",
    [
        {"label_smoothing": 0.3},
        {"loss": FocalLoss(gamma=3)},
        {"class_weights": "balanced", "label_smoothing": 0.1},
    ],
    ids=["smoothing", "focal", "weights"],
)
@pytest.mark.parametrize("mean_over", ["images", "batches"])
def test_the_training_loss_is_also_measured_as_the_validation_loss_is(
    changes: dict[str, Any], mean_over: Literal["images", "batches"]
) -> None:
    """Of a network that rests: both are the same where images are the same, whatever is minimized.

    It costs no further pass, and what is minimized stays recorded.
    """
    model = MLPConfig(hidden_widths=(8,), dropouts=(0.0,), batch_norm=False)
    settings = TrainingSettings(1, mean_over=mean_over, evaluation_batch=8)
    plain, other = (
        run(
            make_training(
                MLP.model_copy(update={"model": model, **one}),
                settings=settings,
                validation=torch.arange(N_TRAIN),
                schedule=ConstantSchedule(0.0),
            ),
            1,
        )[0][0]
        for one in ({}, changes)
    )
    assert plain.train_cross_entropy is None
    assert plain.plain_train_loss() == plain.train_loss
    assert other.train_cross_entropy == pytest.approx(plain.train_loss, rel=1e-6)
    assert other.plain_train_loss() == other.train_cross_entropy
    assert other.train_loss != pytest.approx(plain.train_loss, rel=1e-3)
    if mean_over == "images":  # batches of training and validation hold other images
        assert other.train_cross_entropy == pytest.approx(other.validation_loss, rel=1e-5)


def test_of_a_mixed_image_the_larger_part_is_the_right_class(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Kept shares above a half count the image's own class, below it that of the one before."""
    labels = torch.tensor([0, 1, 2] * 10 + [0] * N_VALIDATION)
    images = torch.zeros(len(labels), 3, 8, 8, dtype=torch.uint8)
    images[torch.arange(len(labels)), labels] = 200
    for kept in (0.8, 0.3):
        shares = torch.full((1, 8), kept)
        monkeypatch.setattr(MixUp, "draw", lambda self, size, _, s=shares: s[:, :size])
        candidate = MLP.model_copy(
            update={
                "augmentation": (MixUp(),),
                "model": MLPConfig(hidden_widths=(8,), dropouts=(0.0,)),
            }
        )
        training = make_training(candidate, TrainSplit(images, labels))
        add = Mock(wraps=training._metrics.add)
        monkeypatch.setattr(training._metrics, "add", add)
        batches = training._batches(1)
        training.run_epoch(1)
        for batch, call in zip(batches, add.call_args_list, strict=True):
            own, right = labels[batch.indices], call.args[2]
            assert torch.equal(right, own if kept > 0.5 else own.roll(1))


def easy_data() -> TrainSplit:
    """Noise with one bright channel, which says the class."""
    generator = torch.Generator().manual_seed(1)
    labels = torch.arange(120) % N_CLASSES
    images = torch.randint(0, 60, (120, 3, 8, 8), generator=generator)
    images[torch.arange(120), labels] += 150
    return TrainSplit(images.to(torch.uint8), labels)


@pytest.mark.slow
@pytest.mark.parametrize("candidate", [MLP, CNN], ids=["mlp", "cnn"])
def test_bf16_learns(candidate: Candidate) -> None:
    """In bf16 an easy problem is learned, with float32 weights and close to fp32's first loss."""
    parts = {"train": torch.arange(90), "validation": torch.arange(90, 120)}
    model = candidate.model
    steady = (
        replace(model, head_dropout=0.0)
        if isinstance(model, CNNConfig)
        else MLPConfig(hidden_widths=(16,), dropouts=(0.0,))
    )
    candidate = candidate.model_copy(update={"model": steady})
    training, plain = (
        make_training(candidate, easy_data(), TrainingSettings(8, precision=precision), **parts)
        for precision in ("bf16", "fp32")
    )
    figures, weights = run(training, 8)
    assert figures[-1].validation_accuracy is not None
    assert figures[-1].validation_accuracy > 0.9
    assert {value.dtype for value in weights.values() if value.is_floating_point()} == {
        torch.float32
    }
    first = replace(plain.run_epoch(1), seconds=0.0)
    assert figures[0].train_loss == pytest.approx(first.train_loss, rel=0.05)
    assert figures[0] != first
