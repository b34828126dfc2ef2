"""The one owner of every file name under runs/."""

from pathlib import Path
from typing import final

_SESSION = ".session"


@final
class RunPaths:
    """Where one study keeps its files; creates none of them."""

    def __init__(self, runs_dir: Path, study_name: str) -> None:
        self.runs_dir, self.study_name = runs_dir, study_name
        # shared by all studies
        self.database = runs_dir / "studies.db"  # SQLite
        self.artifacts_dir = runs_dir / "artifacts"  # what optuna-dashboard shows artifacts from
        self.comparison_dir = runs_dir / "comparison"
        self.session_dir = runs_dir / _SESSION  # functions of scripts and notebooks, as files

        self.study_dir = study = runs_dir / study_name
        self.lock = study / "lock"  # held by the coordinator
        self.lock_holder = study / "lock.json"  # says who holds it
        self.mark = study / "mark"  # says which study of this name the folder belongs to
        self.folds = study / "folds.npz"
        self.work_dir = study / "work"  # running trials
        self.refit_dir = study / "refit"  # a running refit: its messages and its weights
        self.checkpoints_dir = study / "checkpoints"
        self.refit_checkpoints = self.checkpoints_dir / "refit"
        self.model_dir = study / "model"  # the exported model, see ModelPaths
        self.ensemble_dir = study / "ensemble"  # see EnsemblePaths

        self.predictions_dir = study / "validation-predictions"  # of complete trials

        # what is kept of the test images, so that the test set stays closed
        self.test_predictions = study / "test-predictions.npz"  # true and predicted classes
        self.mistakes = study / "mistakes.npy"  # misclassified images, uint8 (M, 3, H, W)
        self.test_sample = study / "test-sample.npy"  # to check an ONNX file, uint8 (M, 3, H, W)

        self.ablation = study / "ablation.json"  # the path that leads to the winner
        self.extra_scores = study / "extra-trainings.jsonl"  # beyond the search's trials

        self.report_dir = report = study / "report"
        self.report_page = report / "report.html"
        self.report_facts = report / "report.json"
        self.report_text = report / "report.md"

    def session_file(self, name: str, digest: str) -> Path:
        """Return where one version of an object of a session is kept; versions never change."""
        return self.session_dir / digest / name

    @staticmethod
    def session_object(setting: str) -> str:
        """Return a setting that names such a file without saying which version; any other as is."""
        path = Path(setting)
        return path.name if _SESSION in path.parts else setting

    def trial_dir(self, number: int) -> Path:
        """Return the folder of one running trial."""
        return self.work_dir / f"trial-{number}"

    def fold_group_dir(self, number: int, fold: int) -> Path:
        """Return the folder for the messages of a fold group's job; `fold` is its first fold."""
        return self.trial_dir(number) / f"from-fold-{fold}"

    def fold_predictions(self, number: int, fold: int) -> Path:
        """Return what a fold group of a running trial leaves; `fold` is its first fold."""
        return self.fold_group_dir(number, fold) / "predictions.npz"

    def all_fold_predictions(self, number: int) -> list[Path]:
        """Return what the fold groups of a running trial have left."""
        return sorted(self.trial_dir(number).glob("from-fold-*/predictions.npz"))

    def trial_predictions(self, plan: int) -> Path:
        """Return what a complete trial predicted of its validation images."""
        return self.predictions_dir / f"plan-{plan}.npz"

    def trial_checkpoints(self, plan: int) -> Path:
        """Return the folder of a trial's checkpoints, the same for every attempt."""
        return self.checkpoints_dir / f"plan-{plan}"

    def extra_dir(self, slot: int) -> Path:
        """Return the folder for the messages of a training beyond the search's trials."""
        return self.work_dir / f"extra-{slot}"

    def extra_checkpoints(self, slot: int) -> Path:
        """Return the folder of the checkpoints of a training beyond the search's trials."""
        return self.checkpoints_dir / f"extra-{slot}"

    def network(self, number: int) -> Path:
        """Return the final weights of a replication's trial, as safetensors."""
        return self.study_dir / "networks" / f"trial-{number}.safetensors"

    def figure(self, name: str, suffix: str) -> Path:
        """Return a figure's file; `suffix` is "pdf" or "png"."""
        return self.report_dir / f"{name}.{suffix}"


@final
class ModelPaths:
    """The files of an exported model."""

    def __init__(self, model_dir: Path) -> None:
        self.model_dir = model_dir
        self.weights = model_dir / "weights.safetensors"  # the state dict
        self.card = model_dir / "model.json"  # network, classes and normalization
        self.readme = model_dir / "README.md"  # the model card; people may add to it


@final
class EnsemblePaths:
    """The files of an exported ensemble."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.card = folder / "ensemble.json"  # of which networks it consists

    def member(self, trial: int) -> Path:
        """Return the model folder of a trial's network."""
        return self.folder / f"trial-{trial}"

    def all_members(self) -> list[Path]:
        """Return the model folders that there are, of earlier ensembles too."""
        return sorted(self.folder.glob("trial-*"))
