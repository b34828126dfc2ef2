"""A candidate as a space of one point, in Python. Pure."""

from search.evaluation.code import class_names, constructor, literal
from spaces import Candidate

_TEMPLATE = '''\
"""{title}, as a space of one point."""

from spaces import {names}

CANDIDATE = {candidate}

SPACE = Space({space}, lambda _: CANDIDATE, baseline_params={{}})
'''


def space_file(candidate: Candidate, name: str, title: str) -> str:
    """Return Python code whose SPACE, of that name, holds the candidate and nothing else."""
    return _TEMPLATE.format(
        title=title,
        names=", ".join(sorted({*class_names(candidate), "Space"}, key=str.lower)),
        candidate=constructor(candidate),
        space=literal(name),
    )
