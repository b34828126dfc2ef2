"""What a reader sees of a finding, as values independent of HTML and Markdown.

All texts are plain: renderers escape them.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, NamedTuple, final

import plotly.graph_objects as go
from matplotlib.figure import Figure

Tone = Literal["plain", "large", "quiet", "notice"]


@final
@dataclass(frozen=True)
class Paragraph:
    """One or more sentences; `quiet` explains how to read what stands above."""

    text: str
    tone: Tone = "plain"


@final
@dataclass(frozen=True)
class Bullets:
    """A list of sentences; with `marks`, each has its own in place of a bullet."""

    items: tuple[str, ...]
    marks: tuple[str, ...] = ()

    @property
    def told(self) -> tuple[str, ...]:
        """The sentences, each after its mark."""
        if not self.marks:
            return self.items
        return tuple(f"{mark} {item}" for mark, item in zip(self.marks, self.items, strict=True))


@final
@dataclass(frozen=True)
class Rows:
    """Names with their values, under a heading where `title` is not empty."""

    pairs: tuple[tuple[str, str], ...]
    title: str = ""


@final
@dataclass(frozen=True)
class Table:
    """Rows of cells under a header; `align` has an "l" or "r" for each column.

    `footer` are rows that sorting leaves in place. A column named in `long` has long texts.
    Markdown shows at most `most` rows, and says how many there are.
    """

    caption: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    align: str
    footer: tuple[tuple[str, ...], ...] = ()
    long: str = ""
    most: int = 30


@final
@dataclass(frozen=True)
class Code:
    """Code to copy; `language` is Markdown's name for it."""

    text: str
    language: str


@final
@dataclass(frozen=True)
class Links:
    """Files and folders next to the report: what each is, and where."""

    items: tuple[tuple[str, str], ...]


class Chart(NamedTuple):
    """A plotly figure with its size in CSS pixels.

    Below `min_width` it scrolls sideways instead of shrinking.
    """

    figure: go.Figure
    height: int
    min_width: int = 0


@final
@dataclass(frozen=True)
class Explorer:
    """A table of all trials with parallel coordinates, which the page's script draws.

    `content` makes what it draws, as JSON; `words` say what is there, for who cannot run it.
    """

    content: Callable[[], Mapping[str, Any]]
    words: str


@final
@dataclass(frozen=True)
class Plot:
    """A plot: `page` makes the interactive chart, `paper` the figure for `name`.pdf and .png.

    `name` is in the finding's `figures`. A caption says how to read it. `table` holds its
    values if no other block does; Markdown shows it next to the picture. A report's page shows
    the `explorer` in place of the chart, if there is one. `data` is the CSV file with what it
    draws; "" for `name`.csv, which is made from the chart.
    """

    name: str
    alt: str
    paper: Callable[[], Figure] | None = None
    page: Callable[[], Chart] | None = None
    caption: str = ""
    table: Table | None = None
    explorer: Explorer | None = None
    data: str = ""

    @cached_property
    def chart(self) -> Chart | None:
        """The interactive chart, made once for the page and its values; None if there is none."""
        return None if self.page is None else self.page()

    @property
    def data_file(self) -> str | None:
        """The CSV file with what it draws; None if it is a picture only."""
        return self.data or (f"{self.name}.csv" if self.page is not None else None)


@final
@dataclass(frozen=True)
class Heading:
    """A title above the blocks that follow."""

    text: str


@final
@dataclass(frozen=True)
class Details:
    """Blocks that a reader opens when needed."""

    summary: str
    blocks: "tuple[Block, ...]"


@final
@dataclass(frozen=True)
class Columns:
    """Blocks side by side where there is room."""

    blocks: "tuple[Block, ...]"


@final
@dataclass(frozen=True)
class Cards:
    """The most important numbers, each with a name and a line of words; the main one first."""

    cards: tuple[tuple[str, str, str], ...]


@final
@dataclass(frozen=True)
class Pictures:
    """Small pictures as data URIs, each with two parts of a caption and an alternative text."""

    uris: tuple[str, ...]
    captions: tuple[tuple[str, str, str], ...]


Block = (
    Paragraph
    | Bullets
    | Rows
    | Table
    | Code
    | Links
    | Plot
    | Heading
    | Details
    | Columns
    | Cards
    | Pictures
)


def flattened(blocks: Iterable[Block]) -> Iterator[Block]:
    """Yield the blocks with those inside of others in their place: of what is folded, too."""
    for block in blocks:
        if isinstance(block, Details | Columns):
            yield from flattened(block.blocks)
        else:
            yield block
