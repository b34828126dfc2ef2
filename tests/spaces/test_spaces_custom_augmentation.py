"""A user's function as an augmentation: its code travels with the candidate, and is tried first."""

import importlib.util
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from spaces import Candidate, CustomAugmentation, MLPConfig, SGDConfig, load_space
from spaces.augmentation import find_augmentation
from spaces.function_source import function_source
from tests.spaces.augmentation_examples import posterize

HEAD = """
import math
import numpy as np
import torch
from torch import Tensor

"""


def from_file(code: str, folder: Path, name: str = "change") -> Callable[..., Any]:
    """Return a function of a file with that code."""
    path = folder / "own.py"
    path.write_text(HEAD + code, encoding="utf-8")
    spec = importlib.util.spec_from_file_location("own", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    function: Callable[..., Any] = vars(module)[name]
    return function


INVERT = '''
LEVELS = 256
UNUSED = math.pi

def white(levels: int) -> int:
    return levels - 1

def change(images: Tensor, strength: float = 1.0) -> Tensor:
    """Return negatives."""
    # A comment.
    return (white(LEVELS) - images.float() * strength).to(torch.uint8)
'''


def test_what_the_function_uses_is_stored_and_nothing_else(tmp_path: Path) -> None:
    """Constants, functions and imports of its file, in their order, without comments."""
    source = function_source(from_file(INVERT, tmp_path))
    assert source == (
        "import torch\nfrom torch import Tensor\nLEVELS = 256\n\n"
        "def white(levels: int) -> int:\n    return levels - 1\n\n"
        "def change(images: Tensor, strength: float=1.0) -> Tensor:\n"
        "    return (white(LEVELS) - images.float() * strength).to(torch.uint8)"
    )


def test_only_what_matters_changes_a_candidate(tmp_path: Path) -> None:
    """Comments do not; a constant that it uses does."""

    def made(code: str) -> CustomAugmentation:
        return CustomAugmentation.from_function(from_file(code, tmp_path))

    first = made(INVERT)
    assert made(INVERT.replace("# A comment.", "# Another.").replace("negatives", "x")) == first
    assert made(INVERT.replace("UNUSED = math.pi", "UNUSED = 3")) == first
    assert made(INVERT.replace("levels - 1", "levels - 2")) != first
    assert CustomAugmentation.from_function(from_file(INVERT, tmp_path), strength=0.5) != first


@pytest.mark.slow
def test_a_candidate_needs_no_file_of_the_users(tmp_path: Path) -> None:
    """Another process, without the file, augments as this one does."""
    custom = CustomAugmentation.from_function(from_file(INVERT, tmp_path), strength=0.5)
    candidate = Candidate(model=MLPConfig(), optimizer=SGDConfig(), augmentation=custom)
    (tmp_path / "own.py").unlink()
    code = (
        "import sys, torch\nfrom spaces import Candidate\n"
        "from spaces.augmentation import find_augmentation\n"
        "candidate = Candidate.from_json(sys.stdin.read())\n"
        "images = torch.full((1, 3, 1, 1), 100, dtype=torch.uint8)\n"
        "draws = (torch.empty(0, 1),)\n"
        "print(find_augmentation(candidate.augmentation).change_pixels(images, draws).tolist())"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        input=candidate.model_dump_json(),
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "[[[[205]], [[205]], [[205]]]]"


def test_reading_a_candidate_runs_nothing() -> None:
    """A stored function is run where it augments, not where a study or a model is read."""
    evil = CustomAugmentation(function="change", source="raise SystemExit(3)")
    candidate = Candidate(model=MLPConfig(), optimizer=SGDConfig(), augmentation=evil)
    again = Candidate.from_json(candidate.model_dump_json())
    assert find_augmentation(again.augmentation).steps == (evil,)


def test_a_rare_difference_is_found_too(tmp_path: Path) -> None:
    """A coin that falls as before in two tries falls otherwise in a later one."""
    code = (
        "def change(images):\n"
        "    change.calls = getattr(change, 'calls', 0) + 1\n"
        "    return images.flip(-1) if change.calls == 4 else images\n"
    )
    with pytest.raises(ValueError, match="other images for the same seed"):
        CustomAugmentation.from_function(from_file(code, tmp_path))


def test_random_numbers_follow_torchs_seed() -> None:
    """The same seed gives the same images, another seed others."""
    custom = CustomAugmentation.from_function(posterize, bits=3)
    images = torch.randint(0, 256, (64, 3, 4, 4), dtype=torch.uint8)
    found = []
    for seed in (0, 0, 1):
        torch.manual_seed(seed)
        found.append(custom.apply(images, torch.empty(0, 64)))
    assert torch.equal(found[0], found[1])
    assert not torch.equal(found[0], found[2])


def test_trying_a_function_out_leaves_the_generator_alone(tmp_path: Path) -> None:
    """Whatever it draws."""
    before = torch.get_rng_state()
    code = "def change(images):\n    return images if torch.rand(()) < 2 else images"
    CustomAugmentation.from_function(from_file(code, tmp_path))
    assert torch.equal(torch.get_rng_state(), before)


SHAPE = r"\(4, 3, 32, 32\)"
WRONG = {
    "shape": ("return images[:, :, ::2]", rf"as it gets them, uint8 {SHAPE}, got uint8 \(4, 3, 16"),
    "type": ("return images.float()", rf"uint8 {SHAPE}, got float32 {SHAPE}"),
    "kind": ("return images.numpy()", "must return a tensor of images, got ndarray"),
    "nothing": ("pass", "must return a tensor of images, got NoneType"),
    "error": ("return images @ 3", "failed on a batch of uint8 images .*: TypeError: "),
    "name": ("return images + missing", "NameError: name 'missing' is not defined"),
    "chance": (
        "return images[..., np.random.default_rng().permutation(images.shape[-1])]",
        "gives other images for the same seed; accepted: random numbers of torch's default",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_function_is_tried_on_a_small_batch(case: str, tmp_path: Path) -> None:
    """What is wrong with it is told before anything is trained."""
    body, words = WRONG[case]
    function = from_file(f"def change(images):\n    {body}\n", tmp_path)
    with pytest.raises(ValueError, match=f"^augmentation 'change' .*{words}"):
        CustomAugmentation.from_function(function)


def test_a_function_without_a_place_is_refused(tmp_path: Path) -> None:
    """Its code could not be stored."""

    def nested(images: torch.Tensor) -> torch.Tensor:
        return images

    for function in (nested, lambda images: images, torch.flip, int):
        with pytest.raises(ValueError, match="must be a function that is defined by `def` at"):
            CustomAugmentation.from_function(function)  # type: ignore[arg-type]


@pytest.mark.parametrize("code", ["import beside", "from beside import x as beside"])
def test_another_file_of_the_users_is_refused(
    code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its text would not be stored; a package that is installed may be used."""
    (tmp_path / "beside.py").write_text("x = 1\n", encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "beside", raising=False)
    function = from_file(f"{code}\ndef change(images):\n    return images * 1 or beside", tmp_path)
    with pytest.raises(ValueError, match=r"'change' uses beside, another file of yours; accepted"):
        function_source(function)
    function = from_file("def change(images):\n    return images + np.uint8(0)", tmp_path)
    assert "import numpy as np" in function_source(function)


SPACE = """
from optuna.trial import BaseTrial
from spaces import Candidate, CustomAugmentation, MLPConfig, SGDConfig, Space

def shrink(images, factor):
    return images[:, :, ::factor]

def suggest(trial):
    factor = trial.suggest_int("factor", 1, 2)
    return Candidate(
        model=MLPConfig(),
        optimizer=SGDConfig(),
        augmentation=CustomAugmentation.from_function(shrink, factor=factor),
    )

SPACE = Space("own", suggest)
"""


def test_a_mistake_is_one_line_when_the_space_is_loaded(tmp_path: Path) -> None:
    """With the line of the user's file that made the augmentation; no point that is rejected."""
    path = tmp_path / "own.py"
    path.write_text(SPACE, encoding="utf-8")
    with pytest.raises(ValueError, match=r"augmentation 'shrink' must return") as caught:
        load_space(f"{path}:SPACE")
    assert "(line 13: augmentation=CustomAug" in str(caught.value)
    assert "\n" not in str(caught.value)
    path.write_text(SPACE.replace("::factor", "::1"), encoding="utf-8")
    assert load_space(f"{path}:SPACE").candidate({"factor": 1})


def test_a_space_may_take_its_function_from_a_file_beside_it(tmp_path: Path) -> None:
    """The code is that of the file where it is defined, which may be gone after loading."""
    helper, path = tmp_path / "changes.py", tmp_path / "own.py"
    helper.write_text("def shrink(images, factor):\n    return images // factor\n", "utf-8")
    body = SPACE.replace("def shrink(images, factor):\n    return images[:, :, ::factor]\n", "")
    path.write_text(f"from changes import shrink\n{body}", encoding="utf-8")
    space = load_space(f"{path}:SPACE")
    helper.unlink()
    (custom,) = find_augmentation(space.candidate({"factor": 2}).augmentation).steps
    images = torch.full((1, 3, 2, 2), 9, dtype=torch.uint8)
    assert torch.equal(custom.apply(images, torch.empty(0, 1)), images // 2)
