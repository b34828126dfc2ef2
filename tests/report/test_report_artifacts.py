"""The figures in the dashboard's artifact store."""

from pathlib import Path

import optuna
from optuna.artifacts import get_all_artifact_meta

from search.dashboard.publishing import publish_figures
from search.paths import RunPaths


def test_figures_are_published_once_and_renewed_in_place(tmp_path: Path) -> None:
    """A rebuilt report replaces its artifacts' content and adds none."""
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.create_study(study_name="study")
    paths = RunPaths(tmp_path, "study")
    paths.report_dir.mkdir(parents=True)
    figure = paths.figure("cnn-learning-curve", "png")
    for content in (b"first", b"second"):
        figure.write_bytes(content)
        publish_figures(study, paths)
        (meta,) = get_all_artifact_meta(study)
        assert meta.filename == "cnn-learning-curve.png"
        assert (paths.artifacts_dir / meta.artifact_id).read_bytes() == content
