"""A study as an object: what it found, its next steps, its report."""

import shutil
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, SupportsIndex, final

import optuna

from search import text
from search.ablation.path import Ablation
from search.catalog.studies import find_trial, open_stored
from search.errors import UserError
from search.evaluation.ensemble import Ensemble, load_ensemble
from search.evaluation.model import ImageClassifier, load_model
from search.events import Listener
from search.files import as_path, check_writable, machine_failures
from search.nested import check_folds
from search.paths import EnsemblePaths, RunPaths
from search.pipeline import stored_evidence, write_stored_report
from search.progress.words import describe_number
from search.recipe import Recipe
from search.report.evidence import Evidence
from search.report.findings import summaries
from search.report.findings.margin import Margin
from search.report.findings.nested import Nested
from search.report.scoring import decisive_score, of_trainings
from search.study.changes import check_kept
from search.study.figures import StudyPlots
from search.study.frames import new_frame
from search.study.html import paragraph, table
from search.study.runner import Runner
from search.study.trial import Trial
from search.study.validation import Validation, validation_settings
from search.tracking import Tracker
from search.training.metrics import TestResult
from search.tuning.endings import why_no_winner
from search.tuning.locks import check_owned
from search.tuning.records import StudyRecord
from search.tuning.run_events import ReportWritten
from search.tuning.store import read_study
from spaces.candidate import summarize_candidate

if TYPE_CHECKING:
    import pandas as pd

_N_SHOWN = 5


@final
class Study:
    """A stored study: made by `search.run`, or opened by `search.load_study`.

    What it says is what was stored when it was opened, or by its own last step. Its files stay
    where they were when it was opened, whatever the current folder is later.

    Args:
        name: Its name.
        runs_dir: The folder of the studies.
        storage: URL of the database; None: SQLite in `runs_dir`.
        runner: Runs its steps.
        settings: The settings that it was requested with; None: as stored.

    Raises:
        UserError: There is no such study.
    """

    def __init__(
        self,
        name: str,
        runs_dir: Path,
        storage: str | None,
        runner: Runner,
        settings: Mapping[str, Any] | None = None,
    ) -> None:
        self._runs_dir, self._storage, self._runner = runs_dir, storage, runner
        self._paths = RunPaths(runs_dir.absolute(), name)
        self._settings = settings
        self.optuna: optuna.Study = open_stored(name, runs_dir, storage)
        """Optuna's study, for everything that reads one."""
        self.record: StudyRecord = read_study(self.optuna)
        """Everything that is stored, as plain values."""

    @property
    def name(self) -> str:
        """Its name."""
        return self.record.name

    @property
    def folder(self) -> Path:
        """The folder with its model and report."""
        return self._paths.study_dir

    @property
    def recipe(self) -> Recipe:
        """Every setting, as resolved; `recipe.toml()` is a file for the command line."""
        return self.record.recipe

    @cached_property
    def trials(self) -> tuple[Trial, ...]:
        """All trials, by number."""
        return tuple(Trial(self.record, one) for one in self.record.trials)

    @property
    def best(self) -> Trial:
        """The best complete trial.

        Raises UserError, which says why, if there is none.
        """
        winner = self.record.winner()
        if winner is None:
            raise UserError(f"study {self.name!r} has no winner: {why_no_winner(self.record)}")
        return Trial(self.record, winner)

    @property
    def runner_up(self) -> Trial:
        """The best complete trial besides the winner, which is no copy of it.

        Raises UserError if there is none.
        """
        found = self._evidence.once(Margin.of)
        if found is None or found.runner_up is None:
            raise UserError(
                f"study {self.name!r} has no runner-up: no other trial's score can be compared "
                "with the winner's"
            )
        return self.trial(found.runner_up.trial)

    @property
    def verdict(self) -> str:
        """What came of it, in sentences: result, lead over the runner-up, what may be chance.

        They are those of the report. Raises UserError if nothing has won.
        """
        _ = self.best  # which says why there is none
        return " ".join(summaries(self.record, self._evidence.nested))

    @property
    def result(self) -> TestResult | None:
        """The winner's result on the test set; None until `test`."""
        return self.record.test

    @property
    def model(self) -> ImageClassifier:
        """The winner's network, retrained and exported by `refit`.

        Raises UserError if it was not refitted yet.
        """
        if self.record.refit is None and not self.record.repeats:
            raise UserError(f"study {self.name!r} has no model of its winner yet: refit() makes it")
        return load_model(self._paths.model_dir, trust_code=True)

    @property
    def ensemble(self) -> Ensemble:
        """The networks of the best trials, of a study with the setting `ensemble`.

        Raises UserError if there is none, or `refit` has not made it yet.
        """
        if self.recipe.ensemble is None:
            raise UserError(
                f"study {self.name!r} has no ensemble: run(ensemble=3), then refit(), makes one"
            )
        if not EnsemblePaths(self._paths.ensemble_dir).card.is_file():
            raise UserError(f"study {self.name!r} has no ensemble yet: refit() makes it")
        return load_ensemble(self._paths.ensemble_dir, trust_code=True)

    @property
    def plot(self) -> StudyPlots:
        """Its plots: `plot.importances()`, `plot.history()`, ..."""
        return StudyPlots(self._evidence)

    def trial(self, number: SupportsIndex) -> Trial:
        """Return a trial by its number, from 0; raises UserError, naming those that exist."""
        return Trial(self.record, find_trial(self.record, number))

    def to_dataframe(self) -> "pd.DataFrame":
        """Return one row a trial: state, score, score of each fold, epochs, parameters.

        The frame's index is the trial's number; column "index" is its place in the plan, which a
        trial that is run again keeps. Parameters are in columns `params_NAME`. Raises UserError if
        pandas is not installed.
        """
        rows = [one.as_row() for one in self.trials]
        columns = dict.fromkeys(name for row in rows for name in row)
        return new_frame(rows, list(columns) or ["trial"], index="trial")

    def on(self, kind: str | Listener, function: Listener | None = None) -> Self:
        """Have a function called with events of later steps; returns the study.

        Args:
            kind: Such as "trial_ended", "epoch" or "search_ended" (docs: Events); or a function
                that takes every event, such as a tracker: `study.on(search.MLflow())`.
            function: Takes the events of that kind.

        Raises:
            UserError: There are no such events, or what should take them is no function.
        """
        if function is None and not isinstance(kind, str):
            if isinstance(kind, Tracker):
                kind.follow(self.recipe)
            self._runner.listeners.add(kind)
        else:
            self._runner.listeners.add(function, kind)
        return self

    def run(
        self,
        *,
        validation: str | Validation | None = None,
        accept_changes: bool | None = None,
        retry_failed: bool = False,
        **changes: Any,
    ) -> Self:
        """Continue the search, as the same call of `search.run` does; returns the study.

        Args:
            validation: As for `search.run`; None: as it was.
            accept_changes: Whether to continue though the space's code or a library changed;
                None: as said when the study was opened.
            retry_failed: Whether trials that failed for good are tried again.
            changes: Settings that may change, such as `trials=100` or `timeout="1h"`. A loaded
                study that is given trials, epochs or a timeout keeps no budget that it had.

        Raises:
            UserError: A setting would change results that are stored.
            MachineError: Something failed; what is finished is kept.
            SearchInterrupted: It was interrupted; what is finished is kept.
        """
        check_kept(changes)
        settings = dict(self._stored_settings() if self._settings is None else self._settings)
        fixed = {"study_name": self.name, "runs_dir": self._runs_dir}
        changes |= validation_settings(validation)
        if self._settings is None and changes.keys() & {"trials", "epochs", "timeout"}:
            settings.pop("budget", None)  # the hour of a call that said nothing
        recipe = self._recipe({**settings, **changes, **fixed})
        self._runner.search(recipe, retry_failed=retry_failed, accept_changes=accept_changes)
        return self._reload()

    def refit(self) -> ImageClassifier:
        """Return the winner, retrained on all training images; the test set stays closed.

        Where an ensemble was asked for, its other networks are retrained too. A winner that was
        refitted before is loaded.

        Raises:
            UserError: No trial is complete.
            MachineError: It failed; its checkpoints are kept.
            SearchInterrupted: It was interrupted; its checkpoints are kept.
        """
        classifier = self._runner.refit(self._recipe(self._stored_settings()))
        self._reload()
        return classifier

    def test(self) -> TestResult:
        """Open the sealed test set for the winner, on record, and return its result.

        The winner is refitted first unless it was before. A winner that was tested is not tested
        again. An ensemble is tested in the same opening.

        Raises: as `refit`.
        """
        if not self.record.is_tested() or self.record.lacks_ensemble():
            self._runner.test(self._recipe(self._stored_settings()))
            self._reload()
        if self.record.test is None:
            raise UserError(f"study {self.name!r} has no test result")
        return self.record.test

    def ablate(self, start: "Trial | int | None" = None) -> Ablation:
        """Find which of the changes that lead to the winner matter; returns the path.

        Settings are changed one at a time, the one that helps most first, each time trained on the
        study's folds with the winner's seeds. `plot.ablation()` and the report show it. What was
        trained before is not trained again.

        Args:
            start: The trial where the path begins; None: the hand-tuned network.

        Raises:
            UserError: Nothing has won, or there is no hand-tuned network.
            MachineError: A training failed; what is finished is kept.
            SearchInterrupted: It was interrupted; what is finished is kept.
        """
        number = start.number if isinstance(start, Trial) else start
        found = self._runner.ablate(self._recipe(self._stored_settings()), number)
        self._reload()
        return found

    def nested(self, folds: int = 5) -> Nested:
        """Repeat the whole search on parts of its training images, and test on the rest.

        That says what the search is worth on images that it never saw, with the test set closed.
        Each repetition takes as long as the search and is a study of its own; those that ended are
        not run again. The report shows the result, too.

        Args:
            folds: How many repetitions; each leaves out another part of the images.

        Raises:
            UserError: Nothing has won, or there are too few images.
            MachineError: A training failed; what is finished is kept.
            SearchInterrupted: It was interrupted; what is finished is kept.
        """
        check_folds(folds)
        self._runner.repeat(self._recipe(self._stored_settings()), folds)
        found = Nested.of(self._reload()._evidence)
        if found is None:
            raise UserError(f"study {self.name!r} has no repetitions with a result")
        return found

    def report(self, folder: str | Path | None = None) -> Path:
        """Write the report and return the path of its page.

        Args:
            folder: Where to put a copy; None: only in the study's own folder.

        Raises:
            UserError: A file is in the way.
            MachineError: The folder cannot be written.
        """
        target = None if folder is None else as_path(folder, "folder")
        if target is not None:
            check_writable(target, "folder")
        check_owned(self.optuna, self._paths)
        with self._runner.in_own_folder():
            paths = RunPaths(self._runs_dir, self.name)
            page = write_stored_report(self.record, self.optuna, paths).absolute()
        self._runner.announce(ReportWritten(str(self._paths.model_dir), str(page)))
        if target is None:
            return page
        with machine_failures(f"folder {target} cannot be written", "choose another one"):
            shutil.copytree(page.parent, target, dirs_exist_ok=True)
        return target / page.name

    def stop(self) -> None:
        """End the running step after the current epoch; for functions given to `on`."""
        self._runner.stop()

    def _stored_settings(self) -> dict[str, Any]:
        stored = self.record.recipe.model_dump(exclude_none=True, exclude={"timeout"})
        return stored | {"runs_dir": self._runs_dir}

    def _recipe(self, settings: Mapping[str, Any]) -> Recipe:
        """Return the recipe; the storage is as given, as a stored one has no password."""
        return Recipe.from_sources(None, {**settings, "storage": self._storage})

    def _reload(self) -> Self:
        self.record = read_study(self.optuna)
        for name in ("trials", "_evidence"):
            self.__dict__.pop(name, None)
        return self

    @cached_property
    def _evidence(self) -> Evidence:
        return stored_evidence(self.record, self.optuna, self._paths)

    def __repr__(self) -> str:
        return f"<Study {self.name!r}: {'; '.join(self._facts())}>"

    def _repr_html_(self) -> str:
        ranked = self.record.complete()[:_N_SHOWN]
        metric = self.record.metric
        rows = [
            (
                describe_number(one).removeprefix("trial "),
                text.score(one.mean, metric),
                "" if one.fold_deviation is None else text.spread(one.fold_deviation, metric),
                f"{one.best_epoch} of {len(one.history.epochs)}",
                "" if one.candidate is None else summarize_candidate(one.candidate),
            )
            for one in ranked
        ]
        headings = ("trial", f"validation {metric}", "spread", "best epoch", "candidate")
        best = table(headings, rows, "best trials") if rows else ""
        return paragraph(f"study {self.name}: {'; '.join(self._facts())}") + best

    def _facts(self) -> Iterator[str]:
        record = self.record
        yield text.trials_done(record.n_done(), record.n_planned())
        winner = record.winner()
        if winner is None:
            yield "no winner" if record.has_no_winner() else "no trial is complete yet"
            return
        score = text.score(decisive_score(record, winner), record.metric)
        again = of_trainings(record, winner)
        told = f"{describe_number(winner)}{f', {again}' if again else ''}"
        yield f"best validation {record.metric} {score} ({told})"
        if record.test is None:
            yield "winner not tested yet" if record.openings else "not tested yet"
        else:
            yield f"test accuracy {text.percent(record.test.accuracy, 2)}"
            yield f"test set {text.opened(len(record.openings))}"
