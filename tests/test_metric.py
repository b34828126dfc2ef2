"""Every metric against scikit-learn: values, resamples, chance levels, direction and range."""

import math
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sk

from search.metric import (
    ACCURACY,
    LOSS,
    METRICS,
    CountMetric,
    Floats,
    Labels,
    Metric,
    count_each,
)
from search.user_metric import (
    FunctionMetric,
    check_metric,
    check_metric_name,
    get_metric,
    stored_metric,
)

METRIC = pytest.mark.parametrize("metric", METRICS, ids=lambda one: one.name)


def _auroc(labels: Labels, probabilities: Floats) -> float:
    if probabilities.shape[1] == 2:
        return float(sk.roc_auc_score(labels, probabilities[:, 1]))
    return float(sk.roc_auc_score(labels, probabilities, multi_class="ovr"))


def _of_classes(function: Callable[[Labels, Labels], float]) -> Callable[[Labels, Floats], float]:
    return lambda labels, probabilities: float(function(labels, probabilities.argmax(axis=1)))


SKLEARN: dict[str, Callable[[Labels, Floats], float]] = {
    "accuracy": _of_classes(sk.accuracy_score),
    "loss": lambda y, p: float(sk.log_loss(y, p)),
    "balanced-accuracy": _of_classes(sk.balanced_accuracy_score),
    "macro-f1": _of_classes(lambda y, p: sk.f1_score(y, p, average="macro", zero_division=0)),
    "auroc": _auroc,
    "kappa": _of_classes(sk.cohen_kappa_score),
}


def drawn(seed: int, n_classes: int, n_images: int) -> tuple[Labels, Floats]:
    """Return labels, each class at least once, and probabilities with some ties."""
    rng = np.random.default_rng(seed)
    labels = np.r_[np.arange(n_classes), rng.integers(0, n_classes, n_images)]
    scores = rng.integers(1, 6, (len(labels), n_classes)).astype(np.float64)
    scores[np.arange(len(labels)), labels] += rng.integers(0, 3, len(labels))
    return labels, scores / scores.sum(axis=1, keepdims=True)


@METRIC
@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6), st.integers(2, 5), st.integers(0, 40))
def test_values_are_those_of_scikit_learn(
    metric: Metric, seed: int, n_classes: int, n_images: int
) -> None:
    """A metric means what scikit-learn's function of the name means."""
    labels, probabilities = drawn(seed, n_classes, n_images)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = SKLEARN[metric.name](labels, probabilities)
    value = metric.measure(labels, probabilities)
    assert value == pytest.approx(0.0 if math.isnan(expected) else expected)
    assert metric.clipped(value) == pytest.approx(value)


@METRIC
@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6), st.integers(2, 4), st.integers(0, 20))
def test_a_resample_is_worth_what_its_images_are(
    metric: Metric, seed: int, n_classes: int, n_images: int
) -> None:
    """All resamples in one array give the same as each of them measured by itself."""
    labels, probabilities = drawn(seed, n_classes, n_images)
    n = len(labels)
    weights = np.random.default_rng(seed).multinomial(n, np.full(n, 1 / n), size=4)
    each = [
        metric.measure(np.repeat(labels, row), np.repeat(probabilities, row, axis=0))
        for row in weights
    ]
    assert metric.resampled(labels, probabilities, weights) == pytest.approx(each)


@METRIC
def test_chance_is_what_random_guesses_are_worth(metric: Metric) -> None:
    """Guesses that know nothing come out at the chance level, with unequal classes too."""
    rng, shares = np.random.default_rng(0), (0.7, 0.2, 0.1)
    labels = rng.choice(3, 200_000, p=shares)
    guesses = rng.dirichlet([1, 1, 1], len(labels))
    if metric is LOSS:  # equal probabilities; those of a random guess cost more
        guesses = np.full_like(guesses, 1 / 3)
    assert metric.measure(labels, guesses) == pytest.approx(metric.chance(shares), abs=0.005)


@METRIC
def test_a_perfect_model_is_the_best_and_not_at_chance(metric: Metric) -> None:
    """Direction and range agree: the best value is an end of the range."""
    labels = np.array([0, 1, 2, 0, 1, 2])
    perfect = metric.measure(labels, np.eye(3)[labels])
    wrong = metric.measure(labels, np.eye(3)[(labels + 1) % 3])
    assert perfect == pytest.approx(metric.high if metric.higher_is_better else metric.low)
    assert metric.is_better(perfect, metric.chance((1 / 3, 1 / 3, 1 / 3)))
    assert metric.best((wrong, perfect)) == perfect
    assert not metric.is_better(perfect, perfect)
    assert (
        metric.as_higher_is_better([wrong, perfect])[0] < metric.as_higher_is_better([perfect])[0]
    )


@METRIC
def test_a_class_without_images_leaves_a_value(metric: Metric) -> None:
    """A test set may lack a class: the others count, as in scikit-learn with their labels."""
    labels, probabilities = drawn(0, 2, 30)
    wider = np.c_[probabilities * 0.9, np.full(len(labels), 0.1)]
    assert math.isfinite(metric.measure(labels, wider))
    if metric in (ACCURACY, get_metric("balanced-accuracy"), get_metric("kappa")):
        assert metric.measure(labels, wider) == pytest.approx(metric.measure(labels, probabilities))


@METRIC
def test_images_of_one_class_leave_a_value(metric: Metric) -> None:
    labels, probabilities = np.zeros(3, np.int64), np.array([[0.6, 0.4]] * 3)
    assert math.isfinite(metric.measure(labels, probabilities))
    assert np.isfinite(metric.resampled(labels, probabilities, np.ones((2, 3), np.int64))).all()


def test_rows_of_counts_are_true_classes() -> None:
    drawn = np.array([[1, 1, 1], [0, 3, 0]])
    counts = count_each(np.array([0, 0, 1]), np.array([0, 1, 1]), 2, drawn)
    assert counts.tolist() == [[[1, 1], [0, 1]], [[0, 3], [0, 0]]]


def test_guessing_the_majority_is_worth_half_of_balanced_accuracy() -> None:
    """95% accuracy by always naming the larger class is no better than chance."""
    counts = np.array([[95, 0], [5, 0]])
    values = {one.name: one.of_counts(counts) for one in METRICS if isinstance(one, CountMetric)}
    assert values["accuracy"] == 0.95
    assert values["balanced-accuracy"] == 0.5
    assert values["kappa"] == 0.0
    assert values["macro-f1"] == pytest.approx((2 * 95 / 195) / 2)


def test_names_are_unique_and_found() -> None:
    assert [get_metric(one.name) for one in METRICS] == list(METRICS)
    assert len({one.name for one in METRICS}) == len(METRICS)
    with pytest.raises(ValueError, match=r"metric must be one of accuracy, .* got 'f2'"):
        get_metric("f2")


# Users' metrics

COST = """
import numpy as np
from search.user_metric import FunctionMetric

def cost_of_errors(labels, probabilities):
    return float(np.mean((probabilities.argmax(1) != labels) * (1 + 4 * labels)))

def gain(labels, probabilities):
    return 1 - cost_of_errors(labels, probabilities)

COST = FunctionMetric(cost_of_errors, higher_is_better=False, low=0.0, words="cost")
NUMBER = 3
broken = lambda labels, probabilities: float("nan")

def raising(labels, probabilities):
    return {}[labels[0]]

def dice(labels, probabilities):
    return np.random.rand()

OUTSIDE = FunctionMetric(lambda labels, probabilities: 0.67, low=0.0, high=0.1, words="outside")
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A user's file with metrics."""
    path = tmp_path / "cost.py"
    path.write_text(COST)
    return path


def test_a_function_of_a_file_is_a_metric(file: Path) -> None:
    """A bare function is better the higher; an object says more of itself."""
    labels, probabilities = np.array([0, 1]), np.array([[0.9, 0.1], [0.6, 0.4]])
    gain, cost = get_metric(f"{file}:gain"), get_metric(f"{file}:COST")
    assert (str(gain), gain.higher_is_better, gain.low) == ("gain", True, None)
    assert (str(cost), cost.higher_is_better, cost.low) == ("cost", False, 0.0)
    assert cost.measure(labels, probabilities) == 2.5
    assert gain.measure(labels, probabilities) == -1.5
    assert cost.resampled(labels, probabilities, np.array([[2, 0], [0, 2]])).tolist() == [0.0, 5.0]
    assert cost.chance((0.5, 0.5)) == pytest.approx(0.5 * 0.5 + 0.5 * 0.5 * 5, abs=0.2)


def test_a_file_that_changed_is_another_metric(file: Path) -> None:
    before = get_metric(f"{file}:gain")
    file.write_text(COST.replace("1 - cost", "2 - cost"))
    arrays = np.array([0]), np.array([[1.0, 0.0]])
    assert (before.measure(*arrays), get_metric(f"{file}:gain").measure(*arrays)) == (1.0, 2.0)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("nothing", "the file has no 'nothing'"),
        ("NUMBER", "must be a function of (labels, probabilities) or a FunctionMetric of one"),
        ("broken", "must return a finite number, got nan"),
        ("raising", "KeyError: "),
        ("dice", "another value for the same labels and probabilities"),
        ("OUTSIDE", "0.67, which is out of the range"),
    ],
)
def test_mistakes_in_a_file_are_one_line(file: Path, name: str, message: str) -> None:
    with pytest.raises(ValueError, match="metric") as caught:
        check_metric(f"{file}:{name}", (0.5, 0.5))
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_prints_go_to_standard_error_once_and_few_of_them(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A bootstrap asks a hundred times; programs may read standard output."""
    printing = "def loud(labels, probabilities):\n    print('asked')\n    print(sum(labels))\n"
    file.write_text(
        f"{COST}\n{printing}    return 1.0\nLOUD = FunctionMetric(loud, words='noise')\n"
    )
    many = np.eye(30, dtype=np.int64) * np.arange(30)[:, None]
    for name in ("loud", "LOUD"):
        get_metric(f"{file}:{name}").resampled(np.arange(30), np.ones((30, 2)), many)
        printed = capsys.readouterr()
        lines = printed.err.splitlines()
        assert printed.out == ""
        assert lines.count("asked") == 1
        assert len(lines) == len(set(lines)) == 21
        assert lines[-1] == f"(further prints of {name} are not shown)"


def test_a_failing_metric_prints_before_it_is_named(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file.write_text("def score(labels, probabilities):\n    print('before')\n    return 1 / 0\n")
    with pytest.raises(ValueError, match=r"division by zero \(line 3: return 1 / 0\)"):
        check_metric(f"{file}:score", (0.5, 0.5))
    assert capsys.readouterr().err == "before\n"


@pytest.mark.parametrize("name", ["accuracy", "balanced_accuracy", "macro_f1", "kappa"])
def test_the_name_of_a_built_in_metric_is_taken(file: Path, name: str) -> None:
    """Both would be told by one name; what is stored may still be read."""
    file.write_text(f"def {name}(labels, probabilities):\n    return 0.5\n")
    with pytest.raises(ValueError, match="built-in") as caught:
        check_metric_name(f"{file}:{name}")
    assert str(caught.value) == (
        f"metric '{file}:{name}' has the name of a built-in metric; rename the function"
    )
    assert str(get_metric(f"{file}:{name}")) == name.replace("_", " ")


def test_words_of_a_built_in_metric_are_taken_too(file: Path) -> None:
    file.write_text(f"{COST}\nMINE = FunctionMetric(gain, words='Accuracy')\n")
    with pytest.raises(ValueError, match=r"built-in metric; give it other words$"):
        check_metric_name(f"{file}:MINE")
    for fine in (f"{file}:gain", f"{file}:COST", "accuracy"):
        check_metric_name(fine)


def test_a_missing_file_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="does not exist"):
        get_metric(f"{tmp_path}/no.py:cost")


def test_a_stored_metric_is_described_without_its_file(file: Path) -> None:
    """A report of a study can be written where the user's file is gone."""
    cost = get_metric(f"{file}:COST")
    assert isinstance(cost, FunctionMetric)
    stored = stored_metric(cost.name, cost.facts())
    file.unlink()
    assert (stored.name, str(stored), stored.higher_is_better) == (cost.name, "cost", False)
    with pytest.raises(ValueError, match="not loaded"):
        stored.measure(np.array([0]), np.array([[1.0, 0.0]]))
    assert stored_metric("kappa", None) is get_metric("kappa")
