"""Options that are made from the recipe's fields: their types, help and sections."""

import inspect
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Annotated, Any, Literal, TypeAlias, get_args, get_origin

import typer
from pydantic.fields import FieldInfo
from typer.models import ArgumentInfo

from search.checks import OneOf
from search.cli.cluster_options import CLUSTER
from search.cli.parsers import folder
from search.command_lines import option_names
from search.recipe import Recipe
from search.text import listed

Command: TypeAlias = Callable[..., None]


def with_settings(
    *names: str, fill: bool = False, places: Iterable[str] = ()
) -> Callable[[Command], Command]:
    """Return a decorator that gives a command an option for each of these settings of a recipe.

    The command gets each as a keyword argument: None if it was not given, or with `fill` the
    recipe's default. It also gets those options of `CLUSTER`, None if not given.
    """

    def decorate(command: Command) -> Command:
        def call(**given: object) -> None:
            given |= {
                name: None for name in names if given[name] == []
            }  # given several times, or not
            if fill:
                defaults = {name: Recipe.model_fields[name].default for name in names}
                given |= {name: value for name, value in defaults.items() if given[name] is None}
            command(**given)

        own = [
            one.replace(kind=inspect.Parameter.KEYWORD_ONLY)
            for one in inspect.signature(command).parameters.values()
            if one.kind is not inspect.Parameter.VAR_KEYWORD and one.name not in names
        ]
        arguments = [one for one in own if _is_argument(one)]
        options = [one for one in own if not _is_argument(one)]
        parameters = [
            *arguments,
            *map(_parameter, names),
            *map(_cluster_parameter, places),
            *options,
        ]
        call.__name__, call.__doc__ = command.__name__, command.__doc__
        call.__annotations__ = {one.name: one.annotation for one in parameters}
        call.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        return call

    return decorate


def _is_argument(parameter: inspect.Parameter) -> bool:
    return any(isinstance(one, ArgumentInfo) for one in get_args(parameter.annotation))


def _parameter(name: str) -> inspect.Parameter:
    """Return the option of a setting; its value is None if it is not given."""
    field = Recipe.model_fields[name]
    kind = _parsed_type(field)
    option = typer.Option(
        "/".join(option_names(name)),
        help=_help(field),
        parser=folder if kind is Path else None,
        metavar="PATH" if kind is Path else None,
        rich_help_panel=setting_section(name),
    )
    keyword = inspect.Parameter.KEYWORD_ONLY
    return inspect.Parameter(name, keyword, default=None, annotation=Annotated[kind | None, option])


def _cluster_parameter(name: str) -> inspect.Parameter:
    keyword = inspect.Parameter.KEYWORD_ONLY
    return inspect.Parameter(name, keyword, default=None, annotation=CLUSTER[name])


# The first setting of each section of the help; the others follow it in the recipe.
_SECTIONS = {
    "space": "Search",
    "validation": "Evaluation",
    "seed": "Search",
    "dataset": "Data",
    "study_name": "Storage and resources",
}


def setting_section(name: str) -> str:
    """Return the section of help and documentation that a recipe's setting belongs to."""
    settings = list(Recipe.model_fields)
    before = settings[: settings.index(name) + 1]
    return next(_SECTIONS[one] for one in reversed(before) if one in _SECTIONS)


def _parsed_type(field: FieldInfo) -> Any:
    """Return the type that the command line parses; the recipe checks the rest."""
    kinds = get_args(field.annotation) or (field.annotation,)
    if any(get_origin(kind) is tuple for kind in kinds):
        return list[str]
    return next((kind for kind in (bool, int, float, Path) if kind in kinds), str)


def _help(field: FieldInfo) -> str:
    meaning, default = setting_help(field)
    return f"{meaning} [{default}]." if default else f"{meaning}."


def setting_help(field: FieldInfo) -> tuple[str, str]:
    """Return a setting's description with the values to choose from, and its default in words."""
    choices = _choices(field)
    meaning = f"{field.description}: {listed(choices, 'or')}" if choices else field.description
    return str(meaning), _default(field)


def _choices(field: FieldInfo) -> tuple[str, ...]:
    if get_origin(field.annotation) is Literal:
        return get_args(field.annotation)
    return next((one.accepted() for one in field.metadata if isinstance(one, OneOf)), ())


def _default(field: FieldInfo) -> str:
    """Return a setting's default in words, "" if there is none."""
    if field.is_required():
        return ""
    extra = field.json_schema_extra
    means = str(extra["means"]) if isinstance(extra, dict) and "means" in extra else ""
    if field.default is None:
        return means
    if isinstance(field.default, bool):
        return "yes" if field.default else "no"
    if not means:
        return str(field.default)
    return f"auto: {means}" if field.default == "auto" else means
