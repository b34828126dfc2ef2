"""Weights & Biases: a group of runs for the study, offline unless told otherwise."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias, final, get_args

from search.errors import UserError
from search.recipe import Recipe
from search.tracking.base import Tracker

if TYPE_CHECKING:
    from wandb import Run


Mode: TypeAlias = Literal["offline", "online"]
_MODES: tuple[str, ...] = get_args(Mode)


@final
class WandB(Tracker):
    """Writes for Weights & Biases: a group named like the study, with a run for each trial.

    Offline it writes into the folder `wandb`; `wandb sync wandb/offline-run-*` uploads that later.

    Args:
        project: The project's name.
        mode: "offline" or "online"; None: as the variable WANDB_MODE says, or else "offline".
        folder: Where the folder `wandb` is made; None: here.
    """

    name = "wandb"
    package = "wandb"

    def __init__(
        self,
        project: str = "cifar-search",
        mode: Mode | None = None,
        folder: str | Path | None = None,
    ) -> None:
        super().__init__()
        self._project, self._folder = project, folder
        if mode not in (None, *_MODES):
            raise UserError(f"mode must be {' or '.join(_MODES)}, got {mode!r}")
        self._mode: Mode | None = "offline" if not mode and "WANDB_MODE" not in os.environ else mode
        self._group = ""
        self._study: Run | None = None
        self._trials: dict[int, Run] = {}

    def start_study(self, recipe: Recipe) -> None:
        self._group = recipe.study_name
        self._study = self._start(self._group, "study")
        self._study.config.update(recipe.model_dump(mode="json", exclude_none=True))

    def log_study(self, figures: Mapping[str, float]) -> None:
        self._study_run().summary.update(dict(figures))

    def add_report(self, folder: Path) -> None:
        from wandb import Artifact

        report = Artifact(f"{self._group}-report", type="report")
        report.add_dir(str(folder))
        self._study_run().log_artifact(report)

    def end_study(self) -> None:
        self._study_run().finish()
        self._study = None

    def start_trial(self, number: int) -> None:
        run = self._trials[number] = self._start(f"{self._group} trial {number}", "trial")
        run.define_metric("*", step_metric="epoch")  # as epochs do not come in order

    def log_epoch(self, number: int, epoch: int, figures: Mapping[str, float]) -> None:
        self._trials[number].log({"epoch": epoch, **figures})

    def end_trial(
        self,
        number: int,
        state: str,
        params: Mapping[str, object],
        figures: Mapping[str, float],
    ) -> None:
        run = self._trials.pop(number)
        run.config.update(dict(params))
        run.summary.update({"state": state, **figures})
        run.finish(exit_code=int(state == "failed"))

    def _start(self, name: str, kind: str) -> "Run":
        import wandb

        return wandb.init(
            project=self._project,
            mode=self._mode,
            dir=self._folder,
            group=self._group,
            job_type=kind,
            name=name,
            reinit="create_new",
            settings=wandb.Settings(silent=True, console="off"),
        )

    def _study_run(self) -> "Run":
        if self._study is None:
            raise RuntimeError("the study's run is not open")
        return self._study
