"""`Study.ablate`: the path to the winner, from Python."""

from collections.abc import Callable

import pytest

import search
from search.events import Event

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
