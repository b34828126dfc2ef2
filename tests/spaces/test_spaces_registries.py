"""What every registered optimizer, schedule, augmentation and network family promises."""

import re
from collections.abc import Iterator
from typing import Any

import optuna
import pytest
import torch
from optuna.trial import FixedTrial, Trial
from torch import nn

import spaces
from cifar_models import FAMILIES, ModelConfig, build_model, count_parameters, multiply_adds
from cifar_models.cnn import HEADS, POOLINGS
from cifar_models.family import ACTIVATIONS
from search.evaluation.code import constructor
from search.evaluation.exporting import optimizer_code
from search.training.fused import fuse_for_inference, fuse_for_training
from spaces import BUILT_IN, Candidate, MLPConfig, SGDConfig
from spaces.augmentation import AUGMENTATIONS, Augmentation, Pipeline
from spaces.candidate import describe_candidate, summarize_candidate, tell_candidate
from spaces.losses import LOSSES, CrossEntropy, LossConfig, suggest_loss
from spaces.optimizers import OPTIMIZERS, OptimizerConfig, suggest_optimizer
from spaces.registered import NamedConfig
from spaces.schedules import SCHEDULES, ReplaySchedule, ScheduleConfig, suggest_schedule
from tests.spaces.augmentation_examples import EXAMPLES

SHAPE, CLASSES = (3, 16, 16), 5
REGISTRIES: dict[str, list[str]] = {
    "optimizer": [one.key() for one in OPTIMIZERS],
    "schedule": [one.key() for one in SCHEDULES],
    "family": [one.kind for one in FAMILIES],
    "augmentation": [one.key() for one in AUGMENTATIONS],
    "loss": [one.key() for one in LOSSES],
    "activation": [one.name for one in ACTIVATIONS],
    "pooling": [one.name for one in POOLINGS],
    "head": [one.name for one in HEADS],
}


def key(kind: Any) -> str:
    return kind.__name__ if isinstance(kind, type) else str(kind.name)


optimizers = pytest.mark.parametrize("kind", OPTIMIZERS, ids=key)
schedules = pytest.mark.parametrize("kind", SCHEDULES, ids=key)
families = pytest.mark.parametrize("kind", FAMILIES, ids=key)
augmentations = pytest.mark.parametrize("kind", AUGMENTATIONS, ids=key)
losses = pytest.mark.parametrize("kind", LOSSES, ids=key)


@pytest.fixture
def trials() -> Iterator[Trial]:
    verbosity = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=1))
    yield (study.ask() for _ in range(20))  # type: ignore[misc]
    optuna.logging.set_verbosity(verbosity)


def network() -> nn.Module:
    return nn.Sequential(nn.Flatten(), nn.Linear(12, 7), nn.ReLU(), nn.Linear(7, 3))


def candidates_of(part: object) -> Candidate:
    """Return a candidate with this optimizer, schedule or network."""
    match part:
        case OptimizerConfig():
            return Candidate(model=MLPConfig(), optimizer=part)
        case ScheduleConfig():
            return Candidate(model=MLPConfig(), optimizer=SGDConfig(), schedule=part)
        case ModelConfig():
            return Candidate(model=part, optimizer=SGDConfig())
    raise TypeError(part)


def instances(kind: type[NamedConfig], trials: Iterator[Trial]) -> Iterator[Any]:
    """Yield the default settings and suggested ones."""
    yield kind.model_validate({})
    yield from (kind.suggest(trial) for trial in trials)


@pytest.mark.parametrize("registry", REGISTRIES)
def test_names_are_unique(registry: str) -> None:
    """A stored name means one thing."""
    names = REGISTRIES[registry]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("kind", [*OPTIMIZERS, *SCHEDULES], ids=key)
def test_settings_come_back_from_json_and_code(kind: type[NamedConfig], trials: Any) -> None:
    """A candidate holds each kind, and is the same after JSON and after an exported recipe."""
    for config in instances(kind, trials):
        candidate = candidates_of(config)
        assert Candidate.from_json(candidate.model_dump_json()) == candidate
        assert config.name == kind.key()
        names = vars(spaces) | {type(config).__name__: type(config)}
        assert eval(constructor(candidate), dict(names)) == candidate  # noqa: S307


@pytest.mark.parametrize("kind", [*OPTIMIZERS, *SCHEDULES], ids=key)
def test_suggestions_are_repeated_by_their_parameters(
    kind: type[NamedConfig], trials: Iterator[Trial]
) -> None:
    """What a trial was asked for makes the same settings again."""
    for trial in trials:
        config = kind.suggest(trial)
        assert kind.suggest(FixedTrial(trial.params)) == config


def test_kinds_share_no_parameter() -> None:
    """A good learning rate of one optimizer says nothing of another's."""
    asked: list[set[str]] = []
    for suggest, names, name in (
        (suggest_optimizer, REGISTRIES["optimizer"], "optimizer"),
        (suggest_schedule, REGISTRIES["schedule"], "schedule"),
        (suggest_loss, REGISTRIES["loss"], "loss"),
    ):
        for chosen in names:
            study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=1))
            study.enqueue_trial({name: chosen})
            trial = study.ask()
            assert suggest(trial).name == chosen
            asked.append(set(trial.params) - {name})
    assert sum(map(len, asked)) == len(set().union(*asked))


@pytest.mark.parametrize("kind", [*OPTIMIZERS, *SCHEDULES, *FAMILIES], ids=key)
def test_each_has_words(kind: Any) -> None:
    """Sentence and prose tell it; no line break, and a full stop at the end."""
    candidate = candidates_of(kind())
    for words in (describe_candidate(candidate), tell_candidate(candidate)):
        assert words.endswith(".")
        assert words.isprintable()
        assert getattr(kind, "words", "") in words
    assert summarize_candidate(candidate)


@optimizers
def test_an_optimizer_learns_with_fast_and_plain_steps(
    kind: type[OptimizerConfig], trials: Iterator[Trial]
) -> None:
    """Torch takes every suggested setting, and its fastest implementation changes the weights."""
    for config in instances(kind, trials):
        torch.manual_seed(0)
        model = network()
        optimizer = config.build(model.parameters())
        assert type(optimizer) is kind.torch_class
        assert optimizer.param_groups[0]["lr"] == config.learning_rate
        before = [one.clone() for one in model.parameters()]
        model(torch.randn(4, 12)).square().mean().backward()
        optimizer.step()
        assert any(not torch.equal(a, b) for a, b in zip(before, model.parameters(), strict=True))


@optimizers
def test_an_optimizers_memory_is_what_it_says(
    kind: type[OptimizerConfig], trials: Iterator[Trial]
) -> None:
    """The state after a step, without its counters, has that many values a parameter."""
    for config in instances(kind, trials):
        model = network()
        optimizer = config.build(model.parameters())
        model(torch.randn(4, 12)).square().mean().backward()
        optimizer.step()
        kept = [
            value
            for state in optimizer.state.values()
            for value in state.values()
            if isinstance(value, torch.Tensor) and value.ndim
        ]
        expected = config.state_size() * sum(one.numel() for one in model.parameters())
        assert sum(value.numel() for value in kept) == expected


@optimizers
def test_an_optimizer_starts_from_zeros(
    kind: type[OptimizerConfig], trials: Iterator[Trial]
) -> None:
    """A first step with a state of zeros is one without a state, as a captured step needs it."""
    for config in instances(kind, trials):
        stepped = []
        for zeroed in (True, False):
            torch.manual_seed(0)
            model, images = network(), torch.randn(4, 12)
            optimizer = config.build(model.parameters())
            for first in (True, False)[not zeroed :]:
                weights = [one.detach().clone() for one in model.parameters()]
                model(images).square().mean().backward()
                optimizer.step()
                optimizer.zero_grad(set_to_none=True)
                if first:
                    _rewind(model, optimizer, weights)
            stepped.append(model.state_dict())
        torch.testing.assert_close(stepped[0], stepped[1], rtol=0, atol=0)


def _rewind(
    model: nn.Module, optimizer: torch.optim.Optimizer, weights: list[torch.Tensor]
) -> None:
    with torch.no_grad():
        for parameter, before in zip(model.parameters(), weights, strict=True):
            parameter.copy_(before)
        for state in optimizer.state.values():
            for value in state.values():
                if isinstance(value, torch.Tensor):
                    value.zero_()


@optimizers
def test_an_optimizers_code_makes_the_same_optimizer(
    kind: type[OptimizerConfig], trials: Iterator[Trial]
) -> None:
    """What an exported script builds has our settings, but for torch's implementation."""
    for config in instances(kind, trials):
        model = network()
        names = {"torch": torch, "network": model, "LEARNING_RATE": config.learning_rate}
        theirs = eval(optimizer_code(config), names)  # noqa: S307
        ours = config.build(model.parameters())
        assert type(theirs) is type(ours)
        assert theirs.defaults | dict(config.implementation) == ours.defaults


@optimizers
def test_an_optimizer_tells_every_setting_that_matters(kind: type[OptimizerConfig]) -> None:
    """Two optimizers that differ in a setting differ in their words."""
    base = kind.model_validate({})
    for field, value in base.model_dump().items():
        if field == "name":
            continue
        other = kind.model_validate({field: _another(value)})
        told = [describe_candidate(candidates_of(one)) for one in (base, other)]
        assert told[0] != told[1], field


def _another(value: Any) -> Any:
    match value:
        case bool():
            return not value
        case tuple():
            return tuple(one / 2 for one in value)
        case _:
            return value / 2 or 0.25


@schedules
def test_a_schedule_has_a_rate_for_each_step(kind: type[ScheduleConfig]) -> None:
    """Positive or zero, never above the rate that it was given, and the same twice."""
    config = kind.model_validate({})
    schedule = config.build(0.1, epochs=4)
    for epoch in range(1, 5):
        rates = schedule.rates(epoch, 3)
        assert len(rates) == 3
        assert all(0 <= rate <= 0.1 for rate in rates)
        assert rates == schedule.rates(epoch, 3)
        schedule = schedule.after(1.0)
    hash(repr(schedule))


@schedules
def test_a_refit_needs_no_validation_loss(kind: type[ScheduleConfig]) -> None:
    """It has the search's schedule, or where that listens to losses, the recorded rates."""
    config = kind.model_validate({})
    built, recorded = config.build(0.1, 4), [0.1, 0.1, 0.01, 0.01]
    listens = built.after(1.0).after(2.0) != built
    expected = ReplaySchedule(tuple(recorded)) if listens else built
    assert config.refit(0.1, 4, recorded) == expected


@schedules
def test_a_schedules_script_gives_its_rates(kind: type[ScheduleConfig]) -> None:
    """The function in an exported script is the schedule's, step for step."""
    config, steps, epochs = kind.model_validate({}), 3, 4
    recorded = (0.1, 0.1, 0.01, 0.01)
    names: dict[str, Any] = {"LEARNING_RATE": 0.1, "RATES": recorded}
    exec(f"import math\n{config.script()}", names)  # noqa: S102
    rate, schedule = names.get("learning_rate"), config.refit(0.1, epochs, recorded)
    for epoch in range(epochs):
        for step, expected in enumerate(schedule.rates(epoch + 1, steps)):
            match config.changes:
                case "never":
                    assert rate is None
                    assert expected == 0.1
                case "each epoch":
                    assert rate(epoch) == expected  # type: ignore[misc]
                case "each step":
                    found = rate(epoch * steps + step, epochs * steps)  # type: ignore[misc]
                    assert found == pytest.approx(expected, rel=1e-12)


@augmentations
def test_an_example_of_draws_is_laid_out_as_real_ones(kind: type[Augmentation]) -> None:
    """A captured step is replayed with draws of the example's shape, type and device."""
    pipeline = Pipeline((EXAMPLES[kind.key()],))
    (drawn,) = pipeline.draw([6], [torch.Generator().manual_seed(1)], torch.device("cpu"))
    example = pipeline.example(6, torch.device("cpu"))
    assert [(one.shape, one.dtype) for one in drawn] == [(e.shape, e.dtype) for e in example]
    assert drawn[0].shape == (kind.n_draws, 6)


@augmentations
def test_an_augmentation_keeps_shape_and_type(kind: type[Augmentation]) -> None:
    """Images stay what they are in their stage, square or not, and the given ones are not changed.

    Of the same draws, the result is the same.
    """
    augmentation = EXAMPLES[kind.key()]
    images = torch.randint(0, 256, (6, 3, 8, 10), dtype=torch.uint8)
    if augmentation.stage == "normalized":
        images = images.float() / 64 - 2
    before, draws = images.clone(), augmentation.draw(6, torch.Generator().manual_seed(0))
    torch.manual_seed(0)
    found = augmentation.apply(images, draws)
    assert (found.shape, found.dtype) == (images.shape, images.dtype)
    assert found.isfinite().all()
    assert torch.equal(images, before)
    torch.manual_seed(0)
    assert torch.equal(found, augmentation.apply(images, draws))
    assert not torch.equal(found, images)


@augmentations
def test_an_augmentation_reads_nothing_back_from_the_device(kind: type[Augmentation]) -> None:
    """It works on tensors without values, so its steps can be captured; if not, it says so."""
    augmentation = EXAMPLES[kind.key()]
    drawn = augmentation.draw(6, torch.Generator().manual_seed(0)).to("meta")
    dtype = torch.uint8 if augmentation.stage == "pixels" else torch.float32
    images = torch.empty(6, 3, 8, 10, dtype=dtype, device="meta")
    targets = torch.empty(6, 4, device="meta")
    if not kind.capturable:
        assert Pipeline((augmentation,)).why_not_capturable()
        return
    assert augmentation.apply(images, drawn).shape == images.shape
    assert augmentation.mix_targets(targets, drawn, (8, 10)).shape == targets.shape


@losses
@pytest.mark.parametrize("labels", [True, False])
def test_a_loss_reads_nothing_back_from_the_device(kind: type[LossConfig], labels: bool) -> None:
    """Neither of labels nor of mixed ones."""
    logits = torch.empty(6, 4, device="meta")
    targets = torch.empty(6, dtype=torch.int64, device="meta") if labels else logits
    weights = torch.empty(4, device="meta")
    assert kind.model_validate({}).mean(logits, targets, weights, 0.1).shape == ()


@augmentations
def test_an_augmentation_keeps_the_sum_of_a_target(kind: type[Augmentation]) -> None:
    """Probabilities stay probabilities; those that do not mix leave them alone."""
    augmentation = EXAMPLES[kind.key()]
    targets = torch.eye(6)
    draws = augmentation.draw(6, torch.Generator().manual_seed(0))
    found = augmentation.mix_targets(targets, draws, (8, 10))
    torch.testing.assert_close(found.sum(1), torch.ones(6))
    assert ((found >= 0) & (found <= 1)).all()
    assert torch.equal(found, targets) != kind.mixes_labels


@augmentations
def test_an_augmentation_comes_back_from_json_and_code(kind: type[Augmentation]) -> None:
    """A candidate holds each kind, and is the same after JSON and after an exported recipe."""
    augmentation = EXAMPLES[kind.key()]
    candidate = Candidate(model=MLPConfig(), optimizer=SGDConfig(), augmentation=augmentation)
    assert Candidate.from_json(candidate.model_dump_json()) == candidate
    assert hash(augmentation) == hash(augmentation.model_copy())
    assert eval(constructor(candidate), dict(vars(spaces))) == candidate  # noqa: S307


@augmentations
def test_an_augmentation_is_told(kind: type[Augmentation]) -> None:
    """Its words are in the sentence and in the prose, and every setting is among them."""
    augmentation = EXAMPLES[kind.key()]
    candidate = Candidate(model=MLPConfig(), optimizer=SGDConfig(), augmentation=augmentation)
    words = describe_candidate(candidate)
    assert augmentation.describe() in words
    assert augmentation.keyword() in summarize_candidate(candidate)
    assert tell_candidate(candidate).isprintable()
    for field, value in augmentation.model_dump().items():
        if isinstance(value, float) and field != "name":
            other = augmentation.model_copy(update={field: value / 2 or 0.25})
            assert other.describe() != augmentation.describe(), field


@losses
def test_a_loss_is_told_and_comes_back(kind: type[LossConfig], trials: Iterator[Trial]) -> None:
    """From JSON and code; the usual one goes without saying."""
    for config in instances(kind, trials):
        candidate = Candidate(model=MLPConfig(), optimizer=SGDConfig(), loss=config)
        assert Candidate.from_json(candidate.model_dump_json()) == candidate
        assert eval(constructor(candidate), dict(vars(spaces))) == candidate  # noqa: S307
        usual = config == CrossEntropy()
        assert (config.words in describe_candidate(candidate)) != usual


@families
def test_a_familys_default_network_is_trained_and_evaluated(kind: type[ModelConfig]) -> None:
    """It maps images to logits, fused as well as plain, and gradients reach every weight."""
    torch.manual_seed(0)
    model, images = build_model(kind(), SHAPE, CLASSES), torch.randn(4, *SHAPE)
    fused = fuse_for_training(model).train()
    logits = fused(images)
    assert logits.shape == (4, CLASSES)
    logits.square().mean().backward()
    learning = [one for group in kind().parameter_groups(model) for one in group["params"]]
    assert len(learning) == len(list(model.parameters()))
    assert all(weights.grad is not None for weights in learning)
    inference = fuse_for_inference(model)
    with torch.inference_mode():
        torch.testing.assert_close(inference(images), model.eval()(images), rtol=1e-4, atol=1e-4)


@families
def test_a_familys_estimates_draw_nothing(kind: type[ModelConfig]) -> None:
    """Parameters and multiplications are counted without a network in memory."""
    before = torch.get_rng_state()
    assert count_parameters(kind(), SHAPE, CLASSES) > 0
    assert multiply_adds(kind(), SHAPE, CLASSES) > 0
    assert torch.equal(torch.get_rng_state(), before)


@families
def test_a_familys_depth_is_at_most_its_weights(kind: type[ModelConfig]) -> None:
    """A model folder with fewer arrays than layers is refused before a network is built."""
    weights = build_model(kind(), SHAPE, CLASSES).state_dict()
    assert 1 <= kind().depth <= len(weights)


@families
def test_a_familys_keywords_begin_with_its_kind(kind: type[ModelConfig]) -> None:
    """Tables of several families tell them apart."""
    assert re.match(rf"{kind.kind}\b", kind().keywords())
    assert kind().kind == kind.kind


def test_built_in_spaces_start_from_their_familys_default() -> None:
    """The defaults of a family are the hand-tuned network."""
    baselines = [space.baseline() for space in BUILT_IN.values() if space.baseline_params]
    models = [baseline.model for baseline in baselines if baseline is not None]
    assert len(models) >= 2
    assert all(model == type(model)() for model in models)
