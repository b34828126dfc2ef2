"""Reports of a made-up study, built once."""

from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from search.paths import RunPaths
from search.report.evidence import Evidence, TestedStudy
from search.report.findings import find_all
from search.report.render.html import render_page
from search.report.render.packing import unpack
from tests.report import baseline_fakes
from tests.report import report_fakes as fakes

HOSTILE = ('<b>bold</b> & "quoted"', "cost $5 or $6", "</script><script>alert(1)")


def one_spaced(text: str) -> str:
    """Return the text with one space between words, whatever was there."""
    return " ".join(text.split())


class PageReader(HTMLParser):
    """Collects a page's elements, scripts and visible text."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[str] = []
        self.words: list[str] = []
        self._inside = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._inside = tag
        if tag == "script":
            self.scripts.append("")

    def handle_endtag(self, tag: str) -> None:
        self._inside = ""

    def handle_data(self, data: str) -> None:
        if self._inside == "script":
            self.scripts[-1] += data
        elif self._inside != "style":
            self.words.append(data)

    def packed(self) -> dict[str, Any]:
        """Return what the page's scripts draw."""
        (text,) = (script for script in self.scripts if len(script) > 1_000_000)
        return unpack(text)

    @property
    def text(self) -> str:
        return one_spaced(" ".join(self.words))


def read_page(evidence: Evidence) -> PageReader:
    """Return the page of this study, parsed."""
    reader = PageReader()
    reader.feed(render_page(evidence.record, find_all(evidence)))
    return reader


@pytest.fixture
def paths(tmp_path: Path) -> RunPaths:
    return RunPaths(tmp_path, "study")


@pytest.fixture(scope="session")
def kfold() -> fakes.Fake:
    return fakes.realistic(n_folds=5)


@pytest.fixture(scope="session")
def kfold_evidence(kfold: fakes.Fake) -> Evidence:
    """Return a search beside a baseline of three trainings."""
    record = kfold.record
    predictions = fakes.model_predictions(record)
    baseline = baseline_fakes.reproduction(3)
    return Evidence(*kfold, fakes.mistake_images(record), predictions, baseline)


@pytest.fixture(scope="session")
def kfold_page(kfold_evidence: Evidence) -> PageReader:
    return read_page(kfold_evidence)


@pytest.fixture(scope="session")
def unfinished() -> fakes.Fake:
    """A study of which every trial was pruned, failed, or is not done."""
    past = fakes.history([[0.3, 0.4]])
    trials = [
        fakes.other_trial(0, "pruned", value=0.4, history=past),
        fakes.other_trial(1, "failed"),
        fakes.other_trial(2, "running"),
        fakes.other_trial(3, "waiting"),
    ]
    return fakes.Fake(fakes.study_record(trials), fakes.optuna_study(trials))


@pytest.fixture(scope="session")
def unfinished_evidence(unfinished: fakes.Fake) -> Evidence:
    return Evidence(*unfinished)


@pytest.fixture(scope="session")
def hostile() -> fakes.Fake:
    return fakes.realistic(n_trials=6, class_names=HOSTILE)


@pytest.fixture(scope="session")
def hostile_evidence(hostile: fakes.Fake) -> Evidence:
    return Evidence(*hostile, fakes.mistake_images(hostile.record))


@pytest.fixture(scope="session")
def many_classes_evidence() -> Evidence:
    fake = fakes.realistic(n_trials=4, class_names=[f"class {i}" for i in range(37)])
    return Evidence(*fake, fakes.mistake_images(fake.record))


@pytest.fixture(scope="session")
def reproduction() -> TestedStudy:
    """Return a baseline study of three trainings."""
    return baseline_fakes.reproduction(3)


@pytest.fixture(scope="session")
def reproduction_evidence(reproduction: TestedStudy) -> Evidence:
    return baseline_evidence(reproduction)


def baseline_evidence(study: TestedStudy) -> Evidence:
    """Return what a baseline study's own report is made from."""
    return fakes.evidence(study.record, predictions=study.predictions)
