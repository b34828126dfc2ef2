"""The comparison with other tools: what is read from its records, and who has which turn."""

import itertools
import math
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from search.errors import UserError
from spaces import load_space
from tests.benchmarks.peers.contestants import parse_tools
from tests.benchmarks.peers.elsewhere import elsewhere_path, write_elsewhere
from tests.benchmarks.peers.ours import new_epochs
from tests.benchmarks.peers.preparing import generate_images, prepare
from tests.benchmarks.peers.records import (
    EpochRecord,
    Recorder,
    best_at,
    best_so_far,
    read_records,
    seconds_to_beat,
    turns,
)
from tests.benchmarks.peers.running import Settings
from tests.benchmarks.peers.summary import SearchSummary, median_beaten, times_sooner
from tests.benchmarks.peers.task import Arrays


def records(*accuracies: float) -> list[EpochRecord]:
    """Return one record a second, the first at second 1."""
    return [
        EpochRecord(second=second, trial="0", epoch=second, accuracy=accuracy)
        for second, accuracy in enumerate(accuracies, start=1)
    ]


def summary(beaten: float | None) -> SearchSummary:
    return SearchSummary(best=0.5, beaten=beaten, trials=1, epochs=1)


def test_the_best_so_far_only_rises() -> None:
    """A worse or an equal accuracy changes nothing."""
    assert list(best_so_far(records(0.3, 0.2, 0.3, 0.5))) == [(1, 0.3), (4, 0.5)]


def test_the_best_counts_from_the_second_it_was_known() -> None:
    """Nothing is known before the first epoch, and each epoch from its own second on."""
    known = records(0.3, 0.5)
    assert [best_at(known, second) for second in (0.9, 1, 1.9, 2)] == [None, 0.3, 0.3, 0.5]


def test_to_equal_is_not_to_beat() -> None:
    """The accuracy must be exceeded."""
    known = records(0.3, 0.5, 0.6)
    assert seconds_to_beat(known, 0.5) == 3
    assert seconds_to_beat(known, 0.6) is None


def test_no_tool_always_comes_first_or_last() -> None:
    """Over two seeds the order turns round; over twice as many as tools each begins twice."""
    tools = ["a", "b", "c"]
    assert turns(tools, 1) == turns(tools, 0)[::-1]
    firsts = [turns(tools, seed)[0] for seed in range(6)]
    assert {tool: firsts.count(tool) for tool in tools} == dict.fromkeys(tools, 2)
    assert all(sorted(turns(tools, seed)) == tools for seed in range(6))


def test_records_are_read_in_order_and_within_the_budget(tmp_path: Path) -> None:
    """What is late or broken off by the kill does not count; who wrote first does not matter."""
    path = tmp_path / "records"
    lines = [one.model_dump_json() for one in records(0.1, 0.2, 0.3)[::-1]]
    path.write_text("\n".join([*lines, '{"second": 0.5, "tri']), encoding="utf-8")
    assert [one.second for one in read_records(path, 2.5)] == [1, 2]


def test_a_recorder_writes_what_is_read(tmp_path: Path) -> None:
    """A record is one line, with the seconds since the start."""
    path = tmp_path / "records"
    Recorder(path, started=0.0).add("7", 2, 0.25)
    (record,) = read_records(path, math.inf)
    assert (record.trial, record.epoch, record.accuracy) == ("7", 2, 0.25)
    assert record.second > 0


def test_a_search_without_an_epoch_has_found_nothing() -> None:
    """A tool that never got going is summed up, not an error."""
    assert SearchSummary.of([], 0.5) == SearchSummary(best=0.0, beaten=None, trials=0, epochs=0)


def test_a_peer_that_never_beats_counts_its_budget() -> None:
    """The ratio is then a lower bound, and says so."""
    ours = [summary(10), summary(20)]
    times = times_sooner([summary(40), summary(None)], ours, budget=100)
    assert times is not None
    assert (times.ratio, times.at_least) == (4.5, True)
    assert times_sooner(ours, [summary(10), summary(None)], budget=100) is None


def test_the_median_is_never_where_most_never_beat() -> None:
    """Searches that never beat the baseline count as infinitely late."""
    assert median_beaten([summary(5), summary(None), summary(None)]) == math.inf
    assert median_beaten([summary(5), summary(7), summary(None)]) == 7


def test_our_epochs_are_read_once(tmp_path: Path) -> None:
    """Only what was reported after the last look is new; no database yet means nothing yet."""
    database = tmp_path / "studies.db"
    assert new_epochs(database, 0) == []
    with closing(sqlite3.connect(database)) as opened:
        assert new_epochs(database, 0) == []
        opened.executescript(
            """
            CREATE TABLE trials (trial_id INTEGER, number INTEGER);
            CREATE TABLE trial_intermediate_values (
                trial_intermediate_value_id INTEGER, trial_id INTEGER, step INTEGER,
                intermediate_value REAL
            );
            INSERT INTO trials VALUES (11, 3);
            INSERT INTO trial_intermediate_values VALUES (1, 11, 1, 0.2), (2, 11, 2, 0.4);
            """
        )
    assert new_epochs(database, 0) == [(1, 3, 1, 0.2), (2, 3, 2, 0.4)]
    assert new_epochs(database, 1) == [(2, 3, 2, 0.4)]


@pytest.mark.parametrize("text", ["hyperopt", "ours,ours", "", "baseline"])
def test_unknown_and_repeated_tools_are_refused(text: str) -> None:
    """The mistake names the setting and what is accepted."""
    with pytest.raises(UserError, match=r"^tools: names among optuna, ray"):
        parse_tools(text)


def test_everyone_has_the_split_that_a_search_makes(tmp_path: Path) -> None:
    """Which keeps copies of an image on one side, whatever the seed."""
    images = generate_images(tmp_path / "images", per_class=10)
    first = next((images / "train" / "class-0").iterdir())
    shutil.copy(first, first.with_name("copy.png"))
    for seed in range(6):
        prepare(images, tmp_path / "data", tmp_path / str(seed), seed)
        arrays = Arrays.load(tmp_path / "data", tmp_path / str(seed) / "split.npz")
        flat = arrays.images.reshape(len(arrays.images), -1)
        _, kinds, counts = np.unique(flat, axis=0, return_inverse=True, return_counts=True)
        (twice,) = np.flatnonzero(counts == 2)
        copies = np.flatnonzero(kinds.reshape(-1) == twice)
        assert np.isin(copies, arrays.validation).sum() in (0, 2)


def test_a_portfolio_of_other_data_is_a_space_as_ours(tmp_path: Path) -> None:
    """As many candidates, all of which the space can make, but others for other data."""
    own, portfolios = load_space("cnn"), []
    for number, family in enumerate(("cifar10-jpeg", "clothing")):
        folder = tmp_path / str(number)
        folder.mkdir()
        write_elsewhere("cnn", family, folder)
        elsewhere = load_space(f"{elsewhere_path('cnn', folder)}:space")
        assert elsewhere.name == "cnn-elsewhere"
        assert len(elsewhere.portfolio) == len(own.portfolio)
        portfolios.append({elsewhere.candidate(point) for point in elsewhere.portfolio})
    portfolios.append({own.candidate(point) for point in own.portfolio})
    assert all(one != other for one, other in itertools.combinations(portfolios, 2))


def test_the_data_that_a_portfolio_must_not_have_seen_is_known() -> None:
    """Otherwise it would be left out in vain."""
    with pytest.raises(UserError, match=r"^family: one of digits, .* got 'cifar'"):
        Settings.parse("cnn", "ours", None, "cifar", 60.0, 1, 9, Path("out"))
