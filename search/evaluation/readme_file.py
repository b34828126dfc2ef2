"""The model card's file: renewed from the study, with what people added to it kept."""

from search.durable import whole_file
from search.evaluation.model_readme import HEAD, model_readme
from search.paths import ModelPaths, RunPaths
from search.tuning.records import StudyRecord

_BEGIN = "<!-- written by cifar-search: what stands up to the end mark is renewed -->"
_END = "<!-- end: what stands below, and above the first mark, is kept -->"


def write_model_readme(
    record: StudyRecord, paths: RunPaths, baseline: StudyRecord | None = None
) -> None:
    """Write the card beside the study's exported model; nothing where there is no such model yet.

    What stands outside the marks is kept, and a card without marks is somebody's own: it stays as
    it is. Raises OSError.
    """
    model = ModelPaths(paths.model_dir)
    if record.test is None or not model.card.is_file():
        return
    before = _read(model)
    text = renewed(before, model_readme(record, baseline))
    if text != before:
        with whole_file(model.readme) as file:
            file.write(text.encode(errors="surrogateescape"))


def renewed(before: str | None, card: str) -> str:
    """Return the file's text with the card anew; `before` None means that there is no file."""
    own = f"{_BEGIN}\n\n{card}\n{_END}"
    if before is None:
        return f"{HEAD}\n{own}\n"
    above, begin, rest = before.partition(_BEGIN)
    _, end, below = rest.partition(_END)
    return f"{above}{own}{below}" if begin and end else before


def _read(model: ModelPaths) -> str | None:
    if not model.readme.is_file():
        return None
    return model.readme.read_bytes().decode(errors="surrogateescape")  # people write what they like
