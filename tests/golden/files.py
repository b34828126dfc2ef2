"""What lies in a study's folder: names, arrays, weights and the report's JSON."""

import json
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import load_file

from tests.golden.canon import digest, key_paths, leaves, stable

_ARRAYS = ("folds.npz", "test-predictions.npz", "mistakes.npy", "test-sample.npy")


def file_names(study_dir: Path) -> list[str]:
    """Return the paths of all files of a study."""
    files = (path for path in study_dir.rglob("*") if path.is_file())
    return sorted(path.relative_to(study_dir).as_posix() for path in files)


def array_parts(study_dir: Path) -> dict[str, str]:
    """Return a digest of each array that is kept, and of every network's weights."""
    parts = {name: _arrays(study_dir / name) for name in _ARRAYS if (study_dir / name).exists()}
    for path in sorted(study_dir.rglob("*.safetensors")):
        tensors = sorted(load_file(path).items())
        parts[path.relative_to(study_dir).as_posix()] = digest([_array(*one) for one in tensors])
    return parts


def model_part(study_dir: Path) -> Any:
    """Return the description of the exported network."""
    return json.loads((study_dir / "model" / "model.json").read_text(encoding="utf-8"))


def report_parts(study_dir: Path) -> dict[str, Any]:
    """Return the values of report.json by the path of their key; sentences are left out."""
    values: dict[str, list[Any]] = {}
    for path, value in leaves(stable(_report(study_dir))):
        if not _is_sentence(value):
            values.setdefault(f"report {path}", []).append(value)
    return dict(values)


def _is_sentence(value: Any) -> bool:
    """Return whether the value is words for people, which may become better ones."""
    return isinstance(value, str) and value.count(" ") > 1


def report_sections(study_dir: Path) -> list[str]:
    """Return the names of the report's sections."""
    return list(_report(study_dir))


def report_keys(study_dir: Path) -> list[str]:
    """Return the paths of the report's keys."""
    return sorted(set(key_paths(_report(study_dir))))


def _report(study_dir: Path) -> dict[str, Any]:
    path = study_dir / "report" / "report.json"
    report: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return report


def _arrays(path: Path) -> str:
    with path.open("rb") as file:
        loaded = np.load(file, allow_pickle=False)
        arrays = {"": loaded} if isinstance(loaded, np.ndarray) else dict(loaded)
    return digest([_array(name, arrays[name]) for name in sorted(arrays)])


def _array(name: str, array: np.ndarray) -> list[Any]:
    return [name, str(array.dtype), list(array.shape), digest(array.tobytes())]
