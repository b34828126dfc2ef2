"""Would you bet on the winner?"""

from collections.abc import Callable, Iterator, Sequence
from typing import Literal, Self, final

from search.metric import ACCURACY, Metric
from search.report.blocks import Block, Bullets, Details, Paragraph
from search.report.evidence import Evidence
from search.report.finding import CERTAIN, Finding, ReportPart
from search.report.findings.all_metrics import guessing_is_worth
from search.report.findings.baseline_comparison import BaselineComparison
from search.report.findings.copies import is_beyond_interval
from search.report.findings.earlier_access import EarlierAccess
from search.report.findings.finalists import FinalistPart, Finalists
from search.report.findings.margin import Margin, gap_words
from search.report.findings.optimism import Optimism
from search.report.findings.selection import SelectionScore
from search.report.findings.winner import SearchBaseline
from search.text import apart, count, listed, percent, plural, score, score_interval, spread, times
from search.training.metrics import TestResult, always_right
from search.tuning.records import StudyRecord

Reply = Literal["yes", "no", "unknown", "aside"]
_MEANINGS = {"no": "speaks against it", "unknown": "not known", "aside": "worth knowing"}
_WIDE = 0.2  # of a share: an interval that confirms hardly anything
_ALMOST = 1 - 1e-6  # of one image: sums of fractions are rounded
_DOUBTS: tuple[Reply, ...] = ("no", "unknown", "aside")  # what is shown, the worst first
_MARKS: dict[Reply, str] = {"yes": "✓", "no": "✗", "unknown": "?", "aside": "○"}


@final
class Check(ReportPart):
    """A question to ask before the winner is relied on."""

    question: str
    """The question, to which “yes” is good."""
    reply: Reply
    """The answer; `aside` where a “no” would not lessen the trust in the test result."""
    words: str
    """The answer in words."""
    doubt: str
    """What to say of a “no” or an “unknown” in few words."""


@final
class Trust(Finding):
    """What speaks for relying on the winner's test result, and what against."""

    key = "trust"
    section = CERTAIN
    title = "Would you bet on it?"

    answer: str
    """The answer in one or two sentences."""
    checks: tuple[Check, ...]
    """The questions that it rests on."""

    @classmethod
    def of(cls, evidence: Evidence) -> Self | None:
        """Answer it; None before the winner's test, and for a baseline study."""
        record = evidence.record
        test = record.test
        if test is None or not record.is_tested() or not record.recipe.protocol.is_search:
            return None
        found = (ask(evidence, test) for ask in _QUESTIONS)
        checks = tuple(check for check in found if check is not None)
        return cls(answer=_answer(test, checks), checks=checks)

    def blocks(self) -> Iterator[Block]:
        yield Paragraph(self.answer, "large")
        doubts = [one for reply in _DOUBTS for one in self.checks if one.reply == reply]
        if doubts:
            yield _listed(doubts)
            used = dict.fromkeys(one.reply for one in doubts)
            key = ", ".join(f"{_MARKS[reply]} {_MEANINGS[reply]}" for reply in used)
            yield Paragraph(f"{key}.", "quiet")
        others = [one for one in self.checks if one.reply not in _DOUBTS]
        if others:
            yield Details(f"{plural(len(others), 'check')} passed", (_listed(others),))

    @property
    def objections(self) -> tuple[str, ...]:
        """What speaks against the test result, in few words each."""
        return tuple(one.doubt for one in self.checks if one.reply == "no")


def _listed(checks: Sequence[Check]) -> Bullets:
    """Show each question with its answer, after a mark that tells the reply."""
    return Bullets(
        tuple(f"{one.question} {one.words}" for one in checks),
        tuple(_MARKS[one.reply] for one in checks),
    )


_BASELINE_IS_BETTER = "the hand-tuned network is better on the same test images"


def _answer(test: TestResult, checks: tuple[Check, ...]) -> str:
    doubts = [one.doubt for one in checks if one.reply == "no"]
    unknown = [one.doubt for one in checks if one.reply == "unknown"]
    expected = (
        f"an accuracy of probably {percent(test.interval[0])} to {percent(test.interval[1])} on "
        "new images like those of the test"
    )
    bet = f"With caution, on {expected}: {listed(doubts)}." if doubts else f"Yes, on {expected}."
    if _BASELINE_IS_BETTER in doubts:
        bet = (
            f"Rather on the hand-tuned network. Of the winner, expect {expected}: {listed(doubts)}."
        )
    rest = f" Not known: {listed(unknown)}." if unknown else ""
    return f"{bet}{rest}"


def _fresh(evidence: Evidence, test: TestResult) -> Check:
    del test
    question, doubt = "Was the test set unseen?", "its test set had been used before"
    own = len(evidence.record.openings)
    if own > 1:
        words = f"No: this study opened it {times(own)}; only its first result is unbiased."
        return Check(question=question, reply="no", words=words, doubt=doubt)
    if evidence.earlier is None:
        words = "This study opened it once; other studies were not looked for."
        unknown = "whether other studies had opened the test set"
        return Check(question=question, reply="unknown", words=words, doubt=unknown)
    baseline = None if evidence.baseline is None else evidence.baseline.record.name
    others = [one for one in evidence.earlier if one.study != baseline]
    if others:
        own = len(others) < len(evidence.earlier)
        besides = (
            "" if not own else " The baseline’s own test, by which nothing was decided, aside:"
        )
        words = (
            f"No.{besides} {EarlierAccess.known(others).words()} The model was not trained on it, "
            "but what was learned then may have shaped this study."
        )
        return Check(question=question, reply="no", words=words, doubt=doubt)
    besides = " but the hand-tuned baseline’s" if evidence.earlier else ""
    words = (
        f"Yes: opened once, after all decisions; no other study{besides} of this runs folder or "
        "its database had opened it."
    )
    return Check(question=question, reply="yes", words=words, doubt=doubt)


def _without_copies(evidence: Evidence, test: TestResult) -> Check:
    question, doubt = (
        "Is the test set free of training images?",
        "the test set holds copies of training images",
    )
    copies = evidence.record.quality.copies.n_test
    if not copies:
        words = "As far as was checked: no copies of training images were found in it."
        return Check(question=question, reply="yes", words=words, doubt=doubt)
    share = copies / test.n_images
    words = (
        f"{count(copies)} of {count(test.n_images)} test images are copies of training images: "
        f"they add {spread(share, ACCURACY)} at most"
    )
    if not is_beyond_interval(copies, test):
        return Check(
            question=question, reply="yes", words=f"Nearly: {words}, within its interval.", doubt=""
        )
    return Check(question=question, reply="no", words=f"No: {words}.", doubt=doubt)


def _independent(evidence: Evidence, test: TestResult) -> Check:
    del test
    quality, question = evidence.record.quality, "Are its images independent of one another?"
    doubt = "groups of images are in training and test"
    if quality.n_groups is None:
        words = (
            "Assumed, as no groups were given. If one person, object or scene is on several "
            "images, results are too good; --groups keeps such images together."
        )
        unknown = "whether images are independent"
        return Check(question=question, reply="aside", words=words, doubt=unknown)
    if quality.n_shared_groups:
        shared = plural(quality.n_shared_groups, "group")
        has = "has" if quality.n_shared_groups == 1 else "have"
        words = f"No: {shared} {has} training and test images, so the result may be too good."
        return Check(question=question, reply="no", words=words, doubt=doubt)
    words = f"Yes, as far as their groups say: each of {count(quality.n_groups)} is on one side."
    return Check(question=question, reply="yes", words=words, doubt=doubt)


def _as_in_validation(evidence: Evidence, test: TestResult) -> Check | None:
    del test
    optimism = evidence.once(Optimism.of)
    if optimism is None or optimism.gap is None:
        return None
    gap, metric = optimism.gap, optimism.gap_metric
    origin = f" ({gap.origin})" if gap.origin else ""
    validation = f"{score(gap.validation, metric)} in validation{origin}"
    within, away = gap.place == "within", apart(gap.validation, gap.test, metric)
    inflated = not within and metric.is_better(gap.validation, gap.test)
    low, high = gap.interval
    reply: Reply = "aside" if inflated else "yes"
    words = f"Yes: {validation} lies within the test’s 95% interval."
    if within and metric.is_share and high - low > _WIDE:
        both = score_interval(gap.interval, metric)
        words = f"Too few test images to tell: {validation} lies within a 95% interval of {both}."
        reply = "unknown"
    elif inflated:
        chance = (
            ", which chance does in more than 1 of 100 studies" if gap.beyond_noise is False else ""
        )
        words = f"No: {validation} is {away} too good{chance}. Rely on the test result."
    elif not within:
        words = f"Yes, and more: {validation} is {away} worse. {_longer(evidence.record)}"
    return Check(
        question="Does the test confirm the validation score?",
        reply=reply,
        words=words,
        doubt="whether the test confirms the validation score",
    )


def _longer(record: StudyRecord) -> str:
    """Say in what the refit had more than the trial that won."""
    images = "The refit had more images"
    if record.refit is None or record.refit.epochs <= record.recipe.epochs:
        return f"{images}."
    return f"{images}, and {record.refit.epochs} epochs instead of {record.recipe.epochs}."


def _above_guessing(evidence: Evidence, test: TestResult) -> Check:
    metric = evidence.record.metric
    reply, beside = (
        _more_accurate(test) if metric.recorded is not None else _scores_more(test, metric)
    )
    starts: dict[Reply, str] = {"yes": "Yes", "no": "Not surely", "unknown": "Not known"}
    known = reply != "unknown"
    return Check(
        question="Is it better than guessing?",
        reply=reply,
        words=f"{starts[reply]}: {beside}.",
        doubt="guessing may do as well" if known else "whether guessing does as well",
    )


def _more_accurate(test: TestResult) -> tuple[Reply, str]:
    """Compare its accuracy with that of always answering the largest class."""
    largest, low = test.largest_class(), test.interval[0]
    beside = f"{always_right(largest)}, the winner on {percent(test.accuracy)}"
    return "yes" if low > largest.share else "no", beside


def _scores_more(test: TestResult, metric: Metric) -> tuple[Reply, str]:
    """Compare it by the metric that trials are scored by, in which large classes may not count."""
    value, chance = test.value(metric), guessing_is_worth(metric, test)
    measured = test.measure(metric)
    if value is None or chance is None or measured is None or measured.interval is None:
        reply, beside = _more_accurate(test)
        return "yes" if reply == "yes" else "unknown", beside
    low, high = measured.interval
    better = low > chance if metric.higher_is_better else high < chance
    beside = f"guessing has {metric} {score(chance, metric)}, the winner {score(value, metric)}"
    return "yes" if better else "no", beside


def _above_baseline(evidence: Evidence, test: TestResult) -> Check | None:
    del test
    question = "Is it better than the hand-tuned network?"
    compared, within = evidence.once(BaselineComparison.of), evidence.once(SearchBaseline.of)
    doubt = "whether it beats the hand-tuned network on test images"
    winner = evidence.record.winner()
    if within is not None and winner is not None and within.number == winner.number:
        return None  # it is that network
    if compared is None and within is None:
        return None
    if compared is None:
        words = "Not tested on these images."
        if within is not None:
            words = f"{words} In validation, as trial {within.number}: {within.outcome}."
        return Check(question=question, reply="unknown", words=words, doubt=doubt)
    reply, start = _compared(compared)
    doubt = _BASELINE_IS_BETTER if reply == "no" else doubt
    return Check(question=question, reply=reply, words=f"{start}: {compared.outcome}.", doubt=doubt)


def _compared(compared: BaselineComparison) -> tuple[Reply, str]:
    if compared.same_candidate:
        return "aside", "It is the hand-tuned network itself, trained twice"
    if compared.clear is None:
        return "unknown", "On test images"
    if not compared.clear:
        return "aside", "On test images"
    return ("yes", "Yes") if compared.gain > 0 else ("no", "No")


def _above_runner_up(evidence: Evidence, test: TestResult) -> Check | None:
    del test
    margin = evidence.once(Margin.of)
    second = None if margin is None else margin.runner_up
    if margin is None or second is None:
        return None
    gap = gap_words(margin.score, second.score, margin.metric)
    reply: Reply = "aside"
    if margin.level:
        level = listed([str(number) for number in margin.level])
        words = (
            f"It is level with {_trials(margin.level)} {level}; of equal scores the first in the "
            "plan counts as the winner."
        )
    elif second.error is None:
        words = f"It leads trial {second.trial} by {gap}; how much noise makes is not known."
    elif second.close:
        words = f"Not clearly: trial {second.trial} is {gap} behind, within noise."
    else:
        words = f"Yes: it leads trial {second.trial} by {gap}, more than noise makes."
        reply = "yes"
    return Check(
        question="Is it the best of the trials?", reply=reply, words=words, doubt="a close race"
    )


def _trials(numbers: Sequence[int]) -> str:
    return "trial" if len(numbers) == 1 else "trials"


def _not_lucky(evidence: Evidence, test: TestResult) -> Check | None:
    del test
    selection = evidence.once(SelectionScore.of)
    if selection is None or selection.estimate is None:
        return None
    metric, found = selection.metric, score(selection.score, selection.metric)
    without = (
        f"would be about {score(selection.estimate, metric)} without that luck"
        if selection.score is not None and metric.is_better(selection.score, selection.estimate)
        else "owes nothing to luck that can be seen"
    )
    words = (
        f"Its validation {metric} of {found}, by which it was chosen, {without}. The test images "
        "took no part in the choice."
    )
    return Check(
        question="How much of its validation score is luck?",
        reply="aside",
        words=words,
        doubt="luck in validation",
    )


def _again(evidence: Evidence, test: TestResult) -> Check:
    del test
    question = "Would another training come out as good?"
    doubt = "how much the result would change with another random seed"
    finalists = evidence.once(Finalists.of)
    found = () if finalists is None else finalists.finalists
    best = next((one for one in found if finalists and one.trial == finalists.winner), None)
    if best is None or finalists is None:
        words = (
            "Not known: it was trained once with one seed. A search with --finalists 3 trains its "
            "best three candidates again before it chooses."
        )
        return Check(question=question, reply="unknown", words=words, doubt=doubt)
    answer = _trained_again(best, finalists)
    if answer is None:
        words = "Not known: a further training diverged, or its score cannot be compared."
        return Check(question=question, reply="unknown", words=words, doubt=doubt)
    reply, words = answer
    return Check(question=question, reply=reply, words=words, doubt=doubt)


def _trained_again(best: FinalistPart, finalists: Finalists) -> tuple[Reply, str] | None:
    """Compare the winner's further trainings with the score of the search; None if one diverged."""
    metric, mean, searched = finalists.metric, best.mean, best.score
    if mean is None or searched is None:
        return None
    again = f"trained again it had {score(mean, metric)} on average"
    if metric.is_better(searched, mean) and abs(searched - mean) > _ALMOST * finalists.least_loss:
        return "aside", (
            f"Not quite: {again}, {apart(mean, searched, metric)} "
            f"{'less' if metric.higher_is_better else 'more'} than the score it was chosen by in "
            f"the search, {score(searched, metric)}. {finalists.scatter()}"
        )
    beside = f"{score(searched, metric)} in the search"
    return "yes", f"Yes: {again}, {beside}. {finalists.scatter()}"


_QUESTIONS: tuple[Callable[[Evidence, TestResult], Check | None], ...] = (
    _fresh,
    _without_copies,
    _independent,
    _above_guessing,
    _above_baseline,
    _above_runner_up,
    _as_in_validation,
    _not_lucky,
    _again,
)
