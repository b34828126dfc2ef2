"""Notes and artifacts of a study where optuna-dashboard looks for them.

The only module that knows private names of optuna-dashboard: the system attributes of a study
under which it keeps notes and artifacts. Those of trials are there too, so they can be added even
after a trial has ended.
"""

import hashlib
import json
import math
import time
from collections import ChainMap
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from itertools import count, takewhile
from pathlib import Path
from typing import Any, final

import optuna
from optuna.artifacts import FileSystemArtifactStore, upload_artifact
from optuna.artifacts.exceptions import ArtifactNotFound
from optuna_dashboard._note import note_str_key_prefix, note_ver_key, split_body

from search.files import write_file
from search.tuning.study_attributes import read_attributes, write_attributes

_STUDY_ARTIFACTS = "artifacts:"
_TRIAL_ARTIFACTS = "dashboard:artifacts:"
_TOGETHER_SECONDS = 5.0
KEPT_BELOW = "*What you write below this line stays.*"


@final
class DashboardStore:
    """What the dashboard shows of a study beyond Optuna's own data.

    Writing again replaces what was there. Raises the errors of the database, and OSError.

    Args:
        study: The study.
        artifacts_dir: Where its artifacts are.
    """

    def __init__(self, study: optuna.Study, artifacts_dir: Path) -> None:
        self._study, self._artifacts_dir = study, artifacts_dir
        self._storage, self._study_id = study._storage, study._study_id
        self._known: Mapping[str, Any] | None = None  # within `collected`: what is stored
        self._read_at = -math.inf
        self._changed: dict[str, Any] = {}

    @contextmanager
    def collected(self) -> Iterator[None]:
        """Read and write what the block needs together, every few seconds.

        For many trials: one at a time takes ten times as long. What a user writes to one of their
        notes in these seconds could be lost.
        """
        self._read_together()
        try:
            yield
        finally:
            self._write_together()
            self._known = None

    def write_note(self, body: str, trial: int | None = None) -> None:
        """Write the Markdown note of the study, or of the trial of that number.

        What the user wrote below the last line, or instead of the note, is kept.
        """
        trial_id = self._trial_id(trial)
        version, parts = self._note(trial_id)
        before = "".join(parts)
        _, ours, below = before.partition(KEPT_BELOW)
        users = (below if ours else before).strip()
        note = f"{body}\n\n{KEPT_BELOW}\n\n{users}".rstrip() + "\n"
        if note != before:
            written = split_body(note, trial_id)
            prefix = note_str_key_prefix(trial_id)
            rest = {f"{prefix}{i}": "" for i in range(len(written), len(parts))}
            self._write({note_ver_key(trial_id): version + 1} | written | rest)

    def _note(self, trial_id: int | None) -> tuple[int, list[str]]:
        """Return the version and the parts of a stored note; 0 and none if there is none."""
        version, prefix = note_ver_key(trial_id), note_str_key_prefix(trial_id)
        attrs = self._attrs(version.removesuffix("note_ver"))
        names = takewhile(attrs.__contains__, (f"{prefix}{i}" for i in count()))
        return int(attrs.get(version, 0)), [attrs[name] for name in names]

    def trials_with_notes(self, numbers: list[int]) -> set[int]:
        """Return which of the trials have a note."""
        attrs = self._attrs("dashboard:")
        return {n for n in numbers if note_ver_key(self._trial_id(n)) in attrs}

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
        return key in self._attrs(key) and (self._artifacts_dir / artifact).exists()

    def put_png(self, name: str, content: bytes, trial: int) -> None:
        """Store a PNG as an artifact of a trial; `name` is a file name."""
        self._artifacts_dir.mkdir(exist_ok=True)
        key, artifact = self._png(name, trial)
        write_file(self._artifacts_dir / artifact, content)
        meta = {"artifact_id": artifact, "filename": name, "mimetype": "image/png"}
        value = json.dumps(meta | {"encoding": None})
        self._write({key: value})

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
        for key, value in self._attrs(prefix).items():
            meta = json.loads(value) if key.startswith(prefix) else None
            if meta is not None:  # None if the dashboard deleted it
                yield meta

    def _attrs(self, prefix: str) -> Mapping[str, Any]:
        """Return at least those attributes of the study whose names begin with the prefix."""
        if self._known is None:
            return read_attributes(self._storage, self._study_id, prefix)
        if time.monotonic() - self._read_at >= _TOGETHER_SECONDS:
            self._write_together()
            self._read_together()
        return self._known

    def _write(self, values: Mapping[str, Any]) -> None:
        if self._known is None:
            write_attributes(self._storage, self._study_id, values)
        else:
            self._changed |= values  # which `_known` shows too

    def _read_together(self) -> None:
        stored = self._storage.get_study_system_attrs(self._study_id)
        self._known, self._read_at = ChainMap(self._changed, stored), time.monotonic()

    def _write_together(self) -> None:
        write_attributes(self._storage, self._study_id, self._changed)
        self._changed.clear()

    def _trial_id(self, number: int | None) -> int | None:
        if number is None:
            return None
        return self._storage.get_trial_id_from_study_id_trial_number(self._study_id, number)
