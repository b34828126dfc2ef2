"""The distribution of the colours: info -> matplotlib."""

from typing import NamedTuple

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from search.base import new_figure
from search.palette import BLUE, GREEN, GREY, VERMILLION
from search.reference.info_channels import ChannelsInfo


class _Style(NamedTuple):
    label: str
    colour: str
    line: str


_COLOURS = (
    _Style("red", VERMILLION, "-"),
    _Style("green", GREEN, "--"),
    _Style("blue", BLUE, "-."),
)
_GREYS = (_Style("red, green and blue alike", GREY, "-"),)


def draw_channels(info: ChannelsInfo) -> Figure:
    """Return the share of pixels over the intensity, one line a channel, one in all for greys."""
    figure = new_figure(2.4)
    axes = figure.add_subplot()
    styles = _GREYS if info.alike else _COLOURS
    for style, shares in zip(styles, info.shares, strict=False):
        axes.plot(
            shares, label=style.label, color=style.colour, linestyle=style.line, linewidth=1.0
        )
    axes.set_xlim(-5, 260)  # black and white are often the peaks: keep them off the frame
    axes.set_xticks([0, 50, 100, 150, 200, 255])
    axes.set_xlabel("intensity (0 to 255)")
    _share_axis(axes, info)
    axes.legend()
    return figure


def _share_axis(axes: Axes, info: ChannelsInfo) -> None:
    if info.is_steep:
        axes.set_yscale("log", nonpositive="clip")
        axes.set_ylim(bottom=0.7 * min(share for row in info.shares for share in row if share))
    else:
        axes.set_ylim(bottom=0)
    axes.yaxis.set_major_formatter(FuncFormatter(lambda share, _: f"{100 * share:.4g}%"))
    axes.set_ylabel("share of pixels" + (" (log scale)" if info.is_steep else ""))
