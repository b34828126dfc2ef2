"""RunPaths: the one owner of every file name under runs/."""

from dataclasses import dataclass
from pathlib import Path
from typing import final


@final
@dataclass(frozen=True)
class RunPaths:
    """Where one study keeps its files; makes no folder by itself."""

    runs_dir: Path
    study_name: str

    @property
    def database(self) -> Path:
        """Return the SQLite file that all studies of `runs_dir` share."""
        return self.runs_dir / "studies.db"

    @property
    def artifacts_dir(self) -> Path:
        """Return the folder that optuna-dashboard shows artifacts from."""
        return self.runs_dir / "artifacts"

    @property
    def comparison_dir(self) -> Path:
        """Return the folder of the comparison of several studies."""
        return self.runs_dir / "comparison"

    @property
    def study_dir(self) -> Path:
        """Return the study's own folder."""
        return self.runs_dir / self.study_name

    @property
    def lock(self) -> Path:
        """Return the lock that the coordinator holds."""
        return self.study_dir / "lock"

    @property
    def lock_holder(self) -> Path:
        """Return the file that says who holds the lock."""
        return self.study_dir / "lock.json"

    @property
    def mark(self) -> Path:
        """Return the file that says to which study of this name the folder belongs."""
        return self.study_dir / "mark"

    @property
    def folds(self) -> Path:
        """Return the stored fold indices."""
        return self.study_dir / "folds.npz"

    @property
    def work_dir(self) -> Path:
        """Return the folder of the trials under way."""
        return self.study_dir / "work"

    def trial_dir(self, number: int) -> Path:
        """Return the folder of one running trial."""
        return self.work_dir / f"trial-{number}"

    def fold_group_dir(self, number: int, fold: int) -> Path:
        """Return the folder through which the job of a running trial's fold group talks.

        `fold` is the first of the group.
        """
        return self.trial_dir(number) / f"from-fold-{fold}"

    @property
    def refit_dir(self) -> Path:
        """Return the folder of a running refit: its messages, and the weights that it returns."""
        return self.study_dir / "refit"

    @property
    def checkpoints_dir(self) -> Path:
        """Return the folder of all checkpoints."""
        return self.study_dir / "checkpoints"

    def trial_checkpoints(self, plan: int) -> Path:
        """Return the folder of the checkpoints of a trial, whichever attempt it is."""
        return self.checkpoints_dir / f"plan-{plan}"

    @property
    def refit_checkpoints(self) -> Path:
        """Return the folder of the refit's checkpoint."""
        return self.checkpoints_dir / "refit"

    @property
    def model_dir(self) -> Path:
        """Return the folder of the exported best model."""
        return self.study_dir / "model"

    def network(self, number: int) -> Path:
        """Return the weights that a trial of the baseline ended with, as safetensors."""
        return self.study_dir / "networks" / f"trial-{number}.safetensors"

    @property
    def test_predictions(self) -> Path:
        """Return the test split's labels and what the best model made of them, as npz."""
        return self.study_dir / "test-predictions.npz"

    @property
    def report_dir(self) -> Path:
        """Return the folder of the report."""
        return self.study_dir / "report"

    @property
    def report_page(self) -> Path:
        """Return the self-contained page."""
        return self.report_dir / "report.html"

    @property
    def report_facts(self) -> Path:
        """Return what the page says, as JSON."""
        return self.report_dir / "report.json"

    @property
    def report_text(self) -> Path:
        """Return what the page says, as Markdown."""
        return self.report_dir / "report.md"

    @property
    def mistakes(self) -> Path:
        """Return the array of test images that the model got wrong, uint8 (M, 3, H, W)."""
        return self.study_dir / "mistakes.npy"

    @property
    def test_sample(self) -> Path:
        """Return the test images kept to check an ONNX file by, uint8 (M, 3, H, W)."""
        return self.study_dir / "test-sample.npy"

    @property
    def reported_table(self) -> Path:
        """Return the figures of the hand-tuned report beside ours, as CSV."""
        return self.report_dir / "reported.csv"

    def figure(self, name: str, suffix: str) -> Path:
        """Return a figure's file; `suffix` is "pdf" or "png"."""
        return self.report_dir / f"{name}.{suffix}"


@final
@dataclass(frozen=True)
class ModelPaths:
    """The files of an exported model."""

    model_dir: Path

    @property
    def weights(self) -> Path:
        """Return the state dict, as safetensors."""
        return self.model_dir / "weights.safetensors"

    @property
    def card(self) -> Path:
        """Return the description of network, classes and normalisation."""
        return self.model_dir / "model.json"

    @property
    def readme(self) -> Path:
        """Return the model card, which people read and may add to."""
        return self.model_dir / "README.md"
