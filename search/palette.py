"""Colours that colour-blind readers tell apart.

Source: Okabe and Ito, "Color Universal Design" (2008).
"""

from search.tuning.records import TrialKind

BLUE = "#0072B2"
SKY = "#56B4E9"
ORANGE = "#E69F00"
GREEN = "#009E73"
VERMILLION = "#D55E00"
PURPLE = "#CC79A7"
GREY = "#888888"

KIND_COLOURS: dict[TrialKind, str] = {
    "complete": BLUE,
    "pruned": GREY,
    "diverged": VERMILLION,
    "infeasible": PURPLE,
    "failed": ORANGE,
}
KIND_NAMES: dict[TrialKind, str] = {
    "complete": "complete",
    "pruned": "pruned (last report)",
    "diverged": "diverged (chance)",
    "infeasible": "infeasible",
    "failed": "failed",
}
