"""A candidate's augmentations and loss as code of an exported script."""

from dataclasses import dataclass
from textwrap import indent
from typing import final

from spaces.augmentation import Pipeline, find_augmentation
from spaces.augmentation.base import ScriptStep
from spaces.candidate import Candidate
from spaces.losses import CrossEntropy, balanced_weights_code


@final
@dataclass(frozen=True)
class AugmentationCode:
    """How a script augments the images of a batch.

    Attributes:
        functions: The code of each function to define.
        results: The names of what `call` returns: "chosen" or "chosen, targets".
        call: The call for the images and labels at `batch`.
    """

    functions: tuple[str, ...]
    results: str
    call: str

    @property
    def mixes_labels(self) -> bool:
        """Whether it also returns probabilities of the classes."""
        return "targets" in self.results


def augmentation_code(candidate: Candidate, n_classes: int) -> AugmentationCode:
    """Return the code of a candidate's augmentations."""
    pipeline = find_augmentation(candidate.augmentation)
    steps = [step.script() for step in pipeline.steps]
    if not steps:
        return AugmentationCode((), "chosen", "images[batch]")
    arguments = ["images[batch]"]
    if pipeline.mixes_labels:
        arguments.append("labels[batch]")
    if _is_normalized(pipeline):
        arguments.append("statistics")
    return AugmentationCode(
        functions=_functions(pipeline, steps, n_classes),
        results="chosen, targets" if pipeline.mixes_labels else "chosen",
        call=f"augment({', '.join(arguments)})",
    )


def _is_normalized(pipeline: Pipeline) -> bool:
    return any(step.stage == "normalized" for step in pipeline.steps)


def _functions(pipeline: Pipeline, steps: list[ScriptStep], n_classes: int) -> tuple[str, ...]:
    """Return the steps' functions and, last, `augment`, each once."""
    code = tuple(dict.fromkeys(function for step in steps for function in step.functions))
    if len(code) == 1 and steps[0].lines == (f"images = {_name(code[0])}(images)",):
        return (code[0].replace(f"def {_name(code[0])}(", "def augment("),)
    return (*code, _augment(pipeline, steps, n_classes))


def _name(code: str) -> str:
    return code.removeprefix("def ").partition("(")[0]


_RETURNS = {
    False: ("Tensor", "the images, changed at random."),
    True: ("tuple[Tensor, Tensor]", "changed images and the probabilities of their classes."),
}


def _augment(pipeline: Pipeline, steps: list[ScriptStep], n_classes: int) -> str:
    mixes, normalized = pipeline.mixes_labels, _is_normalized(pipeline)
    kind, words = _RETURNS[mixes]
    arguments = ["images: Tensor"]
    body = [f'"""Return {words}"""']
    if any("device=device" in line for step in steps for line in step.lines):
        body.append("n, device = len(images), images.device")
    if mixes:
        arguments.append("labels: Tensor")
        body.append(f"targets = nn.functional.one_hot(labels, {n_classes}).float()")
    if normalized:
        arguments.append("statistics: Statistics")
    before = [one for one in zip(pipeline.steps, steps, strict=True) if one[0].stage == "pixels"]
    body += [line for _, step in before for line in step.lines]
    if normalized:
        body.append("images = images - statistics[0]  # zero is the mean of the training images")
        body += [line for step in steps[len(before) :] for line in step.lines]
    if normalized:
        body.append(f"return images + statistics[0]{', targets' if mixes else ''}")
    else:
        body.append(f"return {body.pop().removeprefix('images = ')}")
    text = indent("\n".join(body), "    ")
    given = ", ".join(arguments)
    if mixes:  # which is too long for a line
        given = "".join(f"\n    {argument}," for argument in arguments) + "\n"
    return f"def augment({given}) -> {kind}:\n{text}\n"


@final
@dataclass(frozen=True)
class LossCode:
    """How a script computes the loss of a batch.

    Attributes:
        functions: The code of each function to define.
        before: A line before the first step, or nothing.
        lines: What to do with `logits`, and `labels` or `targets`; the last one sets `loss`.
    """

    functions: tuple[str, ...]
    before: str
    lines: tuple[str, ...]


def loss_code(candidate: Candidate, n_classes: int, *, mixed: bool) -> LossCode:
    """Return the code of a candidate's loss.

    Args:
        candidate: What is trained.
        n_classes: How many classes there are.
        mixed: Whether `targets` are there already, as probabilities (N, classes).
    """
    smoothing, given = candidate.label_smoothing, "targets" if mixed else "labels[batch]"
    if isinstance(candidate.loss, CrossEntropy) and candidate.class_weights == "none":
        if not smoothing:
            return LossCode((), "", (f"loss = cross_entropy(logits, {given})",))
        call = f"loss = cross_entropy(logits, {given}, label_smoothing=smoothing)"
        return LossCode((), "", (f"smoothing = {smoothing}", call))
    balanced = candidate.class_weights == "balanced"
    weights = f"balanced_weights(labels, {n_classes})" if balanced else "None"
    function, call = candidate.loss.script()
    hot = f"targets = nn.functional.one_hot(labels[batch], {n_classes}).float()"
    functions = (function, balanced_weights_code() if balanced else "")
    return LossCode(
        functions=tuple(code for code in functions if code),
        before=f"weights, smoothing = {weights}, {smoothing}",
        lines=(*([] if mixed else [hot]), f"loss = {call}"),
    )
