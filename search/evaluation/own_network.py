"""Networks of a user's own: exporting them needs the code that is stored with the study."""

import json
from pathlib import Path

from search.errors import UserError, describe_error
from search.evaluation.code import NetworkCode, literal
from search.tuning.records import StudyRecord
from spaces import Candidate
from spaces.families import FamilySource, StoredNetwork

_SPACE = '''\
"""{title}, as a space of one point; above that, the file of the study's space."""

{code}

from spaces import Candidate, Space

CANDIDATE = Candidate.from_json({candidate}, {space}.families)

SPACE = Space({name}, lambda _: CANDIDATE, baseline_params={{}}, families={space}.families)
'''
_SCRIPT = """\
# The file of the study's space, which defines the network; it needs the package cifar-search.
from spaces.families import FamilySource  # noqa: E402
from spaces.candidate import load_candidate  # noqa: E402

SOURCE = FamilySource(
    files=(
{files}
    ),
    space={space},
)
CANDIDATE = {candidate}"""


def family_source(record: StudyRecord) -> FamilySource:
    """Return the code of the study's space.

    Raises:
        UserError: None is stored.
    """
    file, _, name = record.recipe.space.rpartition(":")
    if record.space_code is None or not file:
        raise UserError(f"trial: study {record.name!r} has not stored the code of its network")
    helpers = (record.helper_code or {}).get("space", {})
    return FamilySource(((Path(file).name, record.space_code), *helpers.items()), name)


def with_own_network(candidate: Candidate, record: StudyRecord) -> Candidate:
    """Return the candidate with a network that can be built; this may run the study's code.

    Raises:
        UserError: The code fails.
    """
    if not isinstance(candidate.model, StoredNetwork):
        return candidate
    source = family_source(record)
    try:
        return candidate.with_families(source.load())
    except Exception as error:
        raise UserError(
            f"trial: the stored code of space {record.recipe.space!r} fails: "
            f"{describe_error(error)}"
        ) from error


def own_space_files(
    candidate: Candidate, record: StudyRecord, path: Path, name: str, title: str
) -> dict[Path, str]:
    """Return the files of a space of one point, whose network is the user's own.

    Args:
        candidate: The point's candidate.
        record: Its study.
        path: The space's future file; what it imports goes into the same folder.
        name: The space's name.
        title: The file's first words.
    """
    source = family_source(record)
    (_, code), *helpers = source.files
    text = _SPACE.format(
        title=title,
        code=code,
        candidate=literal(candidate.model_dump_json()),
        space=source.space,
        name=literal(name),
    )
    return {path: text} | {path.parent / file: f"{helper}\n" for file, helper in helpers}


def own_network_code(
    candidate: Candidate, record: StudyRecord, shape: tuple[int, int, int], n_classes: int
) -> NetworkCode:
    """Return code that makes the network by the study's own code, which it contains."""
    source = family_source(record)
    files = "\n".join(f"        ({literal(file)}, {_lines(text)})," for file, text in source.files)
    text = candidate.model_dump_json()
    definition = _SCRIPT.format(
        files=files, space=literal(source.space), candidate=_lines(json.dumps(json.loads(text)))
    )
    call = f"load_candidate(CANDIDATE, SOURCE).model.build({shape!r}, {n_classes})"
    return NetworkCode(call, definition, "torch and cifar-search")


def _lines(text: str) -> str:
    """Return the literal of a text, one line of it a line."""
    lines = text.splitlines(keepends=True)
    if len(lines) < 2:
        return literal(text)
    return "(\n" + "\n".join(f"            {literal(line)}" for line in lines) + "\n        )"
