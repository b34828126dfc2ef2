"""Makes the pictures of the documentation again: `python docs/pictures.py`, with `.[browser]`.

Report and dashboard are those of small searches on the embedded digits; pruning and racing are
drawn from the learning curves of such searches.
"""

import io
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path

from matplotlib.figure import Figure
from PIL import Image

sys.path.insert(0, str(Path(__file__).parents[1]))

import search
from search.plotting import BLUE, GREY, ORANGE, new_figure, paper_style, percentages
from tests.browser.chromium import running_chromium

_PICTURES = Path(__file__).parent / "pictures"
_WINDOW = {"width": 1200, "height": 800}
_PORT = 8765
_COLORS = 128  # of a screenshot, so that it is light


def main() -> None:
    """Make all pictures, in a temporary folder for the studies."""
    with tempfile.TemporaryDirectory() as folder:
        runs = Path(folder) / "runs"
        study = search.run("mlp", "digits", trials=20, epochs=12, runs_dir=runs, data_dir=folder)
        study.test()
        _shoot(study.report().as_uri(), _PICTURES / "report.png", 1500)
        _save(_pruning(study), "pruning.png")
        raced = search.run(
            "mlp",
            "digits",
            trials=16,
            epochs=6,
            max_parameters=400_000,
            validation=search.KFold(5, racing=True),
            pruner="none",
            runs_dir=runs,
            data_dir=folder,
        )
        _save(_racing(raced), "racing.png")
        _with_dashboard(
            runs,
            lambda url: _shoot(f"{url}dashboard/studies/1", _PICTURES / "dashboard.png", 6000),
        )


def _pruning(study: search.Study) -> Figure:
    """Draw the validation curve of every trial; those that were pruned are grey."""
    figure = new_figure(height=2.4, width=5)
    axes = figure.add_subplot()
    for trial in study.trials:
        won, pruned = trial.number == study.best.number, trial.state == "pruned"
        color = ORANGE if won else GREY if pruned else BLUE
        axes.plot(range(1, trial.epochs + 1), trial.curve, color=color, zorder=2 - pruned + won)
        if pruned:
            axes.plot(trial.epochs, trial.curve[-1], "x", color=GREY)
    axes.set(xlabel="epoch", ylabel="validation accuracy")
    axes.yaxis.set_major_formatter(percentages())
    axes.set_title("orange: the winner; grey: pruned", fontsize=8)
    return figure


def _racing(study: search.Study) -> Figure:
    """Draw on how many folds each trial was trained, the better trials further left."""
    ranked = sorted(study.trials, key=lambda one: (-one.record.history.n_folds(), one.number))
    figure = new_figure(height=2.4, width=5)
    axes = figure.add_subplot()
    folds = [one.record.history.n_folds() for one in ranked]
    colors = [ORANGE if one.number == study.best.number else BLUE for one in ranked]
    axes.bar(range(len(folds)), folds, color=colors)
    axes.set_xticks(range(len(folds)), [str(one.number) for one in ranked], fontsize=6)
    axes.set(xlabel="trial", ylabel="folds trained")
    axes.set_title("orange: the winner", fontsize=8)
    return figure


def _save(figure: Figure, name: str) -> None:
    with paper_style():
        figure.savefig(_PICTURES / name, dpi=150)


def _shoot(url: str, path: Path, wait_ms: int) -> None:
    """Take a screenshot of a page, with few colours so that it is light."""
    with running_chromium() as browser:
        page = browser.new_page(viewport=_WINDOW)
        page.goto(url)
        page.wait_for_timeout(wait_ms)
        content = page.screenshot()
    picture = Image.open(io.BytesIO(content)).convert("RGB").quantize(_COLORS)
    picture.save(path, optimize=True)


def _with_dashboard(runs: Path, look: Callable[[str], None]) -> None:
    """Serve the studies while the function looks at them."""
    command = [sys.executable, "-m", "search", "dashboard", "--runs-dir", str(runs)]
    options = ["--port", str(_PORT), "--no-browser", "--read-only"]
    url = f"http://127.0.0.1:{_PORT}/"
    with subprocess.Popen([*command, *options]) as server:
        try:
            _await(url)
            look(url)
        finally:
            server.terminate()


def _await(url: str) -> None:
    for _ in range(100):
        try:
            with urllib.request.urlopen(url):  # noqa: S310 - this machine
                return
        except OSError:
            time.sleep(0.2)
    raise TimeoutError(url)


if __name__ == "__main__":
    main()
