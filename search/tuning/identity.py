"""What makes a study that study: the settings that must not change when it goes on."""

import platform
from importlib.metadata import version

import joblib
import torch

from search.data.dataset import DatasetInfo
from search.errors import UserError
from search.formatting import format_setting
from search.recipe import Recipe
from search.tuning.changes import Code, describe_changes
from search.tuning.records import StudyRecord
from spaces import space_source

DECIDING = (
    "space",
    "sampler",
    "pruner",
    "epochs",
    "validation",
    "holdout_fraction",
    "folds",
    "racing",
    "metric",
    "seed",
    "with_baseline",
    "max_parameters",
    "device",
    "precision",
    "threads",
)


def check_same_study(
    stored: Recipe, stored_dataset: DatasetInfo, asked: Recipe, dataset: DatasetInfo
) -> None:
    """Raise UserError, showing each difference, unless the stored study may go on as asked."""
    pairs = [(name, getattr(stored, name), getattr(asked, name)) for name in DECIDING]
    then_id, now_id = (f"{one.name} ({one.fingerprint[:12]})" for one in (stored_dataset, dataset))
    pairs.append(("dataset", then_id, now_id))
    differences = [
        f"{name} {format_setting(then)} is now {format_setting(now)}"
        for name, then, now in pairs
        if then != now
    ]
    if differences:
        raise UserError(
            f"study {asked.study_name!r} exists with other settings: {'; '.join(differences)}; "
            "give the old settings to go on with it, or another --study-name"
        )


def check_code(stored: StudyRecord, code: Code, *, accept: bool) -> tuple[str, ...]:
    """Return what changed in the code since the study began, in a text each.

    Raises UserError, showing each change, unless there is none or the user accepts them.
    """
    then = Code(stored.space_code, stored.versions)
    changes = describe_changes(stored.recipe.space, then, code)
    if changes and not accept:
        raise UserError(
            f"study {stored.name!r} began with other code: {'; '.join(changes)}; accepted: "
            "another --study-name, or --accept-changes to go on with this one"
        )
    return changes


def current_code(space: str) -> Code:
    """Return the code that a study with this setting of `space` is trained by now."""
    return Code(space_source(space), code_versions())


def code_versions() -> dict[str, str]:
    """Return the versions that decide a result: Python's, the libraries' and this program's."""
    names = ("torch", "torchvision", "optuna", "scikit-learn", "numpy", "cifar-search")
    return {"python": platform.python_version()} | {name: version(name) for name in names}


def hardware(device: str) -> dict[str, str]:
    """Return what the study runs on, in words."""
    facts = {"processor": _processor(), "cores": str(joblib.cpu_count())}
    facts |= {"system": platform.system(), "instructions": torch.backends.cpu.get_cpu_capability()}
    if device.startswith("cuda"):
        facts["gpu"] = torch.cuda.get_device_name(device)
    return facts


def _processor() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:  # noqa: PTH123
            names = [line.partition(":")[2].strip() for line in file if "model name" in line]
    except OSError:
        names = []
    return names[0] if names else platform.processor() or platform.machine()
