"""Recipe: every setting of a study, from a TOML file and flags, validated in one place."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self, final

import tomli_w
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    field_serializer,
    model_validator,
)

from search.checks import (
    OneOf,
    check_device,
    check_study_name,
    describe_errors,
    expand_home,
    find_beside,
    plain,
    unknown_setting,
    without_password,
)
from search.errors import UserError
from search.metric import metric_name
from search.objectives import check_objectives, check_trials, with_metric
from search.protocol import StudyProtocol, protocol_of
from search.recipe_fields import (
    LARGEST,
    METRIC_NAMES,
    PRUNER_NAMES,
    SAMPLER_NAMES,
    SPACE_NAMES,
    Duration,
    Folder,
    Ranges,
    Text,
    batch_by_default,
    pruner_by_default,
    setting,
    trials_by_default,
)
from search.text import listed
from search.toml_file import read_toml
from search.tuning.pruners import PRUNERS
from search.tuning.samplers import SAMPLERS, get_sampler

_IN_FILES = ("space", "sampler", "metric", "objective")  # which may be a user's FILE.py:NAME


def _read(path: Path) -> dict[str, Any]:
    """Return the settings of a recipe's file; files that only are beside it are named there."""
    values = read_toml(path)
    named = {name: values[name] for name in _IN_FILES if name in values}
    try:
        return values | {name: find_beside(value, path.parent) for name, value in named.items()}
    except ValueError as error:
        raise UserError(f"{path}: {error}") from error


def _first_given(settings: Mapping[str, object]) -> str:
    """Return the first setting that has a value, with it; "" if none has."""
    given = (f"{name} {value!r}" for name, value in settings.items() if value is not None)
    return next(given, "")


IMAGE_SETTINGS = (
    "image_size", "resize", "test_fraction", "skip_broken", "image_column", "label_column",
    "split_column", "groups", "drop_duplicates",
)  # fmt: skip
"""The settings that decide which images a dataset has, and how they are prepared."""


@final
class Recipe(BaseModel):
    """Every setting of a study; the defaults are the program's defaults.

    The fields' descriptions are also the help of the command line's options. Times are in seconds.
    When written out, `storage` has no password; it can come from PGPASSWORD or ~/.pgpass.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)

    space: Text = Field(description=f"Search space: {SPACE_NAMES}")
    set: Ranges = setting(
        None,
        "Another range of one of the space's parameters: NAME=LOW..HIGH, NAME=CHOICE,CHOICE or "
        "NAME=VALUE; can be given several times",
    )
    sampler: Annotated[str, SAMPLER_NAMES] = setting("random", "How configurations are chosen")
    batch: int | None = setting(
        None,
        "Trials that an adaptive sampler chooses together",
        means=batch_by_default(),
        ge=1,
        le=LARGEST,
    )
    pruner: Annotated[str, OneOf(PRUNER_NAMES)] = setting(
        "auto", "Which rule ends unpromising trials early", means=pruner_by_default()
    )
    trials: int | None = setting(
        None, "Number of trials", means=trials_by_default(), ge=1, le=LARGEST
    )
    epochs: int = setting(
        40,
        "Max epochs per trial",
        means="27 if trials are compared early, else 15, or as the budget allows; 40 for grid and "
        "baseline",
        ge=1,
        le=LARGEST,
    )
    timeout: Duration = setting(None, "Start no trial after this time, such as 30m or 2h")
    budget: Duration = setting(
        None,
        "Time for the whole command but for finalists and nested, such as 10m: trials, epochs and "
        "the largest network are chosen so that search, refit, test and report end in it",
        means="1h if trials, epochs and timeout are not given either; a resumed study's own",
    )
    trial_timeout: Duration = setting(
        None, "End a trial that takes longer than this, such as 10m", means="never"
    )
    validation: Literal["holdout", "kfold", "given"] = setting(
        "holdout",
        "How trials are validated; given: on the images that val/ or the table's split column has "
        "for it",
    )
    holdout_fraction: float = setting(
        0.2, "Fraction of the training images held out for validation", gt=0, lt=1
    )
    folds: int = setting(5, "Number of folds with kfold", ge=2, le=LARGEST)
    racing: bool = setting(
        False, "With kfold, start every trial on one fold; only the best earn the others"
    )
    finalists: int | None = setting(
        None,
        "Train so many of the best trials again, with other seeds, before one of them wins; takes "
        "time besides a budget",
        means="none; the best trial wins",
        ge=2,
        le=100,
    )
    repeats: int = setting(5, "Trainings of each finalist", ge=2, le=100)
    ensemble: int | None = setting(
        None,
        "Retrain so many of the best trials, the winner among them, and test the mean of their "
        "probabilities too",
        means="none; only the winner is retrained",
        ge=2,
        le=20,
    )
    metric: Annotated[str, METRIC_NAMES, BeforeValidator(metric_name)] = setting(
        "accuracy", "Validation metric to optimize"
    )
    objective: Text | None = setting(
        None,
        "Metric and costs to trade off, such as accuracy,parameters; costs are parameters, "
        "multiply_adds and latency, measured in ms",
        means="the metric only",
    )
    choose: Text | None = setting(
        None,
        "Which trial wins with several objectives, such as 'best accuracy under 200k'",
        means="the one with the best metric",
    )
    refit: Literal["auto", "one-se", "horizon", "best-epoch"] = setting(
        "auto",
        "How long the winner is retrained on all training images: to the last epoch within one "
        "standard error of its best one, for all epochs, or for those up to its best one",
        means="one-se",
    )
    refit_epochs: int | None = setting(
        None,
        "Epochs of the schedule by which the winner is retrained",
        means="those of a trial; with a budget, as many as the time allows",
        ge=1,
        le=LARGEST,
    )
    seed: int = setting(0, "Seed of all random numbers", ge=0, lt=2**32)
    start: Literal["auto", "portfolio", "baseline", "none"] = setting(
        "auto",
        "What is tried before the sampler chooses: the hand-tuned network and a portfolio of "
        "candidates that were good elsewhere, the hand-tuned network alone, or nothing",
        means="portfolio; baseline for grid",
    )
    start_from: Text | None = setting(
        None, "Another study in the same database, whose best candidates are tried early"
    )
    with_baseline: bool = setting(True, "Try the hand-tuned network first")
    prior: Literal["auto", "on", "off"] = setting(
        "auto",
        "Whether random candidates are drawn as the space's prior says, or uniformly",
        means="on where the space has one",
    )
    max_parameters: int | None = setting(
        None, "Skip networks with more parameters than this", ge=1, le=10**12
    )
    max_multiply_adds: int | None = setting(
        None,
        "Skip networks that need more multiplications than this for one image",
        means="chosen by the budget",
        ge=1,
        le=10**15,
    )
    dataset: Annotated[Text, AfterValidator(expand_home)] = setting(
        "auto",
        "Dataset: auto, cifar10, cifar100, mnist, fashion-mnist, kmnist, svhn, stl10, digits, "
        "an .npz file, a .csv table (or .parquet), an image folder, a saved dataset of Hugging "
        "Face or a decoded dataset (its cache folder)",
    )
    data_dir: Folder = setting(Path("data"), "Folder for datasets and their caches")
    image_size: int | None = setting(
        None,
        "Height and width in pixels that image files are scaled to",
        means="the first image's; 64 where most are larger",
        ge=1,
        le=512,
    )
    resize: Literal["crop", "stretch", "pad"] = setting(
        "crop",
        "How images of another shape are fitted: cut to their centre, distorted, or with borders",
    )
    test_fraction: float = setting(
        0.1, "Fraction of the images set aside for testing if there is no test set", gt=0, lt=1
    )
    skip_broken: bool = setting(False, "Leave out image files that cannot be decoded")
    image_column: Text | None = setting(
        None, "Column of a .csv table that has the images' paths", means="guessed by its name"
    )
    label_column: Text | None = setting(
        None, "Column of a .csv table that has their classes", means="guessed by its name"
    )
    split_column: Text | None = setting(
        None,
        "Column of a .csv table that says train, val or test",
        means="guessed by its name, or none",
    )
    groups: Text | None = setting(
        None,
        "Which images stay together in folds and test set, such as those of one patient: a regular "
        "expression over the images' paths (its first parentheses), or a column of the table",
        means="images are assumed independent",
    )
    duplicates: Literal["auto", "together", "independent"] = setting(
        "auto",
        "Whether copies of an image stay in one fold, or count as independent images",
        means="together; independent for published datasets",
    )
    drop_duplicates: bool = setting(
        False, "Leave copies of test images and of other training images out of the latter"
    )
    study_name: Annotated[str, AfterValidator(check_study_name)] = setting(
        "auto", "Name of the study", means="made from space, sampler and dataset"
    )
    storage: Text | None = setting(None, "Database URL", means="SQLite in runs_dir")
    runs_dir: Folder = setting(Path("runs"), "Folder for studies, models and reports")
    checkpoint_every: int = setting(1, "Epochs between checkpoints; 0: none", ge=0, le=LARGEST)
    workers: int = setting(
        0, "Worker processes; 0: one per core, or as many as fit on the GPU", ge=0, le=1024
    )
    threads: int = setting(1, "Threads per worker", ge=1, le=1024)
    device: Annotated[str, AfterValidator(check_device)] = setting(
        "auto", "Device: auto, cpu, cuda or cuda:N"
    )
    precision: Literal["auto", "fp32", "bf16"] = setting(
        "auto", "Arithmetic", means="bf16 where the device has it; fp32 for baseline"
    )

    @field_serializer("storage")
    def _without_password(self, url: str | None) -> str | None:
        return url and without_password(url)

    @model_validator(mode="after")
    def _can_race(self) -> Self:
        if self.racing and self.validation != "kfold":
            raise ValueError(f"racing needs validation 'kfold', got {self.validation!r}")
        reason = get_sampler(self.sampler).no_racing
        if self.racing and reason is not None:
            able = listed([repr(one.name) for one in SAMPLERS if one.no_racing is None], "or")
            raise ValueError(f"racing needs sampler {able}, got {self.sampler!r}, {reason}")
        return self

    @model_validator(mode="before")
    @classmethod
    def _scored_by_first_objective(cls, values: Any) -> Any:
        return with_metric(values)

    @model_validator(mode="after")
    def _can_trade(self) -> Self:
        check_objectives(self.metric, self.objective, self.choose)
        if self.objective is not None:
            searches = self.protocol.is_search
            check_trials(self.pruner, self.sampler, racing=self.racing, searches=searches)
        return self

    @model_validator(mode="after")
    def _can_use_the_best(self) -> Self:
        refused = {"objective": self.objective}
        if not self.protocol.is_search:
            refused["sampler"] = self.sampler
        if self.ensemble is not None and (given := _first_given(refused)):
            raise ValueError(f"ensemble needs a search, and by one objective, got {given}")
        if self.finalists is not None and (given := _first_given(refused)):
            raise ValueError(f"finalists needs a search by one objective, got {given}")
        return self

    @model_validator(mode="after")
    def _can_pause(self) -> Self:
        pausing = [pruner.name for pruner in PRUNERS if pruner.pauses]
        if self.pruner in pausing and not self.checkpoint_every:
            raise ValueError(
                f"pruner {self.pruner!r} continues trials from checkpoints, got checkpoint_every 0"
            )
        return self

    @model_validator(mode="after")
    def _starts_with_something(self) -> Self:
        if self.start == "none" and self.with_baseline and "with_baseline" in self.model_fields_set:
            raise ValueError(
                "with_baseline tries the hand-tuned network first, got start 'none'; accepted: "
                "start 'baseline'"
            )
        return self

    @model_validator(mode="after")
    def _reproduces_whole(self) -> Self:
        protocol = self.protocol
        if not protocol.is_search and self.pruner not in ("auto", "none"):
            raise ValueError(f"sampler {self.sampler!r} needs pruner 'none', got {self.pruner!r}")
        if protocol.split is not None and self.holdout_fraction != protocol.split.fraction:
            raise ValueError(
                f"sampler {self.sampler!r} has the hand-tuned report's holdout_fraction "
                f"{protocol.split.fraction:g}, got {self.holdout_fraction:g}"
            )
        return self

    @model_validator(mode="after")
    def _reproduces_as_it_is(self) -> Self:
        if not self.protocol.is_search and self.budget is not None:
            raise ValueError(
                f"budget needs a search, as it changes epochs and networks, got budget "
                f"{self.budget:g}s with sampler {self.sampler!r}; accepted: epochs"
            )
        return self

    @property
    def protocol(self) -> StudyProtocol:
        """How the study splits, trains, scores and tests."""
        return protocol_of(self.sampler, self.validation)

    @property
    def deals_folds(self) -> bool:
        """Whether this program deals images to folds, and keeps copies and groups together."""
        return self.validation != "given" and self.protocol.split is None

    @property
    def validation_share(self) -> float:
        """The part of the training images that a fold validates on."""
        return 1 / self.folds if self.validation == "kfold" else self.holdout_fraction

    @property
    def n_folds(self) -> int:
        """Number of folds that a trial is scored on; 1 for holdout."""
        return self.folds if self.validation == "kfold" else 1

    @classmethod
    def from_sources(cls, path: Path | None, flags: Mapping[str, Any]) -> Self:
        """Return the recipe of a TOML file and flags; flags win, None means not given.

        What the file names as `FILE.py:NAME` may be beside it.

        Raises UserError, which names the setting, its value and what is accepted.
        """
        values = _read(path) if path is not None else {}
        values |= {name: plain(value) for name, value in flags.items() if value is not None}
        for name in values:
            if name not in cls.model_fields:
                raise UserError(unknown_setting(name, values[name], list(cls.model_fields)))
        if "space" not in values:
            raise UserError(f"space is missing: give `space` with {SPACE_NAMES}")
        try:
            return cls.model_validate(values)
        except ValidationError as error:
            raise UserError(describe_errors(error)) from error

    def toml(self) -> str:
        """Return the recipe as TOML."""
        return tomli_w.dumps(self.model_dump(mode="json", exclude_none=True))
