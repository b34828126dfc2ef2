"""MLflow: a run of the study, and a nested run for each trial."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, final

from search.recipe import Recipe
from search.tracking.base import Tracker

if TYPE_CHECKING:
    from mlflow import MlflowClient

_STUDY_TAG = "cifar_search.study"
_PARENT_TAG = "mlflow.parentRunId"  # by which MLflow nests runs
_STATUS = {"failed": "FAILED", "interrupted": "KILLED"}  # of others it is FINISHED


@final
class MLflow(Tracker):
    """Writes to MLflow. A study that is resumed goes on in its run.

    Args:
        tracking_uri: The server or database, such as "http://HOST:5000" or
            "sqlite:///mlflow.db"; None: as the variable MLFLOW_TRACKING_URI says.
        experiment: The experiment's name; it is created if need be.
    """

    name = "mlflow"
    package = "mlflow"

    def __init__(self, tracking_uri: str | None = None, experiment: str = "cifar-search") -> None:
        super().__init__()
        self._uri, self._name = tracking_uri, experiment
        self._connected: MlflowClient | None = None
        self._experiment = ""
        self._study = ""
        self._trials: dict[int, str] = {}

    @property
    def _client(self) -> "MlflowClient":
        if self._connected is None:
            from mlflow import MlflowClient

            self._connected = MlflowClient(tracking_uri=self._uri)
        return self._connected

    def start_study(self, recipe: Recipe) -> None:
        known = self._client.get_experiment_by_name(self._name)
        self._experiment = (
            self._client.create_experiment(self._name) if known is None else known.experiment_id
        )
        self._study = self._stored(recipe.study_name) or self._start(
            recipe.study_name, {_STUDY_TAG: recipe.study_name}
        )
        self._client.update_run(self._study, status="RUNNING")
        for name, value in recipe.model_dump(mode="json", exclude_none=True).items():
            self._client.set_tag(self._study, f"recipe.{name}", value)
        self._client.log_text(self._study, recipe.toml(), "recipe.toml")

    def log_study(self, figures: Mapping[str, float]) -> None:
        for name, value in figures.items():
            self._client.log_metric(self._study, name, float(value))

    def add_report(self, folder: Path) -> None:
        self._client.log_artifacts(self._study, str(folder), "report")

    def end_study(self) -> None:
        self._client.set_terminated(self._study)

    def start_trial(self, number: int) -> None:
        self._trials[number] = self._start(f"trial {number}", {_PARENT_TAG: self._study})

    def log_epoch(self, number: int, epoch: int, figures: Mapping[str, float]) -> None:
        for name, value in figures.items():
            self._client.log_metric(self._trials[number], name, float(value), step=epoch)

    def end_trial(
        self,
        number: int,
        state: str,
        params: Mapping[str, object],
        figures: Mapping[str, float],
    ) -> None:
        run = self._trials.pop(number)
        self._client.set_tag(run, "state", state)
        for name, value in params.items():
            self._client.log_param(run, name, value)
        for name, figure in figures.items():
            self._client.log_metric(run, name, float(figure))
        self._client.set_terminated(run, _STATUS.get(state, "FINISHED"))

    def _start(self, name: str, tags: Mapping[str, Any]) -> str:
        run = self._client.create_run(self._experiment, run_name=name, tags=dict(tags))
        return str(run.info.run_id)

    def _stored(self, study: str) -> str | None:
        """Return the run of a study that was tracked before."""
        query = f"tags.`{_STUDY_TAG}` = '{study}'"
        found = self._client.search_runs([self._experiment], query, max_results=1)
        return str(found[0].info.run_id) if found else None
