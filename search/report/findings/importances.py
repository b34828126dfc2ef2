"""Which parameters matter?"""

import warnings
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Self, final

import numpy as np
import optuna
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from optuna.distributions import BaseDistribution
from optuna.importance import PedAnovaImportanceEvaluator
from optuna.trial import FrozenTrial, create_trial

from search.parallel import parallel_map
from search.plotting import BLUE, GREY, new_figure, short
from search.report.blocks import Block, Chart, Paragraph, Plot, Table
from search.report.charts import escape, new_chart_figure
from search.report.evidence import Evidence
from search.report.finding import WHY, Finding, ReportPart, Unlisted
from search.report.scoring import After, adaptive_caveat, drawn_trials, few_drawn, reached
from search.text import listed, percent, plural

_FEWEST = 5
_FEWEST_DRAWN = 9  # beside prepared ones; fewer can be split in two in under 100 ways
_FEW = 20
_MOST = 500  # more would take long, and what shows in no 500 trials matters little
_ROUNDING = 1e-9  # relative; sums in another order differ by this much
_MOST_DRAWN = 15
_PALE = "#a9c4d8"  # of what chance explains


N_SHUFFLES = 99


@final
class PedAnova:
    """Importances of parameters for being among the best trials.

    Source: Watanabe, Bansal, Hutter, "PED-ANOVA: Efficiently Quantifying Hyperparameter
    Importance in Arbitrary Subspaces", IJCAI 2023, as Optuna implements it. Optuna uses complete
    trials only, so all are passed as complete.

    Args:
        trials: The trials to compare.
        names: The parameters.
        quantile: The share of the trials that counts as best.
    """

    def __init__(
        self, trials: Sequence[FrozenTrial], names: Sequence[str], quantile: float
    ) -> None:
        self._names = list(names)
        self._quantile = quantile
        with _quiet():
            self._study = optuna.create_study()
            self._study.add_trials(
                [
                    create_trial(value=0.0, params=trial.params, distributions=trial.distributions)
                    for trial in trials
                ]
            )
            _share_distributions(self._study.get_trials(deepcopy=False))

    def importances(self, losses: Sequence[float]) -> Mapping[str, float]:
        """Return the raw importance of each name, given a loss for each trial."""
        evaluator = PedAnovaImportanceEvaluator(target_quantile=self._quantile)
        with _quiet():
            return evaluator.evaluate(
                self._study, params=self._names, target=lambda trial: losses[trial.number]
            )

    def chance_levels(self, losses: Sequence[float], seed: int = 0) -> Mapping[str, float]:
        """Return the raw importance of each name that chance seldom exceeds for any of them.

        The losses are shuffled among the trials, so that no parameter matters. Every importance
        is put in standard deviations from its mean over shuffles and study; the level is the
        greatest of all parameters and shuffles, put back. In at most one of 100 studies in which
        nothing matters does any parameter exceed its level, however many there are (Westfall and
        Young, "Resampling-Based Multiple Testing", 1993).
        """
        generator = np.random.default_rng(seed)
        shuffles = [generator.permutation(losses).tolist() for _ in range(N_SHUFFLES)]
        found = parallel_map(self.importances, [losses, *shuffles])
        table = np.array([[one[name] for name in self._names] for one in found])
        mean, std = table.mean(axis=0), table.std(axis=0)
        away = np.divide(table - mean, std, out=np.zeros_like(table), where=std > 0)
        levels = mean + away[1:].max() * std
        return dict(zip(self._names, levels.tolist(), strict=True))


def _share_distributions(trials: Sequence[FrozenTrial]) -> None:
    """Let equal distributions be one object, since Optuna compares those of all trials often."""
    known: dict[BaseDistribution, BaseDistribution] = {}
    for trial in trials:
        for name, one in trial.distributions.items():
            trial.distributions[name] = known.setdefault(one, one)


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence Optuna's log and its warnings about few trials, which the report mentions itself."""
    verbosity = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        optuna.logging.set_verbosity(verbosity)


@final
class Importance(ReportPart):
    """One parameter."""

    name: str
    """The parameter."""
    importance: float
    """Its share; all shares add up to 1."""
    chance: float
    """The importance that chance lets any of the parameters exceed, each its own, in only one of
    100 studies."""

    @property
    def beyond_chance(self) -> bool:
        """Whether it matters more than chance explains."""
        return self.importance > self.chance * (1 + _ROUNDING)


@final
class Importances(Finding):
    """Which parameters separate the best trials from the rest, by PED-ANOVA."""

    key = "importances"
    section = WHY
    narrow = True
    title = "Which parameters matter"
    figures = ("importances",)

    parameters: tuple[Importance, ...] = ()
    """Those that exceed chance the most first; empty where there is a reason."""
    n_trials: int = 0
    """Trials that were compared."""
    n_comparable: int = 0
    """Trials that could be compared: not those with prepared candidates. If there are very many,
    those that were compared are a random part of them."""
    quantile: float = 0.0
    """The share of them that counts as best."""
    after: After | None = None
    """How far they were compared; null if by their scores."""
    reason: str | None = None
    """Why there are no importances."""
    order: Unlisted[tuple[str, ...]] = ()  # of the parameters, without regard to importance
    n_prepared: Unlisted[int] = 0  # prepared candidates, which were left out
    untested: Unlisted[bool] = False  # whether that left too few
    caveat: Unlisted[str | None] = None  # of a sampler that learns

    @classmethod
    def of(cls, evidence: Evidence) -> Self | None:
        """Compute the importances of the drawn trials that can be compared.

        Conditional parameters are included. None for a baseline study.
        """
        record = evidence.record
        if not record.recipe.protocol.is_search:
            return None
        compared = drawn_trials(record)
        drawn = _drawn(len(compared.trials))
        frozen, scores = evidence.frozen_trials(), [compared.values[place] for place in drawn]
        trials = [frozen[compared.trials[place].number] for place in drawn]
        n_trials, names = len(trials), _varied(trials)
        few = few_drawn(record, _FEWEST_DRAWN, "which parameter matters", of=_FEWEST)
        known = cls(
            n_trials=n_trials,
            n_comparable=len(compared.trials),
            n_prepared=record.n_prepared,
            untested=few is not None,
            reason=few or _reason(scores, names),
        )
        if known.reason is not None:
            return known
        sign = -1.0 if record.metric.higher_is_better else 1.0
        # Optuna needs 5 trials in the quantile, and uses a tenth by default.
        quantile = min(0.5, max(0.1, 5 / n_trials))
        losses, anova = [sign * one for one in scores], PedAnova(trials, names, quantile)
        raw = anova.importances(losses)
        total = sum(raw.values())
        if not total > 0:
            reason = "there are too few trials to tell them apart"
            return known.model_copy(update={"reason": reason})
        chance = anova.chance_levels(losses)
        found = (
            Importance(name=name, importance=value / total, chance=chance[name] / total)
            for name, value in raw.items()
        )
        return known.model_copy(
            update={
                "parameters": tuple(sorted(found, key=_by_excess)),
                "quantile": quantile,
                "after": compared.after,
                "order": _suggested(trials),
                "caveat": adaptive_caveat(record),
            }
        )

    @property
    def beyond_chance(self) -> tuple[str, ...]:
        """The parameters that matter more than chance explains, the most beyond it first."""
        return tuple(one.name for one in self.parameters if one.beyond_chance)

    @property
    def common(self) -> tuple[str, ...]:
        """The others in the order of suggestion, those that every trial has first."""
        known = {one.name for one in self.parameters} - set(self.beyond_chance)
        return tuple(name for name in self.order if name in known)

    def blocks(self) -> Iterator[Block]:
        if self.reason is not None:
            yield Paragraph(f"Not shown: {self.reason}.", "quiet")
            return
        if not self.beyond_chance:
            yield Paragraph(self.noise())
            return
        after = f", compared{reached(self.after)}" if self.after else ""
        yield Paragraph(
            "The importance of a parameter is how much it separates the best "
            f"{percent(self.quantile, 0)} of {self._trials()} from the rest{after} "
            "(PED-ANOVA; all importances add up to 1)."
        )
        yield Paragraph(self.noise())
        if self.caveat is not None:
            yield Paragraph(self.caveat)
        if self.n_trials < _FEW and len(self.beyond_chance) < len(self.parameters):
            yield Paragraph(f"{self.n_trials} trials are few: others may matter and not stand out.")
        yield self._plot()

    def all_plots(self) -> tuple[Plot, ...]:
        return (self._plot(),) if self.parameters else ()

    def _plot(self) -> Plot:
        first = self.parameters[0]
        exceeds = "exceeds that most" if first.beyond_chance else "is nearest to it"
        return Plot(
            name="importances",
            alt=(
                "Importance of each parameter beside what chance reaches; "
                f"{first.name} {exceeds}, with {first.importance:.2f}"
            ),
            paper=self._draw,
            page=self._chart,
            caption=(
                "Grey: what chance reaches. Blue bars exceed it, pale ones do not; those that "
                f"exceed it the most come first.{self._left_out()} Grey bars longer than the axis "
                "are cut off."
            ),
            table=self._table(),
        )

    def _left_out(self) -> str:
        n_all = len(self.parameters)
        return f" The first {_MOST_DRAWN} of {n_all} are drawn." if n_all > _MOST_DRAWN else ""

    def _trials(self) -> str:
        trials = plural(self.n_trials, "drawn trial" if self.n_prepared else "trial")
        part = f" (picked at random from {self.n_comparable:,})"
        return trials + part if self.n_comparable > self.n_trials else trials

    def noise(self) -> str:
        """Return which parameters stand out from noise, in a sentence."""
        shuffled = f"the scores shuffled at random {N_SHUFFLES} times"
        checked = plural(len(self.parameters), "parameter")
        found = self.beyond_chance
        if not found:
            few = f"; {self.n_trials} trials are few for that" if self.n_trials < _FEW else ""
            return (
                f"None of {checked} separates the best "
                f"{percent(self.quantile, 0)} of {self._trials()} from the rest more than "
                f"with {shuffled} (PED-ANOVA){few}. What makes trials bad is not tested."
            )
        stand = "stands" if len(found) == 1 else "stand"
        return (
            f"By importance, only {listed(found)} {stand} out from noise: with {shuffled}, "
            f"none of {checked} rose as far above its typical importance."
        )

    def _table(self) -> Table:
        return Table(
            caption="Importance of each parameter",
            header=("Parameter", "Importance", "Chance level"),
            rows=tuple(
                (one.name, f"{one.importance:.3f}", f"{one.chance:.3f}") for one in self.parameters
            ),
            align="lrr",
            most=_MOST_DRAWN,
        )

    def _chart(self) -> Chart:
        shown = self.parameters[:_MOST_DRAWN]
        values = [one.importance for one in shown]
        figure = new_chart_figure(
            xaxis={"title": "importance", "range": [0, 1.15 * max(values)], "fixedrange": True},
            yaxis={
                "autorange": "reversed",
                "automargin": True,
                "type": "category",
                "showgrid": False,
            },
            barmode="overlay",
            margin={"l": 60, "r": 16, "t": 40, "b": 48},
        )
        rows: dict[str, Any] = {"y": [escape(one.name) for one in shown], "orientation": "h"}
        figure.add_bar(
            x=[one.chance for one in shown],
            **rows,
            name="by chance at most",
            width=0.86,
            marker={"color": "rgba(136, 136, 136, 0.22)", "line": {"color": GREY, "width": 1}},
            hovertemplate="%{y}: by chance at most %{x:.1%}<extra></extra>",
        )
        figure.add_bar(
            x=values,
            **rows,
            name="importance",
            width=0.5,
            marker={"color": _colours(shown)},
            texttemplate="%{x:.2f}",
            textposition="outside",
            cliponaxis=False,
            text=[f"{place}." for place in range(1, len(shown) + 1)],
            hovertemplate="%{text} %{y}: %{x:.1%} of the importance<extra></extra>",
        )
        return Chart(figure, 90 + 26 * len(shown))

    def _draw(self) -> Figure:
        shown = self.parameters[:_MOST_DRAWN]
        values = [one.importance for one in shown]
        figure = new_figure(1.0 + 0.2 * len(shown))
        axes = figure.add_subplot()
        places = np.arange(len(shown))
        grey: dict[str, Any] = {"color": to_rgba(GREY, 0.22), "edgecolor": GREY, "linewidth": 0.6}
        chance = [one.chance for one in shown]
        axes.barh(places, chance, height=0.86, label="by chance at most", **grey)
        bars = axes.barh(places, values, color=_colours(shown), height=0.5, label="importance")
        axes.bar_label(bars, [f"{value:.2f}" for value in values], padding=2, fontsize=7)
        axes.set_yticks(places, [short(one.name, 24) for one in shown])
        axes.invert_yaxis()
        axes.set_xlim(0, 1.12 * max(values))
        after = f", after {self.after}" if self.after else ""
        among = f"the best {self.quantile:.0%} of {self.n_trials} trials{after}"
        axes.set_xlabel(f"importance for being among\n{among}")
        figure.legend(loc="outside upper center", ncols=2)
        return figure


def _by_excess(one: Importance) -> tuple[float, float, str]:
    """Sort by the excess over chance; what chance explains by its share of that."""
    excess = one.importance - one.chance if one.beyond_chance else 0.0
    share = one.importance / one.chance if one.chance > 0 else 0.0
    return -excess, -share, one.name


def _colours(shown: Sequence[Importance]) -> list[str]:
    return [BLUE if one.beyond_chance else _PALE for one in shown]


def _drawn(n_trials: int) -> list[int]:
    """Return the places of the trials to compare: all, or a random draw of very many."""
    if n_trials <= _MOST:
        return list(range(n_trials))
    return sorted(np.random.default_rng(0).choice(n_trials, _MOST, replace=False).tolist())


def _varied(trials: Sequence[FrozenTrial]) -> list[str]:
    """Names of the parameters in which the trials differ."""
    names = {name for trial in trials for name in trial.params}
    return sorted(name for name in names if len({one.params.get(name) for one in trials}) > 1)


def _suggested(trials: Sequence[FrozenTrial]) -> tuple[str, ...]:
    """Names of the parameters, those of all trials first, each part as they were suggested."""
    counts = Counter(name for trial in trials for name in trial.params)
    return tuple(sorted(counts, key=lambda name: counts[name] < len(trials)))


def _reason(scores: Sequence[float], names: Sequence[str]) -> str | None:
    if len(scores) < _FEWEST:
        return "importances need at least five trials that can be compared"
    if len(set(scores)) == 1:
        return "all trials have the same score"
    return None if names else "no parameter was varied"
