"""Files of the report."""

from dataclasses import replace

import pytest

from search.errors import MachineError
from search.paths import RunPaths
from search.progress.steps import Step
from search.report.evidence import Evidence
from search.report.write import write_report
from tests.report import report_fakes as fakes


@pytest.mark.slow
def test_report_is_written_whole(hostile: fakes.Fake, paths: RunPaths) -> None:
    """Figures as PDF and PNG, JSON and Markdown lie beside the page, and no temporary file."""
    page = write_report(Evidence(*hostile, fakes.mistake_images(hostile.record)), paths)
    assert page == paths.report_page
    names = [one for one in fakes.CNN_FIGURES if one != "versus-baseline"]
    expected = {paths.figure(name, s).name for name in names for s in ("pdf", "png")}
    drawn = set(names) - {"mistakes", "slices"}
    expected |= {f"{name}.csv" for name in drawn}
    assert {path.name for path in paths.report_dir.iterdir()} == expected | {
        "report.html",
        "report.json",
        "report.md",
        "recipe.toml",
        "trials.csv",
    }
    assert paths.figure("mistakes", "pdf").read_bytes().startswith(b"%PDF")
    assert paths.figure("mistakes", "png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.slow
def test_stale_figures_are_removed(unfinished: fakes.Fake, paths: RunPaths) -> None:
    """A figure of an earlier report that no longer applies does not stay to mislead."""
    paths.report_dir.mkdir(parents=True)
    stale = [
        paths.figure(name, suffix)
        for name in ("mlp-learning-curve", "cnn-confusion-matrix")
        for suffix in ("png", "csv")
    ]
    for figure in stale:
        figure.write_bytes(b"old")
    write_report(Evidence(*unfinished), paths)
    assert not any(figure.exists() for figure in stale)
    assert paths.figure("optimization-history", "pdf").exists()


@pytest.mark.slow
def test_same_study_same_files(unfinished: fakes.Fake, paths: RunPaths) -> None:
    """Building the report again changes no byte."""
    write_report(Evidence(*unfinished), paths)
    before = {path: path.read_bytes() for path in paths.report_dir.iterdir()}
    write_report(Evidence(*unfinished), paths)
    assert before == {path: path.read_bytes() for path in paths.report_dir.iterdir()}


@pytest.mark.slow
def test_unwritable_folder_is_one_line(unfinished: fakes.Fake, paths: RunPaths) -> None:
    """A failure of the machine says how to go on, with the folder and the database in question."""
    paths.study_dir.write_text("a file where the folder should be")
    record = unfinished.record
    recipe = record.recipe.model_copy(update={"storage": "postgresql://me:secret@host/db"})
    with pytest.raises(MachineError) as raised:
        write_report(Evidence(replace(record, recipe=recipe), unfinished.study), paths)
    again = str(raised.value).partition("go on with: ")[2]
    assert again == (
        f"python -m search report {record.name} --runs-dir {paths.runs_dir} "
        "--storage postgresql://me@host/db"
    )


@pytest.mark.slow
def test_progress_counts_findings_and_figures(unfinished: fakes.Fake, paths: RunPaths) -> None:
    """Each step begins at 0, only rises, and never says more than there is."""
    steps: list[Step] = []
    write_report(Evidence(*unfinished), paths, steps.append)
    assert list(dict.fromkeys(step.words for step in steps)) == ["findings", "figures"]
    for words in ("findings", "figures"):
        done = [step.done for step in steps if step.words == words]
        assert done == list(range(len(done)))
        assert {step.total for step in steps if step.words == words} == {len(done)}
