"""From a classifier to the bytes of an ONNX model, self-contained."""

import json
from typing import Any, final

import torch
from torch import nn

from search.data.statistics import ChannelStatistics
from search.errors import MachineError
from search.evaluation.card import ModelCard
from search.evaluation.classifier import ImageClassifier
from search.training.evaluation import Normalizer, as_used

INPUT, OUTPUT = "images", "probabilities"


@final
class _WholeNetwork(nn.Module):
    """From uint8 images to probabilities: what a classifier does, as one module."""

    def __init__(self, classifier: ImageClassifier) -> None:
        super().__init__()
        card = classifier.card
        self._normalize = Normalizer(ChannelStatistics(card.mean, card.std), "cpu")
        self._network = as_used(classifier.network, card.candidate)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return probabilities (N, classes), float32, of uint8 images (N, C, H, W)."""
        logits: torch.Tensor = self._network(self._normalize(images))
        return logits.softmax(1)


def to_onnx(classifier: ImageClassifier) -> bytes:
    """Return the model: uint8 "images" (N, C, H, W) in, float32 "probabilities" (N, classes) out.

    N is free. Normalisation, softmax and, where the candidate asks for it, the average with the
    mirror image are inside. Raises MachineError where torch cannot export the network.
    """
    images = torch.zeros((2, *classifier.card.input_shape), dtype=torch.uint8)
    program = torch.onnx.export(
        _WholeNetwork(classifier).eval(),
        (images,),
        input_names=[INPUT],
        output_names=[OUTPUT],
        dynamic_shapes=({0: torch.export.Dim("batch")},),
        dynamo=True,
        verbose=False,
    )
    if program is None:
        raise MachineError("torch exported no ONNX model; the model folder is as it was")
    model = program.model_proto
    _strip(model)
    for key, value in describe_use(classifier.card).items():
        model.metadata_props.add(key=key, value=value)
    content: bytes = model.SerializeToString()
    return content


def describe_use(card: ModelCard) -> dict[str, str]:
    """Return the model's metadata: what goes in, what comes out, and where it is from."""
    _, height, width = card.input_shape
    return {
        "class_names": json.dumps(card.class_names, ensure_ascii=False),
        "input": f"{INPUT}: uint8 (N, 3, {height}, {width}), RGB, 0 to 255, resized",
        "output": f"{OUTPUT}: float32 (N, {len(card.class_names)}), in the order of class_names",
        "study": card.study,
        "trial": str(card.trial),
    }


def _strip(model: Any) -> None:
    """Remove what torch notes of its export, such as stack traces with this machine's paths."""
    graph = model.graph
    noted = (graph.node, graph.input, graph.output, graph.value_info, graph.initializer)
    for one in (model, graph, *(value for values in noted for value in values)):
        one.ClearField("metadata_props")
        one.ClearField("doc_string")
