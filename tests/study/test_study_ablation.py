"""`Study.ablate`: the path to the winner, from Python."""

from collections.abc import Callable

import pytest

import search
from search.events import Event
from tests.conftest import Command

RunMaker = Callable[..., search.Study]


@pytest.mark.slow
def test_a_path_between_trials(run: RunMaker) -> None:
    """The plot says what to call before, and shows the path after; stop() keeps what is there."""
    study = run(trials=3, epochs=1)
    with pytest.raises(search.UserError, match=r"study\.ablate\(\)"):
        study.plot.ablation()
    with pytest.raises(search.UserError, match="no hand-tuned network"):
        study.ablate()
    other = next(one for one in study.trials if one.number != study.best.number)
    interrupted = run(trials=3, epochs=1)

    def end(_event: Event) -> None:
        interrupted.stop()

    interrupted.on("progress", end)
    with pytest.raises(search.SearchInterrupted):
        interrupted.ablate(other)
    path = study.ablate(other).path
    assert path.steps[-1].score == study.best.score
    assert (study.report().parent / "ablation.png").exists()
    assert search.load_study(study.name, runs_dir=study.record.recipe.runs_dir).plot.ablation()


@pytest.mark.slow
def test_the_command_keeps_what_limits_the_study(run: RunMaker, command: Command) -> None:
    """It trains a path, and changes nothing that is stored of the search."""
    study = run(trials=2, epochs=1)
    study.test()
    recipe = {**study.optuna.user_attrs["recipe"], "budget": 3600.0}
    study.optuna.set_user_attr("recipe", recipe)
    other = next(one for one in study.trials if one.number != study.best.number)
    place = ("--runs-dir", study.recipe.runs_dir)
    done = command("ablate", study.name, "--from", str(other.number), *place)
    assert done.status == 0, done.err
    assert search.load_study(study.name, study.recipe.runs_dir).recipe.budget == 3600
