"""What was studied, what is its status, and how is it reproduced?"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Literal, Self, final

from search.command_lines import run_command
from search.recipe import Recipe
from search.report.blocks import Block, Code, Details, Paragraph, Rows
from search.report.evidence import Evidence
from search.report.finding import (
    HEADLINE,
    REPRODUCE,
    Excerpt,
    Finding,
    MetricName,
    ReportPart,
    Settings,
    Text,
    Unlisted,
    without_folders,
)
from search.report.scoring import ENDED
from search.text import count, duration, percent, plural, times
from search.tuning.records import StudyRecord
from search.tuning.samplers import get_sampler

_FOLDERS = {"data_dir", "runs_dir", "storage"}
_RECIPE = "recipe.toml"


@final
class Change(ReportPart):
    """Code that changed while the study ran, as the user accepted it."""

    time: datetime
    """When it was accepted, ISO 8601."""
    n_trials: int
    """Trials that had ended by then."""
    changes: tuple[Text, ...]
    """What changed, one text per change."""


@final
class Study(Finding):
    """What was searched or reproduced, and whether it has ended."""

    key = "study"
    section = HEADLINE

    name: str
    """The study's name, also that of its folder in the runs folder."""
    kind: Literal["search", "baseline"]
    """Whether candidates were searched, or the hand-tuned one was reproduced."""
    ended: bool
    """Whether the test set was evaluated, which comes last."""
    missing: str | None
    """One sentence on what is still missing; null once the study has ended."""
    metric: MetricName
    """The validation figure by which trials are scored: shares are fractions, losses in nats."""
    validation: str
    """How trials were scored, in words."""
    n_folds: int
    """Folds on which a trial that can win was scored; 1 for holdout."""
    folds_hash: str
    """SHA-256 of the folds' indices."""
    accepted_changes: tuple[Change, ...]
    """Changes of the code while it ran, oldest first."""
    resume: Unlisted[str] = ""  # the command that goes on with it

    @classmethod
    def of(cls, evidence: Evidence) -> Self:
        record = evidence.record
        return cls(
            name=record.name,
            kind=record.recipe.protocol.kind,
            ended=record.test is not None,
            missing=study_status(record),
            metric=record.metric,
            validation=validation_words(record),
            n_folds=record.recipe.n_folds,
            folds_hash=record.folds_hash,
            accepted_changes=tuple(map(Change.model_validate, record.changes)),
            resume=""
            if record.has_no_winner()
            else run_command(record.recipe, record.recipe.trials),
        )

    def blocks(self) -> Iterator[Block]:
        if self.missing is not None:
            resume = " To resume it, from where it was started:" if self.resume else ""
            yield Paragraph(f"{self.missing}{resume}", "notice")
            if self.resume:
                yield Code(self.resume, "sh")
        if self.accepted_changes:
            where = f"“{REPRODUCE.title}” says what changed."
            yield Paragraph(f"The code changed while the study ran: {where}", "notice")


@final
class RecipeSettings(Finding):
    """Every setting except folders and the database; other paths are cut to their last name."""

    key = "recipe"
    section = REPRODUCE
    listed = "settings"
    file_names = (_RECIPE,)

    settings: Settings
    """The settings by name."""
    toml: Unlisted[str]
    repeats: Unlisted[str] = ""  # what it repeats of a search that a time budget planned

    @classmethod
    def of(cls, evidence: Evidence) -> Self:
        recipe, again = evidence.record.recipe, evidence.record.repeatable_recipe()
        settings = recipe.model_dump(mode="json", exclude=_FOLDERS)
        for name, value in settings.items():
            if isinstance(value, str):
                settings[name] = without_folders(value)
        repeats = "" if recipe.budget is None else _repeated(evidence.record, again.trials or 1)
        return cls(settings=settings, toml=again.toml(), repeats=repeats)

    def blocks(self) -> Iterator[Block]:
        yield Paragraph(
            "Copy recipe.toml from the folder of this page to where you start searches. If the "
            f"runs folder still holds this study, add another --study-name.{self.repeats}"
        )
        yield Code(f"python -m search run {_RECIPE}", "sh")
        yield Details("The recipe", (Code(self.toml, "toml"),))

    def file_texts(self) -> Mapping[str, str]:
        """Write the recipe as it stands on the page."""
        return {_RECIPE: self.toml}


def _repeated(record: StudyRecord, n_trials: int) -> str:
    """Say what the recipe repeats of a search that ended with its time."""
    done = record.n_done()
    further = ""
    if n_trials > done:
        cut_off = plural(n_trials - done, "trial")
        further = f", and runs {cut_off} that the end of the time cut off and that may win"
    return (
        f" This repeats the {plural(done, 'trial')} and the refit that there was time for"
        f"{further}, with no limit of time."
    )


@final
class AcceptedChanges(Excerpt):
    """Code that changed while the study ran."""

    key = "study.accepted_changes"
    section = REPRODUCE
    title = "Changes of the code"

    @classmethod
    def of(cls, evidence: Evidence) -> Self | None:
        changes = evidence.record.changes
        meaning = Paragraph(
            "Trials before a change were trained with different code from those after it. A new "
            "study can only reproduce the latter."
        )
        lines = (Paragraph(change.line(), "notice") for change in changes)
        return cls(content=(*lines, meaning)) if changes else None


@final
class HowTrialsWereMade(Excerpt):
    """How trials were made and scored."""

    key = "study.validation"
    section = REPRODUCE
    title = "How trials were made"
    folded = True

    @classmethod
    def of(cls, evidence: Evidence) -> Self:
        record = evidence.record
        recipe = record.recipe
        epochs = "epochs" if recipe.protocol.scores_last_epoch else "epochs at most"
        largest = largest_network(recipe)
        pairs = (
            ("space", recipe.space),
            ("sampler", _sampler_words(recipe)),
            ("pruner", recipe.pruner),
            ("validation", validation_words(record)),
            ("score", f"validation {record.metric}, {scored_epoch(record)}"),
            (epochs, count(recipe.epochs)),
            *([("largest network", largest)] if largest else []),
            *(
                [("time limit", "none" if recipe.timeout is None else duration(recipe.timeout))]
                if recipe.budget is None
                else []
            ),
            *([] if recipe.budget is None else [("time budget", duration(recipe.budget))]),
            ("seed", str(recipe.seed)),
            ("folds", record.folds_hash[:12]),
        )
        return cls(content=(Rows(pairs),))


def largest_network(recipe: Recipe) -> str:
    """Return how large networks may be: "300,000 parameters"; "" if they may have any size."""
    limits = (
        (recipe.max_parameters, "parameters"),
        (recipe.max_multiply_adds, "multiply-adds an image"),
    )
    return " and ".join(f"{count(most)} {what}" for most, what in limits if most is not None)


def _sampler_words(recipe: Recipe) -> str:
    batch = f", in batches of {recipe.batch}" if (recipe.batch or 1) > 1 else ""
    return f"{recipe.sampler}{batch}"


@final
class Dataset(Finding):
    """The images that the study belongs to."""

    key = "dataset"
    section = REPRODUCE
    title = "Data"
    folded = True

    name: str
    """The dataset's name."""
    fingerprint: str
    """SHA-256 of the content."""
    class_names: tuple[str, ...]
    """The classes, in the order of their labels."""
    image_shape: tuple[int, int, int]
    """Channels, height, width in pixels."""
    n_train: int
    """Training images, including those of validation folds."""
    n_test: int
    """Images of the test set."""
    n_groups: int | None
    """Groups of training images, each kept in one fold unless the folds were given; null: assumed
    independent."""
    n_left_out: int
    """Image files that were left out, as they could not be decoded."""
    independence: Unlisted[str]

    @classmethod
    def of(cls, evidence: Evidence) -> Self:
        quality = evidence.record.quality
        return cls(
            **{
                name: getattr(evidence.record.dataset, name)
                for name in cls.model_fields
                if name not in ("n_groups", "n_left_out", "independence")
            },
            n_groups=quality.n_groups,
            n_left_out=quality.n_left_out,
            independence=quality.independence(kept_together=evidence.record.recipe.deals_folds),
        )

    def blocks(self) -> Iterator[Block]:
        channels, height, width = self.image_shape
        pairs = (
            ("dataset", self.name),
            ("training images", count(self.n_train)),
            ("test images", count(self.n_test)),
            ("image", f"{channels} channels, {height} x {width} pixels"),
            *([("left out, broken", count(self.n_left_out))] if self.n_left_out else []),
            ("independence", self.independence),
            (f"classes ({len(self.class_names)})", ", ".join(self.class_names)),
            ("fingerprint", self.fingerprint[:12]),
        )
        yield Rows(pairs)


@final
class Hardware(Finding):
    """What the study ran on, in words."""

    key = "hardware"
    section = REPRODUCE
    title = "Machine"
    listed = "parts"
    folded = True

    parts: dict[str, str]
    """Processor, cores, memory, GPU, each in words."""

    @classmethod
    def of(cls, evidence: Evidence) -> Self:
        return cls(parts=evidence.record.hardware)

    def blocks(self) -> Iterator[Block]:
        if self.parts:
            yield Rows(tuple(self.parts.items()))


@final
class Versions(Finding):
    """Versions of Python, the libraries and this program."""

    key = "versions"
    section = REPRODUCE
    title = "Versions"
    listed = "versions"
    folded = True

    versions: dict[str, str]
    """The version of each, by name."""

    @classmethod
    def of(cls, evidence: Evidence) -> Self:
        return cls(versions=evidence.record.versions)

    def blocks(self) -> Iterator[Block]:
        if self.versions:
            yield Rows(tuple(self.versions.items()))


_SCORED = {True: "after the last epoch", False: "mean over folds at E*"}


def validation_words(record: StudyRecord) -> str:
    """How trials were scored: "5-fold cross-validation" or "holdout of 20%"."""
    recipe = record.recipe
    if recipe.validation == "kfold":
        racing = ", racing from one fold" if recipe.racing else ""
        return f"{recipe.folds}-fold cross-validation{racing}"
    if recipe.protocol.split is not None:
        return "the hand-tuned report’s 20% holdout"
    if recipe.validation == "given":
        return f"the given validation images ({percent(recipe.holdout_fraction, 0)})"
    return f"holdout of {percent(recipe.holdout_fraction, 0)}"


def scored_epoch(record: StudyRecord) -> str:
    """Say at which epoch trials are scored: "mean over folds at E*" or "after the last epoch"."""
    return _SCORED[record.recipe.protocol.scores_last_epoch]


def page_title(record: StudyRecord) -> str:
    """The kind of report."""
    return "Best-model report" if record.recipe.protocol.is_search else "Baseline report"


def page_lead(record: StudyRecord) -> str:
    """One sentence on what was searched or reproduced, on which data, and how it was scored."""
    recipe, dataset = record.recipe, record.dataset.name
    how = f"scored by {validation_words(record)}"
    if recipe.protocol.is_search:
        search = get_sampler(recipe.sampler).words
        named = f"{search[0].upper()}{search[1:]} of the space {recipe.space} on {dataset}"
        return f"{named}{_begun(record)}; {how}."
    trained = f"trained {times(len(record.complete()))}"
    return f"The hand-tuned network of the space {recipe.space} on {dataset}, {trained}, {how}."


def _begun(record: StudyRecord) -> str:
    """Say how many candidates known to be good were tried first."""
    recipe = record.recipe
    if recipe.start != "portfolio":
        return ""
    n_known = record.n_prepared - int(recipe.with_baseline)
    if n_known < 1:
        return ""
    did = "candidate that did" if n_known == 1 else "candidates that did"
    baseline = "the hand-tuned network and " if recipe.with_baseline else ""
    return f", starting with {baseline}{n_known} {did} well before"


def study_status(record: StudyRecord) -> str | None:
    """One sentence on what is still missing; None if the study has ended."""
    if record.test is not None:
        return None
    ended = {trial.plan for trial in record.trials if trial.kind in ENDED}
    done = f"{len(ended)} of {plural(record.n_planned(), 'trial')} ended"
    if record.winner() is None:
        return f"No trial is complete yet ({done})."
    protocol = record.recipe.protocol
    if record.refit is None or not protocol.refits:
        lacking = "no refit and no test result" if protocol.refits else "no test result"
        return f"The {protocol.kind} has not ended ({done}): {lacking} yet."
    return "The winner has been refitted, but the test set has not been evaluated yet."
