"""Export of a model as a self-contained ONNX file, checked against torch."""

import json
import warnings
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, final

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from search.errors import MachineError, UserError
from search.evaluation.classifier import Classifier
from search.evaluation.ensemble import load_classifier
from search.evaluation.test_results import load_images
from search.files import machine_failures, write_file
from search.paths import RunPaths

INPUT, OUTPUT = "images", "probabilities"


@final
class _Probabilities(nn.Module):
    """A classifier as one module, from uint8 images to probabilities."""

    def __init__(self, classifier: Classifier) -> None:
        super().__init__()
        self._network = classifier.to_module()

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return probabilities (N, classes), float32, of uint8 images (N, C, H, W)."""
        logits: torch.Tensor = self._network(images)
        return logits.softmax(1)


def to_onnx(classifier: Classifier) -> bytes:
    """Return an ONNX model from "images" to "probabilities".

    Images are uint8 (N, C, H, W) with any N, probabilities float32 (N, classes). The model
    includes normalization, softmax and, if the candidate has it, test-time augmentation.

    Raises:
        MachineError: torch cannot export the network.
    """
    images = torch.zeros((2, *classifier.input_shape), dtype=torch.uint8)
    with warnings.catch_warnings():
        # Old versions of torch warn about a class that they use themselves.
        warnings.simplefilter("ignore", FutureWarning)
        program = torch.onnx.export(
            _Probabilities(classifier).eval(),
            (images,),
            input_names=[INPUT],
            output_names=[OUTPUT],
            dynamic_shapes=({0: torch.export.Dim("batch")},),
            dynamo=True,
            verbose=False,
        )
    if program is None:
        raise MachineError("torch exported no ONNX model; the model folder is unchanged")
    model = program.model_proto
    _strip(model)
    for key, value in describe_use(classifier).items():
        model.metadata_props.add(key=key, value=value)
    content: bytes = model.SerializeToString()
    return content


def describe_use(classifier: Classifier) -> dict[str, str]:
    """Return the model's metadata: its input, output, study and trial."""
    _, height, width = classifier.input_shape
    names = list(classifier.class_names)
    return {
        "class_names": json.dumps(names, ensure_ascii=False),
        "input": f"{INPUT}: uint8 (N, 3, {height}, {width}), RGB, 0 to 255, resized",
        "output": f"{OUTPUT}: float32 (N, {len(names)}), in the order of class_names",
        **classifier.origin(),
    }


def _strip(model: Any) -> None:
    """Remove what torch records of the export, such as stack traces with local paths."""
    graph = model.graph
    noted = (graph.node, graph.input, graph.output, graph.value_info, graph.initializer)
    for one in (model, graph, *(value for values in noted for value in values)):
        one.ClearField("metadata_props")
        one.ClearField("doc_string")


_PACKAGES = ("onnx", "onnxscript", "onnxruntime")
_MAX_DIFFERENCE = 1e-3  # between probabilities; rounding gives 1e-6
_BATCH = 64
_RANDOM_IMAGES = 64

Images = npt.NDArray[np.uint8]
Probabilities = npt.NDArray[np.float32]


@final
@dataclass(frozen=True)
class OnnxCheck:
    """How the file's outputs compare with torch's.

    Attributes:
        images: What was compared: stored "test images" or, without any, "random images".
        n_images: How many images.
        largest_difference: The largest difference between two probabilities.
        n_agreeing: Images for which both predict the same class.
    """

    images: str
    n_images: int
    largest_difference: float
    n_agreeing: int

    def line(self) -> str:
        """Return the comparison in one line."""
        return (
            f"checked against torch on {self.n_images:,} {self.images}: probabilities differ by "
            f"at most {self.largest_difference:.1e}, same class for {self.n_agreeing:,}"
        )


def export_onnx(model_dir: Path, output: Path, *, trust_code: bool = False) -> OnnxCheck:
    """Export a model folder's network to `output` after checking it against torch.

    The check uses images that were stored when the test set was opened, so it stays closed.
    `trust_code` is that of `load_model`.

    Raises:
        UserError: Packages are missing, or the folder is not a model.
        MachineError: The file cannot be written, or its outputs differ from torch's.
    """
    missing = [name for name in _PACKAGES if find_spec(name) is None]
    if missing:
        raise UserError(f"onnx: {', '.join(missing)} missing: pip install 'cifar-search[onnx]'")
    if output.is_dir():
        raise UserError(f"onnx: {str(output)!r} is a folder; name a file, such as model.onnx")
    classifier = load_classifier(model_dir, trust_code=trust_code)
    content = to_onnx(classifier)
    check = _check(content, classifier, model_dir)
    if check.largest_difference > _MAX_DIFFERENCE:
        raise MachineError(
            f"the ONNX model's outputs differ from torch's, nothing was written: {check.line()}"
        )
    with machine_failures(f"cannot write {output}", "make room there or name another --output"):
        output.parent.mkdir(parents=True, exist_ok=True)
        write_file(output, content)
    return check


def _check(content: bytes, classifier: Classifier, model_dir: Path) -> OnnxCheck:
    kind, images = _images(model_dir, classifier.input_shape)
    ours = classifier.probabilities(torch.from_numpy(images)).numpy()
    return compare(kind, ours, _run(content, images))


def compare(images: str, ours: Probabilities, theirs: Probabilities) -> OnnxCheck:
    """Compare two outputs (N, classes); a value that is not finite differs by infinity."""
    difference = np.nan_to_num(np.abs(ours - theirs), nan=np.inf)
    agreeing = ours.argmax(axis=1) == theirs.argmax(axis=1)
    return OnnxCheck(images, len(ours), float(difference.max()), int(agreeing.sum()))


def _images(model_dir: Path, shape: tuple[int, int, int]) -> tuple[str, Images]:
    """Return the kind of images for the check, and the images, uint8 (N, C, H, W)."""
    study_dir = model_dir.absolute().parent
    paths = RunPaths(study_dir.parent, study_dir.name)
    for path in (paths.test_sample, paths.mistakes):  # older studies only stored the mistakes
        kept = load_images(path)
        if kept is not None and len(kept) and kept.shape[1:] == shape:
            return "test images", kept
    drawn = np.random.default_rng(0).integers(0, 256, (_RANDOM_IMAGES, *shape), dtype=np.uint8)
    return "random images", drawn


def _run(content: bytes, images: Images) -> Probabilities:
    """Return onnxruntime's outputs, computed in batches."""
    import onnxruntime  # noqa: PLC0415 - an optional package

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    runtime = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    parts = [images[start : start + _BATCH] for start in range(0, len(images), _BATCH)]
    return np.concatenate([runtime.run([OUTPUT], {INPUT: part})[0] for part in parts])
