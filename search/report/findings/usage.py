"""How is the model used?"""

from collections.abc import Iterator
from typing import Self, final

from search.command_lines import command_line
from search.evaluation.description import fitted_words
from search.report.blocks import Block, Code, Links, Paragraph
from search.report.evidence import Evidence
from search.report.finding import USE, Finding, Unlisted

_MODEL = "../model"  # from the report's folder
_FILES = {
    "model and its card": f"{_MODEL}/",
    "figures (PDF, PNG, CSV)": "./",
    "report.md": "report.md",
    "report.json": "report.json",
    "trials.csv": "trials.csv",
    "recipe.toml": "recipe.toml",
}


@final
class Usage(Finding):
    """How the exported model is used, and what lies next to the report."""

    key = "usage"
    section = USE

    command: str
    """The command that classifies an image, from the report's folder."""
    python: str
    """The same in Python."""
    files: dict[str, str]
    """Files and folders by what they are, relative to the report's folder."""
    fitted: Unlisted[str] = ""  # what is done to images of another size

    @classmethod
    def of(cls, evidence: Evidence) -> Self | None:
        """Say how to use it; None until there is a tested model."""
        if evidence.record.test is None:
            return None
        tested = evidence.record.tested_ensemble()
        ensemble = {} if tested is None else {"ensemble": "../ensemble/"}
        return cls(
            command=command_line("predict", _MODEL, "photo.jpg"),
            python=(
                f'import search\n\nmodel = search.load_model("{_MODEL}")\n'
                'print(model.predict(["photo.jpg"]))'
            ),
            files=_FILES | ensemble,
            fitted=fitted_words(evidence.record.recipe.resize, evidence.record.dataset.image_shape),
        )

    def blocks(self) -> Iterator[Block]:
        yield Paragraph(
            "In the folder of this report, with cifar-search installed (pip install -e . in its "
            "source folder), on the command line or in Python:"
        )
        yield Code(self.command, "sh")
        yield Code(self.python, "python")
        yield Paragraph(
            "The command names each image’s likeliest classes with their probabilities, Python the "
            f"likeliest class. Images of another size are {self.fitted}, as in training.",
            "quiet",
        )
        yield Links(tuple(self.files.items()))
