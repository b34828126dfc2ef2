"""Publishes the report's figures where optuna-dashboard shows them: as the study's artifacts."""

from pathlib import Path

import optuna
from optuna.artifacts import FileSystemArtifactStore, get_all_artifact_meta, upload_artifact

from search.paths import RunPaths
from search.report.figures import FIGURE_NAMES


def publish_figures(study: optuna.Study, paths: RunPaths) -> None:
    """Put every PNG of the report into the artifact store, in place of an earlier one."""
    paths.artifacts_dir.mkdir(parents=True, exist_ok=True)
    store = FileSystemArtifactStore(str(paths.artifacts_dir))
    known = {meta.filename: meta.artifact_id for meta in get_all_artifact_meta(study)}
    for figure in (paths.figure(name, "png") for name in FIGURE_NAMES):
        if figure.exists() and figure.name in known:
            _rewrite(store, known[figure.name], figure)
        elif figure.exists():
            upload_artifact(study_or_trial=study, file_path=str(figure), artifact_store=store)


def _rewrite(store: FileSystemArtifactStore, artifact_id: str, figure: Path) -> None:
    with figure.open("rb") as file:
        store.write(artifact_id, file)
