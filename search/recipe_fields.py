"""How the settings of a recipe are declared: their types, bounds, and their defaults in words."""

from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, JsonValue

from search.checks import OneOf, check_named, check_path, check_text, parse_duration, parse_ranges
from search.metric import METRICS
from search.text import listed
from search.tuning.pruners import PRUNERS
from search.tuning.samplers import ENOUGH_TO_COMPARE, MANY_TRIALS, SAMPLERS, get_sampler

SPACE_NAMES = (
    "mlp, cnn, resnet, pretrained or FILE.py:NAME"  # a test compares it with spaces.BUILT_IN
)
SAMPLER_NAMES = OneOf(tuple(sampler.name for sampler in SAMPLERS), file="FILE.py:FUNCTION")
METRIC_NAMES = OneOf(tuple(metric.name for metric in METRICS), file="FILE.py:NAME")
PRUNER_NAMES = ("auto", *(pruner.name for pruner in PRUNERS))

Seconds = Annotated[float, Field(gt=0, le=1e9)]
Duration = Annotated[Seconds | None, BeforeValidator(parse_duration)]
Text = Annotated[str, AfterValidator(check_text)]
# TOML only has strings, not paths.
Folder = Annotated[
    Path, Field(strict=False), BeforeValidator(check_named), AfterValidator(check_path)
]
Ranges = Annotated[tuple[Text, ...] | None, BeforeValidator(parse_ranges)]
LARGEST = 100_000  # for what is enumerated before a search, or kept for each trial


def setting(default: object, words: str, *, means: str | None = None, **bounds: Any) -> Any:
    """Return a field of the recipe.

    Args:
        default: Its default value.
        words: What it is, for help and documentation; without the accepted values if the type
            lists them.
        means: What the default stands for if it is None or "auto".
        bounds: Further arguments of pydantic's `Field`.
    """
    extra: dict[str, JsonValue] = {} if means is None else {"means": means}
    return Field(default, description=words, json_schema_extra=extra, **bounds)


def trials_by_default() -> str:
    """Describe how many trials each sampler runs by default."""
    usual = get_sampler("random").default_trials
    early = (
        f"{ENOUGH_TO_COMPARE} for {one.name} with pruner {one.pruner_of_many}"
        for one in SAMPLERS
        if one.pruner_of_many is not None
    )
    others = (
        f"{'all points' if one.default_trials is None else one.default_trials} for {one.name}"
        for one in SAMPLERS
        if one.default_trials != usual
    )
    return "; ".join((str(usual), *early, *others))


def batch_by_default() -> str:
    """Describe how many trials adaptive samplers choose together by default."""
    counts = {one.name: one.default_batch for one in SAMPLERS if one.default_batch is not None}
    return f"{counts['tpe']} for {listed(list(counts))}"


def pruner_by_default() -> str:
    """Describe which pruner "auto" stands for."""
    usual = get_sampler("random").default_pruner
    others: dict[str, list[str]] = {}
    for one in SAMPLERS:
        if one.default_pruner != usual:
            others.setdefault(one.default_pruner, []).append(one.name)
    many = {one.pruner_of_many: one.name for one in SAMPLERS if one.pruner_of_many is not None}
    words = [f"{one} for {name} from {MANY_TRIALS} trials on" for one, name in many.items()]
    words += [f"{pruner} for {listed(samplers)}" for pruner, samplers in others.items()]
    return "; ".join((*words, f"otherwise none, or {usual} if epochs are given"))
