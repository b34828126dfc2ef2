"""What a finding is: one question about a study that the report answers.

How to add one:

1. Write a module in `search/report/findings/` with one class. It derives from `Finding` and gives
   * `key`: its place in report.json, `section`: its place on the page, `title`: its heading there;
   * fields: its part of report.json, each described by the docstring under it. What only sentences
     and plots need is `Unlisted`;
   * `of(evidence)`: computes it from the study, or returns None if the question does not apply.
     What several findings need is computed once, with `evidence.once(function)`;
   * `blocks()`: what a reader sees, as values of `search.report.blocks`: sentences, tables, plots.
     They hold texts as they are; each renderer escapes.
2. Add the class to FINDINGS in `search/report/findings/__init__.py`, in the order of the page.
3. Write report.schema.json and the snapshots of pages again, and read what has changed:
   `UPDATE_SNAPSHOTS=1 pytest tests/report`.

Page, Markdown, JSON, terminal and dashboard then show it; no renderer knows a finding by name.
"""

import ast
import inspect
import math
import re
import textwrap
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from itertools import pairwise
from typing import Annotated, Any, ClassVar, Self, TypeVar, final

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetJsonSchemaHandler,
    PlainSerializer,
    SkipValidation,
    WithJsonSchema,
)
from pydantic.json_schema import JsonSchemaValue, SkipJsonSchema
from pydantic.types import JsonValue
from pydantic_core import CoreSchema

from cifar_models import FAMILIES
from search.metric import Metric
from search.report.blocks import Block, Bullets, Paragraph, Plot, flattened
from search.report.evidence import Evidence, model_kind
from search.tuning.records import StudyRecord

_T = TypeVar("_T")


def _field_docstrings(kind: type) -> dict[str, str]:
    """Return the docstring under each field of a class and of those that it derives from."""
    found: dict[str, str] = {}
    for one in reversed(kind.__mro__):
        if issubclass(one, ReportPart):
            with suppress(OSError):  # made by `create_model`, which was given descriptions
                (body,) = ast.parse(textwrap.dedent(inspect.getsource(one))).body
                found |= _docstrings_in(body)
    return found


def _docstrings_in(body: ast.stmt) -> Iterator[tuple[str, str]]:
    statements = body.body if isinstance(body, ast.ClassDef) else []
    for field, after in pairwise(statements):
        match field, after:
            case (
                ast.AnnAssign(target=ast.Name(id=name)),
                ast.Expr(value=ast.Constant(value=str(text))),
            ):
                yield name, inspect.cleandoc(text)


def finite(value: object) -> object:
    """Replace each number that is not finite by None, as JSON has no such numbers."""
    match value:
        case float() if not math.isfinite(value):
            return None
        case dict():
            return {str(key): finite(one) for key, one in value.items()}
        case list() | tuple():
            return [finite(one) for one in value]
    return value


def without_folders(text: str) -> str:
    """Shorten each path from the root or a home folder to its last name."""
    return re.sub(r"(?<![\w.~/:])~?/(?:[^/\s'\"]+/)*(?=[^/\s'\"])", "", text)


Number = Annotated[float | None, BeforeValidator(finite)]
MetricName = Annotated[
    Metric,
    PlainSerializer(lambda metric: metric.name, return_type=str),
    WithJsonSchema({"type": "string"}),
]
Text = Annotated[str, AfterValidator(without_folders)]
Settings = Annotated[dict[str, JsonValue], BeforeValidator(finite)]
# The storage keeps times without a zone, which the schema's "date-time" would require.
LocalTime = Annotated[datetime, WithJsonSchema({"type": "string"})]
# A field of a finding that is not in report.json.
Unlisted = Annotated[_T, Field(exclude=True, repr=False), SkipJsonSchema(), SkipValidation()]


class ReportPart(BaseModel, ABC):
    """A part of report.json; it can be read from a value with attributes of the same names.

    Each field is described by the docstring under it, which the JSON Schema repeats. They are read
    when it is made: pydantic would read them, and build validators of all parts, at each start.
    """

    model_config = ConfigDict(
        frozen=True,
        from_attributes=True,
        defer_build=True,
        arbitrary_types_allowed=True,
        json_schema_serialization_defaults_required=True,
    )

    @classmethod
    def __get_pydantic_json_schema__(
        cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """Return the JSON Schema, in which each field has its docstring as description."""
        schema = handler(core_schema)
        fields = handler.resolve_ref_schema(schema).get("properties", {})
        for name, text in _field_docstrings(cls).items():
            if name in fields:
                fields[name] = {**fields[name], "description": text}
        return schema


@final
@dataclass(frozen=True)
class Section:
    """A chapter of the report.

    Args:
        anchor: Its name in links.
        nav: Its name in the page's navigation; "" for none.
        title: Its heading; "" for none.
        of_baseline: Its heading in the report of a baseline study, where that differs.
        without_winner: Its heading where nothing has won, where that differs.
        empty: What it says where none of its findings applies; "" leaves it out.
        half: Whether it stands beside its neighbour where there is room for two.
    """

    anchor: str
    nav: str
    title: str
    of_baseline: str = ""
    without_winner: str = ""
    empty: str = ""
    half: bool = False

    def heading(self, record: StudyRecord) -> str:
        """Its heading in the report of this study."""
        if self.of_baseline and not record.recipe.protocol.is_search:
            return self.of_baseline
        if self.without_winner and record.winner() is None:
            return self.without_winner
        return self.title


HEADLINE = Section("headline", "", "")
USE = Section("use", "Use it", "How to use it", half=True)
WINNER = Section(
    "winner",
    "Network",
    "What won",
    of_baseline="The hand-tuned network",
    empty="No trial is complete, so nothing has won.",
    half=True,
)
GOOD = Section("good", "How good", "How good it is", empty="There is no test result yet.")
CERTAIN = Section("sure", "How certain", "How certain it is", half=True)
LEARNED = Section("curves", "", "How it learned", half=True)
WHY = Section("why", "Why", "Why it won", without_winner="What the trials show")
TRIALS = Section("trials", "Trials", "All trials")
FAILURES = Section("failures", "Failures", "Where it still fails", half=True)
CONFUSED = Section("confused", "", "What it confuses", half=True)
COST = Section("cost", "Cost", "What it cost")
NEXT = Section("next", "Next", "What to try next", half=True)
REPRODUCE = Section("repeat", "Reproduce", "How to reproduce it", half=True)

SECTIONS = (
    HEADLINE, USE, WINNER, GOOD, CERTAIN, LEARNED, WHY, FAILURES, CONFUSED, TRIALS, COST, NEXT,
    REPRODUCE,
)  # fmt: skip


class Finding(ReportPart, ABC):
    """The answer to one question: values for programs, and blocks for readers."""

    key: ClassVar[str]
    """Its place in report.json. With a dot ("test.confusion"): within the part of another
    finding, which holds its values."""
    section: ClassVar[Section]
    """Where it stands on the page."""
    title: ClassVar[str] = ""
    """Its heading there; "" for none."""
    listed: ClassVar[str] = ""
    """The only field that report.json holds, in place of an object; "" for all fields."""
    narrow: ClassVar[bool] = False
    """Whether it stands next to its narrow neighbours where there is room."""
    folded: ClassVar[bool] = False
    """Whether the page shows it once a reader opens it, under its title."""
    brief: ClassVar[bool] = False
    """Whether terminal, dashboard note and model card show its `summary` too."""
    figures: ClassVar[tuple[str, ...]] = ()
    """Names of the files that its plots may have next to the page."""
    file_names: ClassVar[tuple[str, ...]] = ()
    """Names of the other files that it may have next to the page."""

    @classmethod
    @abstractmethod
    def of(cls, evidence: Evidence) -> Self | None:
        """Answer the question from the evidence; None if it does not apply.

        Raises MachineError if parts of the evidence do not belong together.
        """

    @abstractmethod
    def blocks(self) -> Iterator[Block]:
        """Yield what a reader sees, in order."""

    @cached_property
    def all_blocks(self) -> tuple[Block, ...]:
        """Its blocks, made once for all that show them."""
        return tuple(self.blocks())

    def __copy__(self) -> Self:
        """Return a copy that makes blocks of its own, as `model_copy` may change what they show."""
        copied = super().__copy__()
        copied.__dict__.pop("all_blocks", None)
        return copied

    def file_texts(self) -> Mapping[str, str]:
        """Texts of its other files by name."""
        return {}

    def sentences(self) -> tuple[str, ...]:
        """All its sentences, also those of folded parts, without tables and plots."""
        found: list[str] = []
        for block in flattened(self.all_blocks):
            if isinstance(block, Paragraph):
                found.append(block.text)
            elif isinstance(block, Bullets):
                found += block.told
        return tuple(found)

    def summary(self) -> tuple[str, ...]:
        """The sentences to show where there is room for one or two only."""
        return self.sentences()

    def is_shown(self) -> bool:
        """Whether there is anything to show."""
        return bool(self.all_blocks)

    def plots(self) -> tuple[Plot, ...]:
        """All its plots."""
        return tuple(block for block in flattened(self.all_blocks) if isinstance(block, Plot))

    def all_plots(self) -> tuple[Plot, ...]:
        """Its plots, and those that the report leaves out as they show nothing beyond chance."""
        return self.plots()

    @classmethod
    def part_type(cls) -> Any:
        """The type of its part of report.json, with what stands there where it does not apply."""
        if cls.listed:
            return cls.model_fields[cls.listed].annotation
        return cls | None

    @classmethod
    def absent(cls) -> Any:
        """What report.json holds where it does not apply."""
        return () if cls.listed else None

    def part(self) -> Any:
        """Its part of report.json."""
        return getattr(self, self.listed) if self.listed else self


class Excerpt(Finding, ABC):
    """A finding without a part of report.json of its own: it only shows something."""

    content: Unlisted[tuple[Block, ...]]

    def blocks(self) -> Iterator[Block]:
        """Yield what a reader sees, in order."""
        yield from self.content


def figure_name(record: StudyRecord, name: str) -> str:
    """Name a figure as the hand-tuned report does, after the winner's kind of network.

    Those of a user's own network have no such prefix, so that all names are known.
    """
    prefixed = f"{model_kind(record)}-{name}"
    return prefixed if prefixed in figure_names(name) else name


def figure_names(name: str) -> tuple[str, ...]:
    """All names that `figure_name` can return."""
    return (name, *(f"{family.kind}-{name}" for family in FAMILIES))
