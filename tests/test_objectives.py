"""Several objectives: their names, the rule for the winner, and its one-line errors."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from search.objectives import COSTS, Choice, Limit, Objectives, check_objectives, objectives_of
from search.recipe import Recipe

NAMES = ("accuracy", "parameters", "latency")


@pytest.mark.parametrize(
    ("rule", "best", "limits"),
    [
        ("best accuracy", "accuracy", ()),
        ("best  accuracy under 200k parameters", "accuracy", (("parameters", "under", 2e5),)),
        ("best accuracy under 200 k parameters", "accuracy", (("parameters", "under", 2e5),)),
        ("best parameters over 90 %", "parameters", (("accuracy", "over", 0.9),)),
        ("best parameters over 90% accuracy", "parameters", (("accuracy", "over", 0.9),)),
        ("best latency over 0.85 accuracy", "latency", (("accuracy", "over", 0.85),)),
        (
            "best accuracy under 1.5M parameters under 3 latency",
            "accuracy",
            (("parameters", "under", 1.5e6), ("latency", "under", 3)),
        ),
        (
            "best accuracy over 10k parameters under 20k parameters",
            "accuracy",
            (("parameters", "over", 1e4), ("parameters", "under", 2e4)),
        ),
    ],
)
def test_rules_mean_what_they_say(
    rule: str, best: str, limits: tuple[tuple[str, str, float], ...]
) -> None:
    assert Choice.parse(rule, NAMES) == Choice(
        best, tuple(Limit(n, s == "over", b) for n, s, b in limits)
    )


@pytest.mark.parametrize(
    "rule", ["best accuracy under 200k", "best accuracy under 200k parameters"]
)
def test_the_only_other_objective_needs_no_name(rule: str) -> None:
    assert Choice.parse(rule, ("accuracy", "parameters")).limits == (
        Limit("parameters", over=False, bound=2e5),
    )


def test_a_percentage_without_a_name_is_of_the_metric() -> None:
    """Though another objective would be the only other one."""
    found = Choice.parse("best accuracy over 50% under 200k", ("accuracy", "parameters"))
    assert found.limits == (
        Limit("accuracy", over=True, bound=0.5),
        Limit("parameters", over=False, bound=2e5),
    )


def test_a_metric_of_a_file_may_be_named_by_its_function() -> None:
    """In objectives and in the rule for the winner; other words stay."""
    recipe = Recipe(
        space="mlp",
        metric="met.py:score",
        objective="score,parameters",
        choose="best score under 3k parameters over 0.5 met.py:score",
    )
    assert recipe.objective == "met.py:score,parameters"
    assert recipe.choose == "best met.py:score under 3k parameters over 0.5 met.py:score"


@pytest.mark.parametrize(
    ("rule", "what"),
    [
        ("", "it must begin with 'best OBJECTIVE'"),
        ("best", "it must begin with 'best OBJECTIVE'"),
        ("Best accuracy", "it must begin with 'best OBJECTIVE'"),
        ("accuracy under 200k", "it must begin with 'best OBJECTIVE'"),
        ("best speed", "'speed' is not one of the objectives"),
        ("best accuracy below 3 latency", "'below' must be 'under' or 'over'"),
        ("best accuracy under", "'' must be a number"),
        ("best accuracy under parameters", "'parameters' must be a number"),
        ("best accuracy under 200K parameters", "'200K' must be a number"),
        ("best accuracy under -3 latency", "'-3' must be a number"),
        ("best accuracy under 200 q parameters", "'q' is not one of the objectives"),
        ("best accuracy under 200k", "the objective of a limit must be named"),
        ("best accuracy under 3 latency parameters", "'parameters' must be 'under' or 'over'"),
        ("best accuracy under 50% parameters", "'50%' is no limit of 'parameters'"),
        ("best accuracy under 3 memory", "'memory' is not one of the objectives"),
    ],
)
def test_mistakes_in_a_rule_are_one_line(rule: str, what: str) -> None:
    """With what is accepted, the objectives, and what was given."""
    with pytest.raises(ValueError, match="accepted: best OBJECTIVE") as caught:
        Choice.parse(rule, NAMES)
    message = str(caught.value)
    assert message.startswith(what)
    assert "objectives accuracy, parameters, latency" in message
    assert message.endswith(f"got {rule!r}")
    assert "\n" not in message


@given(st.text(alphabet="best acurypmndolk0123456789.%M-", max_size=60))
def test_any_text_is_a_rule_or_a_one_line_error(text: str) -> None:
    message = ""
    try:
        Choice.parse(text, NAMES)
    except ValueError as error:
        message = str(error)
    assert "\n" not in message


@pytest.mark.parametrize(
    ("objective", "message"),
    [
        ("accuracy", "objective must be a metric"),
        ("parameters,accuracy", "objective must be a metric"),
        ("loss,parameters", "the same as metric 'accuracy'"),
        ("accuracy,size", "one or more of parameters, multiply_adds and latency"),
        ("accuracy,", "objective must be a metric"),
        ("accuracy,parameters,parameters", "must name each only once"),
    ],
)
def test_objectives_are_a_metric_and_costs(objective: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        check_objectives("accuracy", objective, None)


def test_every_cost_can_be_an_objective() -> None:
    names = ",".join(cost.name for cost in COSTS)
    meant = objectives_of("kappa", f"kappa, {names}", None)
    assert meant.names == ("kappa", *(cost.name for cost in COSTS))
    assert meant.maximized() == (True, False, False, False)
    assert meant.written((0.5, 1234567, 2e6, 1.2345)) == (
        "0.5000",
        "1,234,567",
        "2,000,000",
        "1.23 ms",
    )
    assert not objectives_of("accuracy", None, None).several


def ranked(meant: Objectives, *values: tuple[float, float]) -> list[int]:
    return sorted(range(len(values)), key=lambda i: meant.rank(values[i]))


VALUES = ((0.90, 300_000.0), (0.85, 199_999.0), (0.80, 50_000.0), (0.88, 200_000.0))


@pytest.mark.parametrize(
    ("rule", "order"),
    [
        (None, [0, 3, 1, 2]),
        ("best accuracy", [0, 3, 1, 2]),
        ("best accuracy under 200k", [1, 2, 0, 3]),
        ("best parameters over 84% accuracy", [1, 3, 0, 2]),
        ("best parameters", [2, 1, 3, 0]),
    ],
)
def test_the_rule_ranks_trials_beyond_a_limit_last(rule: str | None, order: list[int]) -> None:
    """A limit is not kept by a value that equals it."""
    meant = objectives_of("accuracy", "accuracy,parameters", rule)
    assert ranked(meant, *VALUES) == order


def test_the_nearest_values_to_a_rule_are_told() -> None:
    """Each limit's own, so that a user sees which one cannot be met."""
    rule = "best accuracy under 40k parameters over 95% accuracy"
    meant = objectives_of("accuracy", "accuracy,parameters", rule)
    assert meant.reached(VALUES) == ("parameters: 50,000 or more", "accuracy: 90.00% or less")
    assert objectives_of("accuracy", "accuracy,parameters", None).reached(VALUES) == ()


def test_a_low_metric_is_best_where_lower_is_better() -> None:
    meant = objectives_of("loss", "loss,parameters", "best loss under 250k")
    assert ranked(meant, *VALUES)[0] == 2
    assert meant.losses((0.5, 3.0)) == (0.5, 3.0)
    assert objectives_of("accuracy", "accuracy,latency", None).losses((0.5, 3.0)) == (-0.5, 3.0)


def test_a_cost_that_was_not_measured_is_beyond_every_limit() -> None:
    meant = objectives_of("accuracy", "accuracy,latency", "best accuracy under 5")
    assert not meant.keeps_limits(meant.values(0.9, {}))
    assert meant.keeps_limits(meant.values(0.9, {"latency": 4.9}))
