"""Recipes: a file and flags in, one validated value out; every mistake one line."""

import re
from pathlib import Path
from typing import Any

import pytest

from search.checks import parse_duration
from search.data.sources import AUTO, SOURCES
from search.errors import UserError
from search.metric import METRICS
from search.recipe import Recipe
from search.tuning.samplers import SAMPLERS
from spaces import BUILT_IN


def recipe_of(tmp_path: Path, toml: str, **flags: Any) -> Recipe:
    path = tmp_path / "recipe.toml"
    path.write_text(toml, encoding="utf-8")
    return Recipe.from_sources(path, flags)


def mistake(**settings: Any) -> str:
    """Return the error that the settings raise, checked to be one line."""
    with pytest.raises(UserError) as caught:
        Recipe.from_sources(None, {"space": "cnn"} | settings)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_flags_win_over_the_file_and_none_means_not_given(tmp_path: Path) -> None:
    """A flag replaces the file's value, an absent flag leaves it, the rest are defaults."""
    recipe = recipe_of(tmp_path, 'space = "mlp"\ntrials = 7\nseed = 3\n', trials=9, seed=None)
    assert (recipe.space, recipe.trials, recipe.seed, recipe.epochs) == ("mlp", 9, 3, 40)


def test_a_false_flag_is_given(tmp_path: Path) -> None:
    """--no-baseline wins over the file though its value is falsy."""
    recipe = recipe_of(tmp_path, 'space = "mlp"\nwith_baseline = true\n', with_baseline=False)
    assert not recipe.with_baseline


def test_a_file_may_give_every_setting(tmp_path: Path) -> None:
    """The TOML text of a full recipe is read back as it was."""
    recipe = Recipe(
        space="a/b.py:SPACE", set=("depth=2", "lr=1e-4..1"), sampler="grid", batch=2,
        pruner="none", trials=3, epochs=2, timeout=90.5,
        validation="kfold", holdout_fraction=0.25, folds=3, racing=False, metric="loss",
        objective="loss,parameters", choose="best loss under 1M", finalists=None, repeats=3,
        ensemble=None,
        seed=2**32 - 1,
        trial_timeout=60.0, budget=600.0, max_multiply_adds=10**7, start="portfolio",
        start_from="other",
        with_baseline=False, prior="off", refit="horizon", refit_epochs=9,
        max_parameters=1000,
        dataset="pets", data_dir=Path("d"),
        image_size=16, resize="pad", test_fraction=0.3, skip_broken=True,
        image_column="file", label_column="kind", split_column="part", groups=r"p\d+",
        duplicates="together", drop_duplicates=True,
        study_name="Study_1.a-b", storage="sqlite:///x.db",
        runs_dir=Path("r"), checkpoint_every=5, workers=2, threads=2, device="cuda:1",
        precision="fp32",
    )  # fmt: skip
    assert recipe.model_fields_set == set(Recipe.model_fields)
    assert recipe_of(tmp_path, recipe.toml()) == recipe


@pytest.mark.parametrize(
    "text",
    [
        'quotes " and \' and """',
        r"back\slash\n and C:\new",
        "line\nbreak\r\ttab",
        "".join(map(chr, range(1, 32))) + "\x7f",
        "ünïcödé/日本語/😀",
        "# = [x] {y}",
        "",
    ],
)
def test_odd_text_survives_the_round_trip(tmp_path: Path, text: str) -> None:
    """Whatever a path or a name holds, the TOML text makes the same recipe again."""
    recipe = Recipe(space=f"{text}.py:S", dataset=text, data_dir=Path(f"d{text}"))
    assert recipe_of(tmp_path, recipe.toml()) == recipe


def test_the_password_of_the_storage_is_not_written() -> None:
    """A recipe is printed, stored and reported; its database password is not."""
    recipe = Recipe(space="cnn", storage="postgresql://me:s3cret@host:5432/name?sslmode=require")
    assert recipe.storage is not None
    assert "s3cret" in recipe.storage
    assert "s3cret" not in recipe.toml() + recipe.model_dump_json()
    assert "postgresql://me@host:5432/name?sslmode=require" in recipe.toml()


@pytest.mark.parametrize("url", ["sqlite:////abs/a:b@c.db", "postgresql://me@host/n", None])
def test_a_storage_without_a_password_is_written_as_it_is(url: str | None) -> None:
    """Only a password is left out."""
    assert Recipe(space="cnn", storage=url).model_dump()["storage"] == url


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90s", 90), ("30m", 1800), ("1.5h", 5400), ("2d", 172_800), (" 10 m ", 600), ("5min", 300)],
)
def test_durations_are_read_as_seconds(text: str, seconds: float) -> None:
    """Each unit, and fractions of it."""
    assert parse_duration(text) == seconds
    assert Recipe.from_sources(None, {"space": "cnn", "timeout": text}).timeout == seconds


@pytest.mark.parametrize("text", ["soon", "", "1w", "-5m", "m", "1h30m", "1e3s", "inf"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    """The error says what a duration looks like."""
    assert mistake(timeout=text).startswith("timeout: must be a duration such as 90s, 30m")


@pytest.mark.parametrize("text", ["15", "1.5"])
def test_a_duration_needs_a_unit(text: str) -> None:
    """A number alone is minutes to one and seconds to another."""
    assert mistake(trial_timeout=text).startswith(f"trial_timeout: must have a unit: {text}s")


BOUNDS: list[tuple[str, list[Any], list[Any]]] = [
    (
        "sampler",
        ["random", "grid", "tpe", "gp", "a/b.py:make"],
        ["Random", "", 1, "b.py:", "b:make"],
    ),
    (
        "set",
        [["lr=1e-4..1"], "lr=1..2", ["a=1,2", "b = x"], [], None],
        ["lr", ["lr="], ["=1"], [1], ["a=1", "a=2"], {"lr": 1}, 3],
    ),
    ("batch", [1, 100_000], [0, 1.0, "4"]),
    ("pruner", ["auto", "none", "median", "halving", "hyperband", "asha"], ["sha"]),
    ("trials", [1, 100_000], [0, -1, 1.5, "3", True, 100_001, 10**9]),
    ("epochs", [1, 100_000], [0, "2", 2.0, 100_001]),
    ("timeout", [0.001, 5, 10**9], [0, -1.0, True, float("inf"), 10**9 + 1, 10**150]),
    ("budget", [1.0, "10m"], [0, "0", "0s", "10", "-1m"]),
    ("trial_timeout", [0.001, "90s"], [0, "-1s", float("nan")]),
    ("validation", ["holdout", "kfold"], ["loo"]),
    ("holdout_fraction", [0.001, 0.999], [0, 1, -0.1, 1.5, float("nan"), "0.2"]),
    ("folds", [2, 100_000], [1, 0, 100_001]),
    ("racing", [False], ["yes", 1]),
    ("metric", [*(one.name for one in METRICS), "a/b.py:cost"], ["f1", "b.py:", 1]),
    ("objective", ["accuracy,parameters", "kappa, latency"], [3, "a\0b"]),
    ("choose", ["best accuracy"], [3, "a\0b"]),
    ("refit", ["auto", "one-se", "horizon", "best-epoch"], ["none", 3]),
    ("refit_epochs", [1, 100_000], [0, 100_001]),
    ("finalists", [2, 100], [1, 101, "3"]),
    ("repeats", [2, 100], [1, 101]),
    ("ensemble", [2, 20], [1, 21, "3"]),
    ("seed", [0, 2**32 - 1], [-1, 2**32, True]),
    ("start", ["auto", "portfolio", "baseline", "none"], ["", True]),
    ("start_from", ["other"], [3, "a\0b"]),
    ("with_baseline", [True, False], ["yes", 1]),
    ("prior", ["auto", "on", "off"], [True, "no"]),
    ("max_parameters", [1, 10**12], [0, 10**12 + 1]),
    ("max_multiply_adds", [1, 10**15], [0, 10**15 + 1]),
    ("dataset", ["auto", "any/path", "ünï"], [3, ["a"], "a\0b", "a\udcffb"]),
    ("data_dir", ["d", Path("d")], [1, "a\0b", "a\udcffb"]),
    ("image_size", [1, 512], [0, 513]),
    ("resize", ["crop", "stretch", "pad"], ["cut", 1]),
    ("test_fraction", [0.001, 0.999], [0, 1]),
    ("skip_broken", [True, False], ["yes", 1]),
    ("image_column", ["file"], [3, "a\0b"]),
    ("label_column", ["kind"], [3, "a\0b"]),
    ("split_column", ["part"], [3, "a\0b"]),
    ("duplicates", ["auto", "together", "independent"], ["drop"]),
    ("drop_duplicates", [True, False], ["yes", 1]),
    ("groups", ["patient", r"p(\d+)_"], [3, "a\0b"]),
    ("storage", ["sqlite:///x"], [1, "sqlite:///\0"]),
    ("runs_dir", ["r"], [False, "\udcff"]),
    ("checkpoint_every", [0, 100_000], [-1, 100_001]),
    ("workers", [0, 1024], [-1, 1025]),
    ("threads", [1, 1024], [0, 1025]),
    ("device", ["auto", "cpu", "cuda", "cuda:12"], ["gpu", "cuda:", "cuda:x", "cpu:0", ""]),
    ("precision", ["auto", "fp32", "bf16"], ["fp16"]),
    ("study_name", ["a", "x" * 64, "A.b_c-9"], ["", "x" * 65, "a b", "a/b", "ä", "a\n", "a\0"]),
]


def test_every_setting_has_its_bounds_tested() -> None:
    """The table above leaves out none; `space` is checked where spaces are loaded."""
    assert {name for name, _, _ in BOUNDS} == set(Recipe.model_fields) - {"space"}


@pytest.mark.parametrize(
    ("given", "stored"),
    [
        ("log-loss", "loss"),
        ("neg_log_loss", "loss"),
        ("balanced_accuracy", "balanced-accuracy"),
        ("f1_macro", "macro-f1"),
        ("macro_f1", "macro-f1"),
        ("roc_auc_ovr", "auroc"),
        ("cohen_kappa", "kappa"),
    ],
)
def test_other_spellings_of_a_metric_are_known(given: str, stored: str) -> None:
    """Such as those of scikit-learn; one name is stored."""
    assert Recipe.model_validate({"space": "mlp", "metric": given}).metric == stored


def test_the_first_objective_is_the_metric() -> None:
    """Given or not; if both are given they have to agree."""
    recipe = Recipe.from_sources(None, {"space": "mlp", "objective": "kappa,latency"})
    assert recipe.metric == "kappa"
    assert Recipe.model_validate(recipe.model_dump()) == recipe
    message = mistake(objective="kappa,latency", metric="loss")
    assert message.startswith("objective must be a metric, the same as metric 'loss', and then")
    assert message.endswith("got 'kappa,latency'")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"pruner": "halving"}, "objective needs pruner 'none', got pruner 'halving'"),
        (
            {"validation": "kfold", "racing": True},
            "objective needs trials with all folds, got racing true",
        ),
        ({"sampler": "baseline"}, "objective needs a search, got sampler 'baseline'"),
        (
            {"choose": "best speed"},
            "choose: 'speed' is not one of the objectives; accepted: best OBJECTIVE [under|over "
            "NUMBER[k|M|%] [OBJECTIVE]]..., objectives accuracy, parameters, got 'best speed'",
        ),
    ],
)
def test_what_objectives_need(settings: dict[str, Any], message: str) -> None:
    """One line, with the setting and its value."""
    assert mistake(objective="accuracy,parameters", **settings) == message


def test_a_rule_needs_no_objectives_but_theirs() -> None:
    """Without costs only the metric can be limited, by its name."""
    assert "must be named" in mistake(choose="best accuracy under 200k")


def test_a_sampler_may_come_from_a_file() -> None:
    """As the error for any other text says."""
    accepted = ", ".join(repr(one.name) for one in SAMPLERS) + " or FILE.py:FUNCTION"
    assert mistake(sampler="mine.py") == f"sampler: input should be {accepted}, got 'mine.py'"


@pytest.mark.parametrize(
    ("name", "wrong", "nearest"),
    [("sampler", "rndom", "random"), ("pruner", "medain", "median"), ("metric", "Loss", "loss")],
)
def test_a_misspelt_value_is_answered_with_the_nearest(name: str, wrong: str, nearest: str) -> None:
    """As a misspelt setting is."""
    message = mistake(**{name: wrong})
    assert message.endswith(f", got {wrong!r}; did you mean {nearest!r}?")
    assert "did you mean" not in mistake(**{name: "quite another"})


@pytest.mark.parametrize("name", ["runs_dir", "data_dir"])
def test_an_empty_text_is_no_folder(name: str) -> None:
    """Not the present one, which is written as a dot."""
    assert mistake(**{name: ""}) == f"{name}: must name a folder, such as . for this one, got ''"


@pytest.mark.parametrize("name", ["-x", ".x", "--help", "."])
def test_a_study_is_neither_hidden_nor_an_option(name: str) -> None:
    """Its name is a folder, and an argument of commands."""
    assert mistake(study_name=name).startswith("study_name: must not begin with . or -, got ")


@pytest.mark.parametrize(("name", "good", "bad"), BOUNDS, ids=[name for name, _, _ in BOUNDS])
def test_bounds(name: str, good: list[Any], bad: list[Any]) -> None:
    """The outermost accepted values pass; the next ones are refused, with name and value."""
    for value in good:
        Recipe.from_sources(None, {"space": "cnn", name: value})
    for value in bad:
        message = mistake(**{name: value})
        assert message.startswith(f"{name}: "), message
        assert re.sub("; did you mean .*", "", message).endswith(f", got {value!r}"), message


@pytest.mark.parametrize(
    "name", [".", "..", "...", "artifacts", "Artifacts", "comparison", "studies.db", "Studies.DB"]
)
def test_names_that_are_no_folder_of_their_own_are_refused(name: str) -> None:
    """A study never shares a name with runs_dir itself or with what lies in it."""
    assert mistake(study_name=name).startswith("study_name: must not be")


def test_several_mistakes_are_told_at_once() -> None:
    """One line lists them all."""
    message = mistake(epochs=0, folds=1)
    assert "epochs: " in message
    assert "folds: " in message


def test_a_table_is_no_setting(tmp_path: Path) -> None:
    """Whoever groups settings, as other tools have it, is told to do without."""
    path = tmp_path / "recipe.toml"
    path.write_text('[run]\nspace = "mlp"\n', encoding="utf-8")
    with pytest.raises(UserError, match=r"^\[run\] is a table, but a recipe has no tables"):
        Recipe.from_sources(path, {})


@pytest.mark.parametrize(
    ("name", "hint"), [("trails", "trials"), ("fold", "folds"), ("studyname", "study_name")]
)
def test_an_unknown_setting_gets_the_nearest_known_one(
    tmp_path: Path, name: str, hint: str
) -> None:
    """A misspelt key is an error, never passed over."""
    with pytest.raises(UserError, match=f"^{name} is not a setting.*did you mean {hint}"):
        recipe_of(tmp_path, f'space = "cnn"\n{name} = 3\n')


def test_an_unknown_setting_like_no_other_gets_the_list(tmp_path: Path) -> None:
    """Where nothing is near, all known settings are named."""
    with pytest.raises(
        UserError, match=r"^zzz is not a setting.*known settings: space, set, sampler"
    ):
        recipe_of(tmp_path, 'space = "cnn"\nzzz = 1\n')


def test_a_syntax_error_names_file_and_line(tmp_path: Path) -> None:
    """The user finds the place without searching."""
    with pytest.raises(
        UserError, match=r"recipe\.toml is not valid TOML: .*line 2.*'trials = = 3'"
    ):
        recipe_of(tmp_path, 'space = "cnn"\ntrials = = 3\n')


@pytest.mark.parametrize(
    ("toml", "words"),
    [
        ('space = "cnn"\nspace = "mlp"\n', "overwrite .*line 2.*'space = \"mlp\"'"),
        ('space = "cnn"\nspace = "mlp"', "overwrite .*at the end, line 2.*'space = \"mlp\"'"),
        ('space = "cnn"\n\ntrials', "at the end, line 3.*'trials'"),
        ('space = """\n\n', "Unterminated.*at the end, line 2"),
        ("trials = " + "[" * 5000, "nested too deeply"),
        ("trials = " + "9" * 5000, "limit .*digits"),
    ],
)
def test_whatever_is_wrong_with_the_text_is_placed(tmp_path: Path, toml: str, words: str) -> None:
    """A key given twice shows its line; the end of a file has a number too."""
    with pytest.raises(UserError, match=f"recipe.toml is not valid TOML: .*{words}") as caught:
        recipe_of(tmp_path, toml)
    assert "\n" not in str(caught.value)


def test_a_byte_order_mark_is_no_mistake(tmp_path: Path) -> None:
    """Some editors begin a file with one."""
    assert recipe_of(tmp_path, '\ufeffspace = "mlp"\n').space == "mlp"


@pytest.mark.slow
def test_long_values_are_cut_in_the_error() -> None:
    """The line stays readable, whatever was given."""
    assert len(mistake(sampler="x" * 10_000)) < 400
    assert mistake(epochs=16**6000).endswith("got a huge number")


def test_an_error_never_shows_the_password() -> None:
    """A wrong storage is told without it."""
    for url in ("postgresql://me:s3cret@host/\0", "postgresql://host/db?password=s3cret&x=\0"):
        assert "s3cret" not in mistake(storage=url)


def test_a_recipe_needs_a_space() -> None:
    """The one setting without a default is asked for by name."""
    with pytest.raises(UserError, match=r"^space is missing: give `space`"):
        Recipe.from_sources(None, {"space": None})


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("none.toml", "none.toml does not exist"),
        ("", "cannot be read: Is a directory"),
        ("binary.toml", "binary.toml is not UTF-8 text: see line 3"),
        ("large.toml", "larger than 1,048,576 bytes"),
        ("a\0b", "'.*a.x00b' is not a file name"),
    ],
)
def test_what_is_no_text_file_is_refused(tmp_path: Path, name: str, words: str) -> None:
    """A missing file, a folder, binary data, a film: each is named with what is wrong."""
    (tmp_path / "binary.toml").write_bytes(b"a = 1\n\n\xff\xfe\x00")
    (tmp_path / "large.toml").write_bytes(b"#" * (1 << 20) + b"\n")
    with pytest.raises(UserError, match=rf"^recipe .*{words}"):
        Recipe.from_sources(tmp_path / name, {})


def test_the_committed_recipes_are_valid() -> None:
    """Every file in studies/ makes a recipe."""
    paths = sorted((Path(__file__).parents[1] / "studies").glob("*.toml"))
    assert len(paths) >= 7
    for path in paths:
        Recipe.from_sources(path, {})


def test_help_names_every_source_and_space() -> None:
    """Recipes are quick to import, so their help cannot be made from these registries."""
    dataset, space = (Recipe.model_fields[name].description or "" for name in ("dataset", "space"))
    for source in SOURCES:
        assert (source.keyword or source.title.removeprefix("the ")) in dataset
    assert AUTO in dataset
    assert all(name in space for name in BUILT_IN)


def test_home_is_expanded(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """As a shell does where the path is not quoted; other names may begin with a tilde."""
    monkeypatch.setenv("HOME", str(tmp_path))
    recipe = Recipe(
        space="cnn", dataset="~/pets", data_dir=Path("~/data"), runs_dir=Path("~x/runs")
    )
    assert recipe.dataset == str(tmp_path / "pets")
    assert recipe.data_dir == tmp_path / "data"
    assert recipe.runs_dir == Path("~x/runs")


@pytest.mark.parametrize("validation", ["holdout", "kfold"])
def test_the_hand_tuned_network_is_reproduced_as_it_is(validation: str) -> None:
    """A budget would choose its epochs and limit its size."""
    assert mistake(sampler="baseline", validation=validation, budget="10m") == (
        "budget needs a search, as it changes epochs and networks, got budget 600s with "
        "sampler 'baseline'; accepted: epochs"
    )


def test_a_search_cannot_start_with_nothing_and_the_baseline() -> None:
    """Whoever names both is told what means the latter."""
    message = mistake(start="none", with_baseline=True)
    assert message.endswith("got start 'none'; accepted: start 'baseline'")
    assert Recipe.from_sources(None, {"space": "cnn", "start": "none"}).start == "none"
