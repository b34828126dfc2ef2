"""The winner's optimism in sentences. Pure."""

from search.report.info.optimism import FoldBias, HoldoutBound, OptimismInfo, ValidationGap
from search.report.statistics import overstatement
from search.text import interval, percent, plural, score, spread

_WHY = {
    "within": "the choice has not visibly flattered it",
    "above": "a score that was the reason for choosing tends to that",
    "below": "the refit, which saw the images of all folds, can outweigh what the choice flattered",
}


def optimism_words(info: OptimismInfo) -> tuple[str, ...]:
    """Return it in sentences, the test first."""
    words = [] if info.gap is None else [_gap_words(info.gap)]
    if info.folds is not None:
        words += _fold_words(info.folds, info)
    if info.holdout is not None:
        words += _holdout_words(info.holdout)
    return tuple(words)


def _gap_words(gap: ValidationGap) -> str:
    difference = gap.validation - gap.test
    side = "above" if difference > 0 else "below"
    return (
        f"The winner’s validation accuracy, {percent(gap.validation, 2)}, is "
        f"{spread(abs(difference), 'accuracy')} {side} its test accuracy and {gap.place} the 95% "
        f"interval of that ({interval(gap.interval)}): {_WHY[gap.place]}."
    )


def _fold_words(folds: FoldBias, info: OptimismInfo) -> list[str]:
    n_trials = folds.n_trials
    choice = "epoch" if n_trials == 1 else f"trial and epoch of {n_trials} complete trials"
    words = [
        f"Having picked the best {choice} by the same folds flatters the validation "
        f"{info.metric} by about {spread(folds.bias, info.metric)}, as the folds’ disagreement "
        f"tells (Tibshirani and Tibshirani, 2009): {score(info.score, info.metric)} becomes "
        f"{score(folds.corrected, info.metric)}. Were all candidates alike, this would be "
        f"{overstatement(folds.n_folds):.1f} times the true bias. The fold scores, too, are read "
        "at the epoch that their mean chose."
    ]
    if folds.n_dropped:
        words.append(
            f"{plural(folds.n_dropped, 'more trial')} lost before having all folds and epochs; "
            "the estimate knows nothing of that choice."
        )
    return words


def _holdout_words(holdout: HoldoutBound) -> list[str]:
    words = [
        "With one validation part the bias of having picked the best cannot be estimated; "
        "cross-validation (--validation kfold) can.",
        f"On {plural(holdout.n_images, 'validation image')} the accuracy of a network named "
        f"beforehand would be uncertain from {interval(holdout.interval)} (95%, Wilson).",
    ]
    if holdout.greatest_bias:
        words.append(
            f"Picking the best of {plural(holdout.n_choices, 'epoch')} of all trials adds at most "
            f"{spread(holdout.greatest_bias, 'accuracy')} on average, and mostly much less "
            "(Hoeffding’s bound, for networks that never looked at these images; a plateau "
            "schedule looks at their loss)."
        )
    return words
