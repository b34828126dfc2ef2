"""Parts of the reference that are made from the code: a hook of MkDocs.

A page has a line `<!-- generated: NAME -->` and, for those who read the file, a paragraph that says
where to look; the hook puts what the function of that name returns in their place, whenever the
site is built.
"""

import inspect
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

import typer
from pydantic import TypeAdapter

from cifar_models import FAMILIES
from search.cli.app import build_app
from search.cli.setting_options import setting_help, setting_section
from search.command_lines import option_names
from search.recipe import Recipe
from search.tuning.run_events import EVENTS
from spaces import Candidate
from spaces.augmentation import AUGMENTATIONS
from spaces.losses import LOSSES
from spaces.optimizers import OPTIMIZERS
from spaces.schedules import SCHEDULES

_MARK = re.compile(r"<!-- generated: ([a-z]+) -->(?:\n.+)*")
_PARTS: Mapping[str, Sequence[type]] = {
    "Networks": FAMILIES,
    "Optimizers": OPTIMIZERS,
    "Schedules": SCHEDULES,
    "Losses": LOSSES,
    "Augmentations": AUGMENTATIONS,
}
_BOUNDS = {
    "minimum": "at least",
    "exclusiveMinimum": "above",
    "maximum": "at most",
    "exclusiveMaximum": "below",
}
_SCHEMA = Path(__file__).parents[1] / "search" / "report" / "report.schema.json"


def on_page_markdown(markdown: str, **_: object) -> str:
    """Return the page with its generated part."""
    return _MARK.sub(lambda found: GENERATED[found[1]](), markdown)


def settings() -> str:
    """Return a table of settings for each section of the help."""
    sections: dict[str, list[str]] = {}
    for name, field in Recipe.model_fields.items():
        meaning, default = setting_help(field)
        options = ", ".join(f"`{option}`" for option in option_names(name))
        row = f"| {options} | {_cell(meaning)} | {_cell(default)} |"
        sections.setdefault(setting_section(name), []).append(row)
    head = "| setting | meaning | default |\n|---|---|---|\n"
    return "\n\n".join(
        f"## {title}\n\n{head}" + "\n".join(rows) for title, rows in sections.items()
    )


def commands() -> str:
    """Return each command with its help, its arguments and its options."""
    group = typer.main.get_command(build_app())
    parts: Mapping[str, Any] = getattr(group, "commands", {})
    return "\n\n".join(_command(name, command) for name, command in parts.items())


def _command(name: str, command: Any) -> str:
    rows = []
    for one in command.params:
        names = ", ".join(f"`{option}`" for option in (*one.opts, *one.secondary_opts))
        rows.append(f"| {names} | {_cell(getattr(one, 'help', None) or '')} |")
    table = "| argument or option | meaning |\n|---|---|\n" + "\n".join(rows)
    examples = [line for line in (command.epilog or "").split("\n\n") if line != "Examples:"]
    code = "```bash\n" + "\n".join(examples) + "\n```\n\n" if examples else ""
    return f"## {name}\n\n{inspect.cleandoc(command.help or '')}\n\n{code}{table}"


def candidates() -> str:
    """Return the settings of candidates, and of everything that they are made of."""
    parts = ["## The candidate\n\n" + _fields(Candidate)]
    for title, kinds in _PARTS.items():
        tables = "\n\n".join(f"### {one.__name__}\n\n{_fields(one)}" for one in kinds)
        parts.append(f"## {title}\n\n{tables}")
    return "\n\n".join(parts)


def _fields(kind: type) -> str:
    """Return the first paragraph of a class's docstring, and a table of its settings."""
    words = inspect.cleandoc(kind.__doc__ or "").partition("\n\n")[0]
    schema = TypeAdapter(kind).json_schema()
    rows = [
        f"| `{name}` | {_cell(_type(value))} | {_cell(_bounds(value))} | {_cell(_default(value))} |"
        for name, value in schema["properties"].items()
        if "const" not in value
    ]
    table = "| setting | type | accepted | default |\n|---|---|---|---|\n" + "\n".join(rows)
    return f"{words}\n\n{table}" if rows else words


def _bounds(value: Mapping[str, Any]) -> str:
    """Return the accepted numbers, or names, of a field."""
    if "enum" in value:
        return ", ".join(f"`{one}`" for one in value["enum"])
    if "anyOf" in value:
        return ", ".join(filter(None, map(_bounds, value["anyOf"])))
    return ", ".join(f"{words} {value[key]:g}" for key, words in _BOUNDS.items() if key in value)


def _default(value: Mapping[str, Any]) -> str:
    if "default" not in value:
        return "must be given"
    default = value["default"]
    if isinstance(default, dict):  # a part of a candidate, by its name
        default = default.get("name", default.get("kind"))
    return f"`{json.dumps(default)}`"


def events() -> str:
    """Return each kind of event with what it says and its fields, in the order of a run."""
    return "\n\n".join(f"## {event.kind}\n\n{_event(event)}" for event in EVENTS)


def _event(event: Any) -> str:
    words = inspect.cleandoc(event.__doc__ or "")
    names = ", ".join(f"`{field.name}`" for field in fields(event)) or "none"
    totals = f" The line also has {', '.join(event.totals)}." if event.totals else ""
    return f"{words}{totals}\n\nIn Python: `{event.__name__}`, attributes {names}."


def schema() -> str:
    """Return the parts of report.json with their fields."""
    content = json.loads(_SCHEMA.read_text(encoding="utf-8"))
    return "\n\n".join([_keys("The file", content), *map("\n\n".join, [_definitions(content)])])


def _definitions(content: Mapping[str, Any]) -> Iterator[str]:
    for name, part in content.get("$defs", {}).items():
        if "properties" in part:
            yield _keys(name, part)


def _keys(title: str, part: Mapping[str, Any]) -> str:
    rows = [
        f"| `{key}` | {_type(value)} | {_cell(value.get('description', ''))} |"
        for key, value in part.get("properties", {}).items()
    ]
    words = part.get("description", "")
    return f"## {title}\n\n{words}\n\n| key | type | meaning |\n|---|---|---|\n" + "\n".join(rows)


def _type(value: Mapping[str, Any]) -> str:
    if "$ref" in value:
        return str(value["$ref"]).rpartition("/")[2]
    if "anyOf" in value:
        return " or ".join(_type(one) for one in value["anyOf"])
    if "discriminator" in value or "oneOf" in value:
        return "one of those below"
    if "prefixItems" in value:
        return f"{len(value['prefixItems'])} of {_type(value['prefixItems'][0])}"
    if value.get("type") == "array":
        return f"list of {_type(value.get('items', {}))}"
    return str(value.get("type", value.get("const", "any")))


def _cell(text: str) -> str:
    shown = " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;")
    return shown.replace("][", "]\\[")  # no reference to another page


GENERATED: Mapping[str, Callable[[], str]] = {
    "settings": settings,
    "commands": commands,
    "candidates": candidates,
    "events": events,
    "schema": schema,
}
