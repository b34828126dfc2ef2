"""Which baseline study a winner is set beside, and how to make one."""

from dataclasses import replace

import pytest

from search.report.evidence import choose_baseline
from search.report.findings.baseline_suggestion import baseline_command
from search.tuning.records import StudyRecord
from spaces.mlp import MLP_SPACE
from spaces.resnet import RESNET_SPACE
from tests.report import baseline_fakes
from tests.report import report_fakes as fakes

MLP = MLP_SPACE.candidate(dict(MLP_SPACE.baseline_params or {}))


def _named(record: StudyRecord, name: str) -> StudyRecord:
    return replace(record, name=name)


@pytest.mark.slow
def test_a_refitted_baseline_comes_first_then_most_trainings(kfold: fakes.Fake) -> None:
    """The winner is refitted too: a replication saw fewer images, however often it was trained."""
    one = _named(baseline_fakes.reproduction(1).record, "one")
    three = _named(baseline_fakes.reproduction(3).record, "three")
    folds = _named(baseline_fakes.crossvalidated(1).record, "folds")
    assert choose_baseline(kfold.record, [one, three]) is three
    assert choose_baseline(kfold.record, [folds, three, one]) is folds


def test_the_newest_of_equals_is_taken(kfold: fakes.Fake) -> None:
    """Where the trainings are as many, the last test decides, not the order of the storage."""
    old = baseline_fakes.reproduction(2).record
    new = replace(old, name="new", openings=(fakes.opening(31),))
    assert choose_baseline(kfold.record, [new, old]) is new
    assert choose_baseline(kfold.record, [old, new]) is new


def test_only_a_tested_baseline_of_the_same_network_and_data_fits(kfold: fakes.Fake) -> None:
    """Another dataset, another kind of network, a search, an open study: none can be compared."""
    fitting = baseline_fakes.reproduction(2).record
    trials = tuple(replace(trial, candidate=MLP) for trial in fitting.trials)
    others = [
        replace(fitting, dataset=replace(fitting.dataset, fingerprint="e2" * 32)),
        replace(fitting, trials=trials),
        replace(fitting, recipe=fitting.recipe.model_copy(update={"sampler": "random"})),
        baseline_fakes.reproduction(2, ended=False).record,
    ]
    assert choose_baseline(kfold.record, others) is None
    assert choose_baseline(kfold.record, [*others, fitting]) is fitting


def test_a_kind_that_nobody_tuned_by_hand_is_compared_with_the_cnn(kfold: fakes.Fake) -> None:
    """A residual network's search, unless there is a baseline study of its own kind."""
    cnn = baseline_fakes.reproduction(2).record
    point = RESNET_SPACE.candidate(RESNET_SPACE.portfolio[0])
    search, own = (
        replace(one, trials=tuple(replace(trial, candidate=point) for trial in one.trials))
        for one in (kfold.record, cnn)
    )
    assert choose_baseline(search, [cnn]) is cnn
    assert choose_baseline(search, [cnn, own]) is own
    command = baseline_command(search)
    assert command is not None
    assert command.startswith("python -m search baseline --space cnn ")


def test_nothing_is_set_beside_a_baseline_or_an_open_search(unfinished: fakes.Fake) -> None:
    """A baseline study is not compared with another, and a search without a winner with none."""
    stored = [baseline_fakes.reproduction(1).record]
    assert choose_baseline(baseline_fakes.reproduction(2).record, stored) is None
    assert choose_baseline(unfinished.record, stored) is None


@pytest.mark.parametrize(
    ("settings", "command"),
    [
        ({"dataset": "digits"}, "--space cnn --dataset digits"),
        (
            {"dataset": "my photos", "image_size": 32, "storage": "postgresql://me@host/db"},
            "--space cnn --dataset 'my photos' --image-size 32 --storage postgresql://me@host/db",
        ),
        (
            {"dataset": "eyes", "groups": "parent", "drop_duplicates": True},
            "--space cnn --dataset eyes --validation kfold --groups parent --drop-duplicates",
        ),
    ],
)
def test_the_command_names_the_same_data_and_storage(
    kfold: fakes.Fake, settings: dict[str, object], command: str
) -> None:
    """What it makes must be found again: same kind, data and storage, quoted for a shell."""
    recipe = kfold.record.recipe.model_copy(update=settings)
    record = replace(kfold.record, recipe=recipe)
    assert baseline_command(record) == f"python -m search baseline {command}"


def test_no_command_where_none_is_of_use(kfold: fakes.Fake, unfinished: fakes.Fake) -> None:
    """Before the test there is nothing to compare, and a baseline study needs no other."""
    assert baseline_command(unfinished.record) is None
    assert baseline_command(replace(kfold.record, test=None)) is None
    assert baseline_command(baseline_fakes.reproduction(1).record) is None
