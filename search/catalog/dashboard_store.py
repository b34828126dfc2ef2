"""Notes and artifacts of a study where optuna-dashboard looks for them.

The only module that knows private names of optuna-dashboard: the system attributes of a study
under which it keeps notes and artifacts. Those of trials are there too, so they can be added even
after a trial has ended.
"""

import hashlib
import json
import math
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, final

import optuna
from optuna.artifacts import FileSystemArtifactStore, upload_artifact
from optuna.artifacts.exceptions import ArtifactNotFound
from optuna_dashboard._note import get_note_from_system_attrs, save_note_with_version

from search.files import write_file

_STUDY_ARTIFACTS = "artifacts:"
_TRIAL_ARTIFACTS = "dashboard:artifacts:"
KEPT_BELOW = "*What you write below this line stays.*"


@final
class DashboardStore:
    """What the dashboard shows of a study beyond Optuna's own data.

    Writing again replaces what was there. Raises the errors of the database, and OSError.

    Args:
        study: The study.
        artifacts_dir: Where its artifacts are.
        trust_seconds: For how long what was read counts as known. Everything is in one place, which
            takes long to read for many trials; but what a user writes meanwhile could be lost.
    """

    def __init__(
        self, study: optuna.Study, artifacts_dir: Path, *, trust_seconds: float = 0.0
    ) -> None:
        self._study, self._artifacts_dir = study, artifacts_dir
        self._storage, self._study_id = study._storage, study._study_id
        self._trust_seconds = trust_seconds
        self._known: Mapping[str, Any] = {}
        self._read_at = -math.inf

    def write_note(self, body: str, trial: int | None = None) -> None:
        """Write the Markdown note of the study, or of the trial of that number.

        What the user wrote below the last line, or instead of the note, is kept.
        """
        trial_id = self._trial_id(trial)
        stored = get_note_from_system_attrs(self._attrs(), trial_id)
        _, ours, below = stored["body"].partition(KEPT_BELOW)
        users = (below if ours else stored["body"]).strip()
        note = f"{body}\n\n{KEPT_BELOW}\n\n{users}".rstrip() + "\n"
        if note != stored["body"]:
            version = stored["version"] + 1
            save_note_with_version(self._storage, self._study_id, trial_id, version, note)

    def trials_with_notes(self, numbers: list[int]) -> set[int]:
        """Return which of the trials have a note."""
        attrs = self._attrs()
        return {n for n in numbers if f"dashboard:{self._trial_id(n)}:note_ver" in attrs}

    def put_figure(self, file: Path) -> None:
        """Store a copy of the file as an artifact of the study, under its name."""
        self._artifacts_dir.mkdir(exist_ok=True)
        known = {meta["filename"]: meta["artifact_id"] for meta in self._metas(_STUDY_ARTIFACTS)}
        if file.name in known:
            with file.open("rb") as content:
                self._files().write(known[file.name], content)
        else:
            upload_artifact(
                study_or_trial=self._study, file_path=str(file), artifact_store=self._files()
            )

    def has_png(self, name: str, trial: int) -> bool:
        """Return whether a trial has a PNG of that name."""
        key, artifact = self._png(name, trial)
        return key in self._attrs() and (self._artifacts_dir / artifact).exists()

    def put_png(self, name: str, content: bytes, trial: int) -> None:
        """Store a PNG as an artifact of a trial; `name` is a file name."""
        self._artifacts_dir.mkdir(exist_ok=True)
        key, artifact = self._png(name, trial)
        write_file(self._artifacts_dir / artifact, content)
        meta = {"artifact_id": artifact, "filename": name, "mimetype": "image/png"}
        value = json.dumps(meta | {"encoding": None})
        self._storage.set_study_system_attr(self._study_id, key, value)

    def artifacts(self) -> list[str]:
        """Return the ids of all artifacts, of the study and its trials."""
        metas = [*self._metas(_STUDY_ARTIFACTS), *self._metas(_TRIAL_ARTIFACTS)]
        return [meta["artifact_id"] for meta in metas]

    def remove_artifacts(self) -> None:
        """Remove the files of all artifacts."""
        for artifact in self.artifacts():
            with suppress(ArtifactNotFound):  # already removed
                self._files().remove(artifact)

    def _files(self) -> FileSystemArtifactStore:
        return FileSystemArtifactStore(str(self._artifacts_dir))

    def _png(self, name: str, trial: int) -> tuple[str, str]:
        """Return the attribute of a trial's PNG, and its artifact id, which names its file."""
        facts = f"{self._study.study_name}\n{trial}\n{name}"
        artifact = hashlib.sha256(facts.encode()).hexdigest()[:32]
        return f"{_TRIAL_ARTIFACTS}{self._trial_id(trial)}:{artifact}", artifact

    def _metas(self, prefix: str) -> Iterator[dict[str, str]]:
        for key, value in self._attrs().items():
            meta = json.loads(value) if key.startswith(prefix) else None
            if meta is not None:  # None if the dashboard deleted it
                yield meta

    def _attrs(self) -> Mapping[str, Any]:
        if time.monotonic() - self._read_at >= self._trust_seconds:
            self._known = self._storage.get_study_system_attrs(self._study_id)
            self._read_at = time.monotonic()
        return self._known

    def _trial_id(self, number: int | None) -> int | None:
        if number is None:
            return None
        return self._storage.get_trial_id_from_study_id_trial_number(self._study_id, number)
