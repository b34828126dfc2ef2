"""Who is compared, by the names that --tools takes."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import final

from search.errors import UserError

BASELINE = "baseline"
OURS = "ours"
ELSEWHERE = "ours-elsewhere"
DEFAULT_TOOLS = f"optuna,ray,sklearn,keras,{OURS},{ELSEWHERE}"


@final
@dataclass(frozen=True)
class Contestant:
    """How a search is called in tables, where it is, and what it needs.

    Attributes:
        title: Its name in tables and figures.
        module: Where it is.
        function: Which function of the module.
        package: What has to be installed.
        environment: Variables that have to be set.
    """

    title: str
    module: str
    function: str = "search"
    package: str = "optuna"
    environment: Mapping[str, str] = field(default_factory=dict)


CONTESTANTS = {
    "optuna": Contestant(
        "Optuna, MedianPruner, DataLoader", "tests.benchmarks.peers.optuna_script"
    ),
    "ray": Contestant("Ray Tune, ASHA", "tests.benchmarks.peers.ray_tune", package="ray"),
    "sklearn": Contestant(
        "HalvingRandomSearchCV over skorch", "tests.benchmarks.peers.halving", package="skorch"
    ),
    "keras": Contestant(
        "Keras Tuner, Hyperband",
        "tests.benchmarks.peers.keras_tuner_hyperband",
        package="keras_tuner",
        environment={"KERAS_BACKEND": "torch"},
    ),
    OURS: Contestant("search run", "tests.benchmarks.peers.ours"),
    ELSEWHERE: Contestant(
        "search run, portfolio of other data",
        "tests.benchmarks.peers.ours",
        function="search_elsewhere",
        package="pandas",
    ),
    "ours-drawn": Contestant(
        "search run, the peers' candidates",
        "tests.benchmarks.peers.ours",
        function="search_drawn",
    ),
    "ours-tpe": Contestant(
        "search run --sampler tpe", "tests.benchmarks.peers.ours", function="search_tpe"
    ),
    BASELINE: Contestant("hand-tuned network", "tests.benchmarks.peers.hand_tuned"),
}


def parse_tools(text: str) -> list[str]:
    """Return the named tools; raises UserError for an unknown or repeated one.

    Raises it for one whose package is not installed, too.
    """
    tools = [one.strip() for one in text.split(",")]
    known = [name for name in CONTESTANTS if name != BASELINE]
    for tool in tools:
        if tool not in known or tools.count(tool) > 1:
            raise UserError(f"tools: names among {', '.join(known)}, each once, got {text!r}")
        package = CONTESTANTS[tool].package
        if find_spec(package) is None:
            raise UserError(f"tools: {tool} needs {package}: pip install -e '.[benchmarks]'")
    return tools
