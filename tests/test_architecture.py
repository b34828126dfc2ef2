"""The layout that docs/architecture.md describes, read from the source."""

import ast
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

_ROOT = Path(__file__).parents[1]
_PACKAGES = ("cifar_models", "spaces", "search")
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)

# Each part may import itself and those that follow it in this list, and nothing else.
_LAYERS = (
    "search.__main__",
    "search.final",
    "search.cli",
    "search.views",
    "search.study",
    "search.nested",
    "search.pipeline",
    "search.dashboard",
    "search.report",
    "search.reference",
    "search.progress",
    "search.tracking",
    "search.evaluation",
    "search.ablation",
    "search.catalog",
    "search.tuning",
    "search.executors",
    "search.training",
    "search.data",
    "search.parallel",
    "search.plotting",
    "search.command_lines",
    "search.stopping",
    "search.recipe",
    "search.recipe_fields",
    "search.tuning.samplers",
    "search.tuning.drawn_points",
    "search.tuning.pruners",
    "search.objectives",
    "search.toml_file",
    "search.protocol",
    "search.paths",
    "search.files",
    "search.checks",
    "search.events",
    "search.user_metric",
    "search.seeding",
    "search",
    "spaces",
    "cifar_models",
    "search.errors",
    "search.text",
    "search.metric",
)
# Parts that need less than what lies below them.
_NEEDS_ONLY = {
    "cifar_models": (),
    "spaces": ("cifar_models", "search.errors"),
    "search.data": ("search.errors", "search.events", "search.files", "search.text"),
    "search.training": (
        "cifar_models",
        "spaces",
        "search.data.dataset",
        "search.data.dataset",
        "search.errors",
        "search.files",
        "search.metric",
        "search.seeding",
    ),
}


@cache
def trees() -> dict[str, ast.Module]:
    """Return every module's syntax tree by its dotted name."""
    paths = [path for package in _PACKAGES for path in (_ROOT / package).rglob("*.py")]
    assert len(paths) > 50
    return {_module(path): ast.parse(path.read_text(encoding="utf-8")) for path in paths}


def _module(path: Path) -> str:
    return ".".join(path.relative_to(_ROOT).with_suffix("").parts).removesuffix(".__init__")


def within(module: str, prefix: str) -> bool:
    return module == prefix or module.startswith(prefix + ".")


def modules_of(prefix: str) -> dict[str, ast.Module]:
    found = {name: tree for name, tree in trees().items() if within(name, prefix)}
    assert found, prefix
    return found


@cache
def every_class() -> list[ast.ClassDef]:
    return [n for tree in trees().values() for n in ast.walk(tree) if isinstance(n, ast.ClassDef)]


def imports(tree: ast.AST) -> Iterator[str]:
    """Yield every imported module, and every name imported from one, dotted."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            assert node.module is not None
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def used_names(tree: ast.AST) -> set[str]:
    """Return every name and dotted attribute that the code mentions."""
    nodes = [node for node in ast.walk(tree) if isinstance(node, ast.Name | ast.Attribute)]
    return {ast.unparse(node) for node in nodes}


def attributes(tree: ast.AST) -> set[str]:
    return {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}


def _layer(name: str) -> int:
    """Return the place of the most specific layer that a module is within."""
    found = [layer for layer in _LAYERS if within(name, layer)]
    assert found, f"{name} belongs to no layer"
    return _LAYERS.index(max(found, key=len))


def test_imports_point_one_way() -> None:
    """A module imports from its own layer and from those below it."""
    for name, tree in trees().items():
        if name == "search":  # the public API, which imports what is asked for when it is
            continue
        own = [one for one in imports(tree) if one.partition(".")[0] in _PACKAGES]
        wrong = [one for one in own if _layer(one) < _layer(name)]
        assert wrong == [], name


@pytest.mark.parametrize("part", _NEEDS_ONLY)
def test_parts_need_only_what_they_should(part: str) -> None:
    """Data, training, spaces and networks can be used without the rest."""
    allowed = (part, *_NEEDS_ONLY[part])
    for name, tree in modules_of(part).items():
        own = [one for one in imports(tree) if one.partition(".")[0] in _PACKAGES]
        wrong = [one for one in own if not any(within(one, prefix) for prefix in allowed)]
        assert wrong == [], name


def test_tuning_trains_nothing() -> None:
    """The scheduler's process leaves training to jobs: it knows values of training, not how."""
    values = ("history", "metrics", "settings")
    allowed = tuple(f"search.training.{name}" for name in values)
    for name, tree in modules_of("search.tuning").items():
        used = list(imports(tree))
        assert "torch" not in {one.partition(".")[0] for one in used}, name
        training = [one for one in used if within(one, "search.training")]
        assert all(any(within(one, part) for part in allowed) for one in training), name


@pytest.mark.slow
def test_one_module_asks_optuna_and_one_ends_its_trials() -> None:
    """A sampler is asked in a study in memory; the recorder ends what the queue has claimed.

    Trials that wait for what is no longer planned are ended as a study is opened.
    """
    modules = {
        "ask": {"batches"},
        "tell": set(),
        "set_trial_state_values": {"ask_and_tell", "opening", "recorder"},
    }
    for attribute, users in modules.items():
        found = {
            name for name, tree in modules_of("search").items() if attribute in attributes(tree)
        }
        assert found == {f"search.tuning.{user}" for user in users}


def test_modules_form_no_circle() -> None:
    """The modules can be read one after the other, without going round."""
    names = set(trees())
    needs = {
        name: {_module_of(one, names) for one in imports(tree)} - {name, ""}
        for name, tree in trees().items()
    }
    assert len(list(TopologicalSorter(needs).static_order())) > 50


def _module_of(imported: str, names: set[str]) -> str:
    """Return the module that an import names or takes a name from, "" for other packages."""
    if imported in names:
        return imported
    parent = imported.rpartition(".")[0]
    return parent if parent in names else ""


def test_nothing_imports_studies_or_tests() -> None:
    """Committed recipes and tests are leaves."""
    for name, tree in trees().items():
        assert {one.partition(".")[0] for one in imports(tree)}.isdisjoint({"studies", "tests"}), (
            name
        )


def test_networks_are_torch_alone() -> None:
    """cifar_models needs torch and the standard library, no file and no Optuna.

    Only pretrained weights are of torchvision, and read from files.
    """
    further = {
        "cifar_models.backbone": {"re", "torchvision"},
        "cifar_models.pretrained": {"textwrap"},
        "cifar_models.weights": {
            "difflib", "hashlib", "http", "json", "pathlib", "re", "safetensors", "torchvision",
            "urllib",
        },
    }  # fmt: skip
    for name, tree in modules_of("cifar_models").items():
        roots = {one.partition(".")[0] for one in imports(tree)} - {"cifar_models"}
        known = {"abc", "collections", "dataclasses", "functools", "inspect", "itertools", "math"}
        known |= {"numbers"}
        assert roots <= known | {"torch", "typing"} | further.get(name, set()), name


def test_training_knows_no_optuna_and_no_files() -> None:
    """Training takes tensors and yields figures; only checkpoints are written."""
    forbidden = {"optuna", "pathlib", "os", "io", "shutil", "tempfile", "json", "pickle", "joblib"}
    for name, tree in modules_of("search.training").items():
        if name == "search.training.checkpoints":
            continue
        assert {one.partition(".")[0] for one in imports(tree)}.isdisjoint(forbidden), name
        assert used_names(tree).isdisjoint({"open"}), name


def test_optuna_is_known_to_the_study_and_to_those_who_read_it() -> None:
    """Recipes, data, networks, training and the screen do not depend on it."""
    free = ("cifar_models", "search.data", "search.training", "search.recipe", "search.progress")
    for part in (*free, "search.cli", "search.executors"):
        for name, tree in modules_of(part).items():
            assert "optuna" not in {one.partition(".")[0] for one in imports(tree)}, name


@pytest.mark.slow
def test_only_one_module_opens_the_test_split() -> None:
    """The arrays of the test split are named by the cache that writes them and by test_set."""
    users = {
        name for name, tree in trees().items() if attributes(tree) & {"test_images", "test_labels"}
    }
    assert users == {"search.data.cache", "search.evaluation.test_set"}
    importers = {
        name
        for name, tree in trees().items()
        if any(within(one, "search.evaluation.test_set") for one in imports(tree))
    }
    assert importers == {"search.evaluation.finishing", "search.reference.replication"}


@pytest.mark.slow
def test_only_the_command_line_prints_or_exits() -> None:
    """Everything else returns values, raises errors or tells a listener."""
    forbidden = {"print", "exit", "quit", "sys.exit", "sys.stdout", "sys.stderr", "input"}
    for name, tree in trees().items():
        if not within(name, "search.cli"):
            where = {"sys.stderr", "sys.stdout"}  # to redirect prints
            allowed = where if name == "spaces.user_output" else set()
            assert used_names(tree).isdisjoint(forbidden - allowed), name
            calls = {
                ast.unparse(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)
            }
            assert "make_console" not in calls, name
            # The one place outside the command line that writes to a terminal, where asked to.
            assert "Console" not in calls or name == "search.study.progress", name


@pytest.mark.slow
def test_random_numbers_come_from_seeds() -> None:
    """Nothing draws from a global generator of Python or NumPy, nor seeds one from the clock."""
    for name, tree in trees().items():
        if name != "spaces.probing":  # samples ranges with a fixed seed, to describe them
            assert {one.partition(".")[0] for one in imports(tree)}.isdisjoint(
                {"random", "secrets"}
            ), name
        assert used_names(tree).isdisjoint({"np.random.seed", "torch.seed", "np.random.rand"}), name


@pytest.mark.slow
def test_weights_are_never_unpickled() -> None:
    """Whatever is loaded cannot run code: no pickle, and torch.load only with weights_only."""
    for name, tree in trees().items():
        assert {one.partition(".")[0] for one in imports(tree)}.isdisjoint(
            {"pickle", "dill", "cloudpickle", "marshal", "shelve"}
        ), name
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "torch.load":
                assert "weights_only=True" in ast.unparse(node), name
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "np.load":
                assert "allow_pickle=False" in ast.unparse(node), name


def test_files_are_short() -> None:
    """No module is longer than 400 lines."""
    paths = [path for package in _PACKAGES for path in (_ROOT / package).rglob("*.py")]
    lengths = {_module(path): len(path.read_text("utf-8").splitlines()) for path in paths}
    assert {name: n for name, n in lengths.items() if n > 400} == {}


def test_functions_are_short() -> None:
    """No function's body is longer than 60 lines; a signature is a table, not code."""
    bodies = {
        f"{name}.{node.name}": (node.end_lineno or 0) - node.body[0].lineno + 1
        for name, tree in trees().items()
        for node in ast.walk(tree)
        if isinstance(node, _FUNCTIONS)
    }
    assert {name: lines for name, lines in bodies.items() if lines > 60} == {}


def test_everything_public_is_documented() -> None:
    """Everything public has a docstring; an overriding method inherits that of its base class."""
    documented = _documented_methods()
    for name, tree in trees().items():
        assert ast.get_docstring(tree), name
        for node in _public(tree.body):
            assert ast.get_docstring(node), f"{name}.{node.name}"
            if isinstance(node, ast.ClassDef):
                inherited = {one for base in node.bases for one in documented[ast.unparse(base)]}
                for method in _public(node.body):
                    assert ast.get_docstring(method) or method.name in inherited, (
                        f"{name}.{node.name}.{method.name}"
                    )


def _documented_methods() -> defaultdict[str, set[str]]:
    """Return the methods that each class documents or inherits documented, by the class's name."""
    documented: defaultdict[str, set[str]] = defaultdict(set)
    for node in every_class():
        documented[node.name] |= {one.name for one in _public(node.body) if ast.get_docstring(one)}
    for node in every_class() * 3:  # a base may stand after the class that inherits from it
        for base in node.bases:
            documented[node.name] |= documented[ast.unparse(base).partition("[")[0]]
    return documented


def _public(
    body: list[ast.stmt],
) -> Iterator[ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef]:
    kinds = ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
    for node in body:
        if isinstance(node, kinds) and not node.name.startswith("_"):
            yield node


def test_classes_are_abstract_or_final() -> None:
    """Each class is @final, or abstract, or a plain tuple, or a base of the kinds below.

    Abstract: a Protocol, an ABC, or a class with abstract methods of its own. A base is private
    and within its module, or an error, as callers catch kinds of errors by what they share.
    """
    errors = [node for node in every_class() if node.name.endswith("Error")]
    error_bases = {ast.unparse(base) for node in errors for base in node.bases}
    for name, tree in trees().items():
        classes = [node for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]
        bases = {ast.unparse(base) for node in classes for base in node.bases}
        for node in classes:
            own = {ast.unparse(base) for base in node.bases}
            private_base = node.name.startswith("_") and node.name in bases
            error_base = node.name in error_bases
            plain = bool(
                {base.partition("[")[0] for base in own} & {"NamedTuple", "Protocol", "ABC"}
            )
            assert (
                "final" in _decorators(node)
                or plain
                or private_base
                or error_base
                or _has_abstract_methods(node)
            ), f"{name}.{node.name}"


def test_final_classes_are_not_subclassed() -> None:
    """The decorator is kept at run time too, where type checkers do not look."""
    final = {node.name for node in every_class() if "final" in _decorators(node)}
    assert final.isdisjoint({ast.unparse(base) for node in every_class() for base in node.bases})


def _decorators(node: ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) -> set[str]:
    return {ast.unparse(decorator) for decorator in node.decorator_list}


def _has_abstract_methods(node: ast.ClassDef) -> bool:
    methods = [one for one in node.body if isinstance(one, _FUNCTIONS)]
    return any("abstractmethod" in _decorators(method) for method in methods)
