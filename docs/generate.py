"""Parts of the reference that are made from the code: a hook of MkDocs.

A page has a line `<!-- generated: NAME -->`; the hook puts what the function of that name returns
in its place, whenever the site is built.
"""

import inspect
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

import typer

from search.cli.app import build_app
from search.cli.setting_options import setting_help, setting_section
from search.command_lines import option_names
from search.recipe import Recipe
from search.tuning.run_events import EVENTS

_MARK = re.compile(r"<!-- generated: ([a-z]+) -->")
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
    if value.get("type") == "array":
        return f"list of {_type(value.get('items', {}))}"
    return str(value.get("type", value.get("const", "any")))


def _cell(text: str) -> str:
    shown = " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;")
    return shown.replace("][", "]\\[")  # no reference to another page


GENERATED: Mapping[str, Callable[[], str]] = {
    "settings": settings,
    "commands": commands,
    "events": events,
    "schema": schema,
}
