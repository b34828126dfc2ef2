"""Each augmentation changes exactly what it says, for any size of image and any draw."""

import math
from typing import Any

import optuna
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from spaces import Candidate, MLPConfig, SGDConfig
from spaces.augmentation import (
    AUGMENTATIONS,
    Augmentation,
    ColorJitter,
    CutMix,
    Cutout,
    Flip,
    FlipCrop,
    MixUp,
    Pipeline,
    Rotate,
    Translate,
    find_augmentation,
    suggest_augmentations,
)
from spaces.augmentation.base import Stage
from spaces.errors import SettingError
from tests.spaces.augmentation_examples import EXAMPLES

N = 8
MIXTURES = ((MixUp(),), (CutMix(),), (MixUp(), CutMix()), (CutMix(probability=0.5), MixUp()))
sides = st.integers(2, 40)
seeds = st.integers(0, 2**32)


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def candidate(augmentation: Any) -> Candidate:
    return Candidate(model=MLPConfig(), optimizer=SGDConfig(), augmentation=augmentation)


def noise(height: int, width: int, seed: int = 1) -> torch.Tensor:
    return torch.randint(0, 256, (N, 3, height, width), dtype=torch.uint8, generator=seeded(seed))


def middle(augmentation: Augmentation) -> torch.Tensor:
    """Return draws in the middle of their range."""
    return torch.full((augmentation.n_draws, N), 0.5)


@given(height=sides, width=sides, size=st.floats(0.01, 0.99), seed=seeds)
@settings(deadline=None, max_examples=60)
def test_cutout_covers_one_square_of_its_size_and_nothing_else(
    height: int, width: int, size: float, seed: int
) -> None:
    """All of it lies within the image; what is not covered stays as it is."""
    cutout, images = Cutout(size=size), torch.randn(N, 3, height, width).abs() + 1
    found = cutout.apply(images, cutout.draw(N, seeded(seed)))
    side = max(round(size * min(height, width)), 1)
    for before, after in zip(images, found, strict=True):
        blank = (after == 0).all(0)
        rows, columns = blank.any(1), blank.any(0)
        assert int(blank.sum()) == int(rows.sum()) * int(columns.sum()) == side * side
        assert int(rows.nonzero().max() - rows.nonzero().min()) == side - 1
        assert int(columns.nonzero().max() - columns.nonzero().min()) == side - 1
        assert torch.equal(after[:, ~blank], before[:, ~blank])


def test_cutout_reaches_every_place_alike() -> None:
    """Squares of 2 in images of 4 x 5: each of the 12 places about as often."""
    cutout, n = Cutout(size=0.5), 12_000
    found = cutout.apply(torch.ones(n, 1, 4, 5), cutout.draw(n, seeded()))
    first = (found == 0).flatten(1).int().argmax(1)
    counts = first.bincount(minlength=20)
    assert int((counts > 0).sum()) == 12
    assert all(900 < count < 1100 for count in counts[counts > 0].tolist())


@pytest.mark.parametrize(
    "augmentation",
    [Cutout(probability=0.25), MixUp(alpha=1.0, probability=0.25), CutMix(probability=0.25)],
    ids=lambda one: one.name,
)
def test_a_probability_is_the_share_of_changed_images(augmentation: Augmentation) -> None:
    """The others are not changed at all, nor their labels."""
    n = 4000
    draws = augmentation.draw(n, seeded())
    images = torch.arange(1.0, n + 1).view(n, 1, 1, 1).expand(n, 1, 8, 8)
    changed = (augmentation.apply(images, draws) != images).flatten(1).any(1)
    assert 0.22 < float(changed.float().mean()) < 0.28  # some boxes are of no pixel
    targets = torch.eye(2).repeat(n // 2, 1)
    after = augmentation.mix_targets(targets, draws, (8, 8))
    torch.testing.assert_close(after[~changed], targets[~changed], rtol=0, atol=1e-6)


def test_translation_by_nothing_changes_nothing() -> None:
    """Not a bit of it: whole pixels are moved."""
    translate, images = Translate(fraction=0.3), torch.randn(N, 3, 9, 14)
    assert torch.equal(translate.apply(images, middle(translate)), images)


@given(height=sides, width=sides, fraction=st.floats(0.01, 0.5), seed=seeds)
@settings(deadline=None, max_examples=60)
def test_translation_moves_whole_pixels_and_fills_with_the_mean(
    height: int, width: int, fraction: float, seed: int
) -> None:
    """Up to a fraction of the side, at least one pixel; what is moved in is zero."""
    translate, images = Translate(fraction=fraction), torch.randn(N, 3, height, width)
    draws = translate.draw(N, seeded(seed))
    found = translate.apply(images, draws)
    most = [max(round(fraction * side), 1) for side in (height, width)]
    for image, after, drawn in zip(images, found, draws.T, strict=True):
        down, right = (m - int(u * (2 * m + 1)) for u, m in zip(drawn, most, strict=True))
        expected = torch.zeros_like(image)
        expected[:, max(down, 0) : height + down, max(right, 0) : width + right] = image[
            :, max(-down, 0) : height - down, max(-right, 0) : width - right
        ]
        assert abs(down) <= most[0]
        assert abs(right) <= most[1]
        assert torch.equal(after, expected)


def test_a_rotation_by_nothing_changes_nothing_to_speak_of() -> None:
    """Interpolation leaves rounding errors only."""
    rotate, images = Rotate(degrees=30), torch.randn(N, 3, 9, 14)
    torch.testing.assert_close(rotate.apply(images, middle(rotate)), images, rtol=1e-4, atol=1e-4)


def test_quarter_and_half_turns_are_exact() -> None:
    """Either way, of square images; half turns of others too."""
    rotate, square, oblong = Rotate(degrees=90), torch.randn(N, 3, 9, 9), torch.randn(N, 3, 6, 11)
    for drawn, turns in ((0.0, -1), (1.0, 1)):
        found = rotate.apply(square, torch.full((1, N), drawn))
        torch.testing.assert_close(found, square.rot90(turns, (2, 3)), rtol=1e-3, atol=1e-3)
    found = Rotate(degrees=180).apply(oblong, torch.ones(1, N))
    torch.testing.assert_close(found, oblong.flip(2, 3), rtol=1e-3, atol=1e-3)


def test_a_rotation_does_not_distort() -> None:
    """In an image that is not square, a point keeps its distance from the centre."""
    images = torch.zeros(1, 3, 9, 15)
    images[:, :, 4, 10] = 1.0
    found = Rotate(degrees=90).apply(images, torch.ones(1, 1))
    expected = torch.zeros_like(images)
    expected[:, :, 1, 7] = 1.0
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4)


def test_corners_of_turned_images_have_the_mean() -> None:
    """Which is zero."""
    found = Rotate(degrees=45).apply(torch.ones(1, 3, 21, 21), torch.ones(1, 1))
    assert found[0, :, 0, 0].tolist() == [0, 0, 0]
    assert found[0, 0, 10, 10] == pytest.approx(1)


def test_color_jitter_by_nothing_changes_nothing() -> None:
    """Not a level of it."""
    jitter, images = ColorJitter(brightness=1, contrast=1, saturation=1, hue=0.5), noise(6, 7)
    assert torch.equal(jitter.apply(images, middle(jitter)), images)


def jittered(images: torch.Tensor, drawn: float, **strengths: float) -> torch.Tensor:
    """Return the images after a jitter of these strengths only, all drawn alike."""
    none = dict.fromkeys(("brightness", "contrast", "saturation", "hue"), 0.0)
    jitter = ColorJitter(**(none | strengths))
    return jitter.apply(images, torch.full((4, len(images)), drawn)).float()


def test_brightness_multiplies_and_stays_within_a_byte() -> None:
    """From 1 - strength to 1 + strength, rounded; what is too bright is white."""
    images = noise(6, 7)
    expected = (images.float() * 1.5).round().clamp(max=255)
    assert torch.equal(jittered(images, 1.0, brightness=0.5), expected)
    assert torch.equal(jittered(images, 0.0, brightness=1.0), torch.zeros(images.shape))


def test_contrast_and_saturation_go_to_grey() -> None:
    """Without contrast an image is its mean grey; without saturation each pixel its own grey."""
    images = noise(6, 7)
    shares = torch.tensor([0.299, 0.587, 0.114]).view(1, 3, 1, 1)
    grey = (images * shares).sum(1, keepdim=True)
    flat = jittered(images, 0.0, contrast=1.0)
    assert (flat - grey.mean((2, 3), keepdim=True)).abs().max() <= 0.51
    assert (jittered(images, 0.0, saturation=1.0) - grey).abs().max() <= 0.51


def test_a_third_of_the_circle_turns_red_into_green() -> None:
    """And green into blue; grey has no hue."""
    images = torch.tensor([[200, 20, 60], [90, 90, 90]], dtype=torch.uint8).view(2, 3, 1, 1)
    found = jittered(images, 1.0, hue=1 / 3).flatten(1).round().tolist()
    assert found == [[60, 200, 20], [90, 90, 90]]


def test_a_jitter_of_nothing_is_refused() -> None:
    """It would cost time and change nothing."""
    with pytest.raises(SettingError, match="one of brightness, contrast, saturation and hue"):
        ColorJitter(brightness=0, contrast=0, saturation=0)


@given(alpha=st.floats(0.01, 10), probability=st.floats(0.01, 1), seed=seeds)
@settings(deadline=None, max_examples=60)
def test_shares_of_mixed_images_are_shares(alpha: float, probability: float, seed: int) -> None:
    """From 0 to 1, for any alpha, and symmetrical: half on average."""
    for kind in (MixUp, CutMix):
        drawn = kind(alpha=alpha, probability=probability).draw(64, seeded(seed))
        assert ((drawn >= 0) & (drawn <= 1)).all()
        assert drawn.dtype == torch.float32
    kept = MixUp(alpha=alpha).draw(20_000, seeded(seed))[0]
    assert float(kept.mean()) == pytest.approx(0.5, abs=0.02)
    variance = 1 / (4 * (2 * alpha + 1))
    assert float(kept.var()) == pytest.approx(variance, rel=0.1)


@given(
    height=sides,
    width=sides,
    seed=seeds,
    steps=st.sampled_from(MIXTURES),
)
@settings(deadline=None, max_examples=60)
def test_labels_are_mixed_as_images_are(
    height: int, width: int, seed: int, steps: tuple[Augmentation, ...]
) -> None:
    """Images of one value each: the mean of a mixture is that of the values, by its label.

    So the area of a box of CutMix is its weight in the label, also where it is cut off, and mixing
    several times mixes labels as often.
    """
    values, pipeline = torch.randn(N), Pipeline(steps)
    images = values.view(N, 1, 1, 1).expand(N, 3, height, width)
    generators = [seeded(seed + place) for place in range(len(steps))]
    (draws,) = pipeline.draw([N], generators, torch.device("cpu"))
    found = pipeline.change_normalized(images, draws)
    targets = pipeline.mix_targets(torch.eye(N), draws, (height, width))
    torch.testing.assert_close(found.mean((1, 2, 3)), targets @ values, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(targets.sum(1), torch.ones(N))


def test_the_partner_is_the_image_before_and_never_the_image_itself() -> None:
    """Of two images, each meets the other."""
    draws = torch.tensor([[0.25, 0.75]])
    found = MixUp().mix_targets(torch.eye(2), draws, (4, 4))
    assert found.tolist() == [[0.25, 0.75], [0.25, 0.75]]


def test_cutmix_takes_pixels_of_two_images_only() -> None:
    """In one box of the image's shape; the rest is the image's own."""
    cutmix, images = CutMix(), torch.arange(float(N)).view(N, 1, 1, 1).expand(N, 3, 12, 12)
    draws = cutmix.draw(N, seeded())
    found = cutmix.apply(images, draws)
    for index, image in enumerate(found):
        other = (image != index).all(0)
        assert (image[:, other] == (index - 1) % N).all()
        rows, columns = other.any(1), other.any(0)
        assert torch.equal(other, rows[:, None] & columns)
    whole = torch.tensor([[0.75], [0.5], [0.5]]).expand(3, N)  # half of each side, in the middle
    assert (cutmix.apply(images, whole) != images).float().mean() == pytest.approx(0.25)


SETTINGS: dict[str, tuple[type[Augmentation], str, tuple[float, ...], tuple[float, ...]]] = {
    "margin": (FlipCrop, "margin", (1, 32), (0, 33)),
    "fraction": (Translate, "fraction", (0.01, 0.5), (0, 0.51)),
    "degrees": (Rotate, "degrees", (0.1, 180), (0, 181)),
    "size": (Cutout, "size", (0.01, 0.99), (0, 1)),
    "cutout": (Cutout, "probability", (0.01, 1), (0, 1.01)),
    "brightness": (ColorJitter, "brightness", (0, 1), (-0.1, 1.1)),
    "hue": (ColorJitter, "hue", (0, 0.5), (-0.1, 0.51)),
    "mixup": (MixUp, "alpha", (0.01, 10), (0, 10.1)),
    "cutmix": (CutMix, "alpha", (0.01, 10), (0, 10.1)),
    "mixed": (CutMix, "probability", (0.01, 1), (0, 1.01)),
}


@pytest.mark.parametrize("case", SETTINGS)
def test_strengths_have_bounds(case: str) -> None:
    """What lies outside is refused."""
    kind, field, within, outside = SETTINGS[case]
    for value in within:
        assert getattr(kind.model_validate({field: value}), field) == value
    for value in (*outside, math.nan, math.inf):
        with pytest.raises(SettingError):
            kind(**{field: value})


def test_what_a_preset_says_has_one_form() -> None:
    """However it is written, it is the same candidate."""
    forms: dict[str, tuple[Any, ...]] = {
        "flip_crop": ("flip_crop", FlipCrop(), (FlipCrop(),), ("flip_crop",), [FlipCrop(margin=4)]),
        "none": ("none", (), ("none",), ("none", "none")),
    }
    for name, ways in forms.items():
        assert {candidate(way).augmentation for way in ways} == {name}
    assert candidate(("flip", "none", Cutout())).augmentation == (Flip(), Cutout())
    assert candidate(Cutout()) == candidate((Cutout(),))


@pytest.mark.parametrize(
    ("steps", "words"),
    [
        ((Cutout(), "flip_crop"), "flip_crop must come before cutout; accepted: first what"),
        (("flip", MixUp(), ColorJitter()), "color_jitter must come before mixup"),
        ((CutMix(), Translate()), "translate must come before cutmix"),
        ((CutMix(), MixUp(), CutMix()), "cutmix may stand there only once"),
    ],
)
def test_pixels_come_first_and_mixing_last(steps: tuple[Any, ...], words: str) -> None:
    """Another order is refused: it could not be followed, or labels would be wrong."""
    with pytest.raises(SettingError, match=words):
        candidate(steps)


def test_any_other_order_is_accepted() -> None:
    """Also what is done to images twice."""
    assert candidate((ColorJitter(), "flip_crop", Rotate(), Cutout(), Cutout(), CutMix(), MixUp()))


def abs_of(images: torch.Tensor) -> torch.Tensor:
    return images.abs()


@pytest.mark.parametrize(
    ("setting", "where"),
    [
        ("crop", r"augmentation: .*'crop' is no augmentation; accepted: none, flip, flip_crop, c"),
        (("flip", "custom"), r"augmentation: .*'custom' is no augmentation; accepted: none, flip"),
        (abs_of, r"augmentation: .*CustomAugmentation\.from_function\(abs_of\)"),
        (("flip", abs_of), r"augmentation: .*CustomAugmentation\.from_function\(abs_of\)"),
        (3, r"augmentation\.steps"),
        ((Cutout(), 3), r"augmentation\.steps\.1"),
        (({"name": "cutout", "size": 2},), r"augmentation\.steps\.0\.cutout\.size"),
        (({"name": "blur"},), r"augmentation\.steps\.0"),
    ],
)
def test_an_unknown_augmentation_is_refused_with_its_place(setting: Any, where: str) -> None:
    """Which setting, and which of the steps."""
    with pytest.raises(SettingError, match=where):
        candidate(setting)


def test_a_name_stands_for_default_settings() -> None:
    """Alone or among others; what is stored are the settings."""
    assert candidate("cutout").augmentation == (Cutout(),)
    assert candidate(("flip", "rotate", MixUp())).augmentation == (Flip(), Rotate(), MixUp())


def test_a_space_may_choose_which_augmentations_to_use() -> None:
    """Each by a parameter of its own; settings are asked for where it is used."""
    kinds = (FlipCrop, Cutout, MixUp)
    params = {"use_flip_crop": False, "use_cutout": True, "cutout_size": 0.3, "use_mixup": False}
    trial = optuna.trial.FixedTrial(params)
    assert suggest_augmentations(trial, kinds) == (Cutout(size=0.3),)
    assert trial.params == params


def test_presets_are_found_by_name() -> None:
    """And nothing else is."""
    assert find_augmentation("flip").steps == (Flip(),)
    with pytest.raises(ValueError, match="augmentation must be one of none, flip, flip_crop"):
        find_augmentation("cutout")


def test_there_is_an_example_of_each_kind() -> None:
    """The contracts above hold for all; stages are known."""
    assert list(EXAMPLES) == [kind.key() for kind in AUGMENTATIONS]
    known: set[Stage] = {"pixels", "normalized"}
    assert {kind.stage for kind in AUGMENTATIONS} == known
