"""TensorBoard: event files in the study's folder, one folder for each trial."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, final

from search.paths import RunPaths
from search.recipe import Recipe
from search.tracking.base import Tracker

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter


@final
class TensorBoard(Tracker):
    """Writes for TensorBoard: `tensorboard --logdir runs` shows all studies.

    Trials are compared on its page HPARAMS.

    Args:
        folder: Where to write; None: the folder "tensorboard" in that of the study.
    """

    name = "tensorboard"
    package = "tensorboard"

    def __init__(self, folder: str | Path | None = None) -> None:
        super().__init__()
        self._given = None if folder is None else Path(folder)
        self._folder = Path()
        self._study: SummaryWriter | None = None
        self._trials: dict[int, SummaryWriter] = {}

    def start_study(self, recipe: Recipe) -> None:
        paths = RunPaths(recipe.runs_dir, recipe.study_name)
        self._folder = self._given or paths.study_dir / "tensorboard"
        self._study = _writer(self._folder / "study")
        self._study.add_text("recipe", f"```toml\n{recipe.toml()}\n```")

    def log_study(self, figures: Mapping[str, float]) -> None:
        for name, value in figures.items():
            self._study_writer().add_scalar(name, value)

    def add_report(self, folder: Path) -> None:
        self._study_writer().add_text("report", (folder / "report.md").read_text(encoding="utf-8"))

    def end_study(self) -> None:
        self._study_writer().close()
        self._study = None

    def start_trial(self, number: int) -> None:
        self._trials[number] = _writer(self._folder / f"trial-{number:04}")

    def log_epoch(self, number: int, epoch: int, figures: Mapping[str, float]) -> None:
        for name, value in figures.items():
            self._trials[number].add_scalar(name, value, epoch)

    def end_trial(
        self,
        number: int,
        state: str,
        params: Mapping[str, object],
        figures: Mapping[str, float],
    ) -> None:
        writer = self._trials.pop(number)
        shown = {name: _plain(value) for name, value in params.items()}
        # The run's own folder, as each call would make another one.
        writer.add_hparams({"state": state, **shown}, dict(figures), run_name=".")
        writer.close()

    def _study_writer(self) -> "SummaryWriter":
        if self._study is None:
            raise RuntimeError("the study's run is not open")
        return self._study


def _writer(folder: Path) -> "SummaryWriter":
    from torch.utils.tensorboard import SummaryWriter

    return SummaryWriter(str(folder))


def _plain(value: object) -> object:
    """Return a value as one of the kinds that TensorBoard stores."""
    return value if isinstance(value, bool | int | float | str) else str(value)
