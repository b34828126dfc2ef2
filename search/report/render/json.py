"""Findings as report.json: what the page says, for other programs; and its schema. Pure.

Fractions and seconds are plain numbers, every digit kept; what is not there (yet), or not a finite
number, is null. Paths of the machine are left out. `format` is raised whenever a field is removed
or changes its meaning; added fields do not change it.
"""

import json
from collections.abc import Iterable
from typing import Any, Literal

from pydantic import Field, create_model

from search.report.finding import Finding, ReportPart
from search.report.findings import FINDINGS


def report_model() -> type[ReportPart]:
    """The type of report.json: the format, and a field for each finding with values of its own."""
    fields: dict[str, Any] = {
        "format": (Literal[1], Field(description="The version of this format.")),
        **{
            one.key: (one.part_type(), Field(description=_first_line(one)))
            for one in FINDINGS
            if "." not in one.key
        },
    }
    return create_model("Report", __base__=ReportPart, __doc__="All findings of a study.", **fields)


def report_json(findings: Iterable[Finding]) -> str:
    """Write report.json."""
    values: dict[str, Any] = {one.key: one.absent() for one in FINDINGS if "." not in one.key}
    values |= {one.key: one.part() for one in findings if one.key in values}
    report = report_model()(format=1, **values)
    return report.model_dump_json(indent=2) + "\n"


def report_schema() -> str:
    """Write report.schema.json, the JSON Schema (2020-12) of report.json."""
    schema = report_model().model_json_schema(mode="serialization")
    return json.dumps(schema, indent=2) + "\n"


def _first_line(finding: type[Finding]) -> str:
    return (finding.__doc__ or "").partition("\n")[0]
