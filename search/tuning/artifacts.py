"""What optuna-dashboard shows of a study beside Optuna's own facts: notes and artifacts.

The one place that knows under which system attributes of the study it looks for them. Those of
trials are there too, so that a trial which has ended can still be given some.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, final

import optuna
from optuna_dashboard._note import get_note_from_system_attrs, save_note_with_version

from search.files import write_file

_ARTIFACTS = "artifacts:"
_TRIAL_ARTIFACTS = "dashboard:artifacts:"
KEPT_BELOW = "*What you write below this line stays.*"


@final
class StudyBoard:
    """Writes notes and PNG files of a study; `artifacts_dir` must exist.

    Everything has one place: whatever is written again replaces what was there. Failures are
    those of the database and OSError.
    """

    def __init__(self, study: optuna.Study, artifacts_dir: Path) -> None:
        self._study, self._artifacts_dir = study, artifacts_dir
        self._storage, self._study_id = study._storage, study._study_id

    def write_note(self, body: str, trial: int | None = None) -> None:
        """Write the Markdown note of the study, or of the trial of that number.

        What the user wrote below its last line, or instead of it, is kept there.
        """
        trial_id = self._trial_id(trial)
        stored = get_note_from_system_attrs(self._attrs(), trial_id)
        _, ours, below = stored["body"].partition(KEPT_BELOW)
        users = (below if ours else stored["body"]).strip()
        note = f"{body}\n\n{KEPT_BELOW}\n\n{users}".rstrip() + "\n"
        if note != stored["body"]:
            version = stored["version"] + 1
            save_note_with_version(self._storage, self._study_id, trial_id, version, note)

    def has_png(self, name: str, trial: int) -> bool:
        """Return whether a trial's picture of that name is kept."""
        key, artifact = self._png(name, trial)
        return key in self._attrs() and (self._artifacts_dir / artifact).exists()

    def put_png(self, name: str, content: bytes, trial: int) -> None:
        """Keep a picture as an artifact of a trial under `name`, a file name."""
        key, artifact = self._png(name, trial)
        write_file(self._artifacts_dir / artifact, content)
        meta = {"artifact_id": artifact, "filename": name, "mimetype": "image/png"}
        value = json.dumps(meta | {"encoding": None})
        self._storage.set_study_system_attr(self._study_id, key, value)

    def _png(self, name: str, trial: int) -> tuple[str, str]:
        """Return under which attribute a picture is known, and its id, which is its file's name."""
        facts = f"{self._study.study_name}\n{trial}\n{name}"
        artifact = hashlib.sha256(facts.encode()).hexdigest()[:32]
        return f"{_TRIAL_ARTIFACTS}{self._trial_id(trial)}:{artifact}", artifact

    def trials_with_notes(self, numbers: list[int]) -> set[int]:
        """Return which of the trials have a note."""
        attrs = self._attrs()
        return {n for n in numbers if f"dashboard:{self._trial_id(n)}:note_ver" in attrs}

    def _attrs(self) -> Mapping[str, Any]:
        return self._storage.get_study_system_attrs(self._study_id)

    def _trial_id(self, number: int | None) -> int | None:
        if number is None:
            return None
        return self._storage.get_trial_id_from_study_id_trial_number(self._study_id, number)


def study_artifacts(study: optuna.Study) -> dict[str, str]:
    """Return the ids of the study's own artifacts by file name."""
    return {meta["filename"]: meta["artifact_id"] for meta in _metas(study, _ARTIFACTS)}


def all_artifacts(study: optuna.Study) -> list[str]:
    """Return the ids of all artifacts, those of its trials too."""
    metas = [*_metas(study, _ARTIFACTS), *_metas(study, _TRIAL_ARTIFACTS)]
    return [meta["artifact_id"] for meta in metas]


def _metas(study: optuna.Study, prefix: str) -> list[dict[str, str]]:
    attrs = study._storage.get_study_system_attrs(study._study_id)
    metas = [json.loads(value) for key, value in attrs.items() if key.startswith(prefix)]
    return [meta for meta in metas if meta is not None]  # None: deleted in the dashboard
