"""A torchvision classifier without its last layer; exported scripts contain the source."""

import re
from collections.abc import Mapping
from typing import Any, Self, final

import torch
from torch import Tensor, nn


@final
class Backbone(nn.Module):
    """A classifier of torchvision up to its last layer: images to `width` features.

    A frozen one stays in evaluation mode, learns nothing and computes no gradients. The
    dropout that torchvision has in front of the last layer is left out.
    """

    def __init__(self, name: str, *, frozen: bool) -> None:
        """Build torchvision's network of that name, with random weights."""
        super().__init__()
        self.name = name
        self.frozen = frozen
        self.network = self._build(name)
        kinds, modules = (nn.Linear, nn.Conv2d), self.network.named_modules()
        found = {path: one for path, one in modules if isinstance(one, kinds)}
        path, last = list(found.items())[-1]
        self.width = last.weight.shape[1]
        self.network.set_submodule(path, nn.Identity())
        for sibling in self.network.get_submodule(path.rpartition(".")[0]).children():
            if isinstance(sibling, nn.Dropout):
                sibling.p = 0.0
        if frozen:
            self.requires_grad_(requires_grad=False)

    @staticmethod
    def _build(name: str) -> nn.Module:
        from torchvision import models  # noqa: PLC0415 - slow to import

        settings: dict[str, bool] = {}
        if name in ("googlenet", "inception_v3"):  # as with their published weights
            settings = {
                "aux_logits": False,
                "transform_input": True,
                "init_weights": False,
            }
        target = torch.empty(0).device
        if not name.startswith("regnet") or target.type != "meta":
            network: nn.Module = models.get_model(name, weights=None, **settings)
            return network
        with torch.random.fork_rng(devices=[]), torch.device("cpu"):
            # it computes its widths by tensors, which need values
            return models.get_model(name, weights=None).to(target)  # type: ignore[no-any-return]

    def train(self, mode: bool = True) -> Self:  # noqa: FBT001, FBT002 - as in torch
        """Set the mode, in which a frozen network does not take part."""
        super().train(mode)
        self.network.train(mode and not self.frozen)
        return self

    def forward(self, images: Tensor) -> Tensor:
        """Return features (N, width) of images (N, 3, H, W)."""
        if self.frozen and self.training:
            with torch.no_grad():
                features: Tensor = self.network(images)
        else:
            features = self.network(images)
        return features

    def load(self, state: Mapping[str, Any]) -> None:
        """Take over the weights of a state dict of torchvision, but for the last layer.

        Raises ValueError, naming one of them, if some are missing or of another shape.
        """
        for key in ("state_dict", "model_state_dict", "model"):  # of a checkpoint
            state = state.get(key, state)
        given = {self._published_name(name): value for name, value in state.items()}
        with torch.no_grad():
            for name, own in self.network.state_dict().items():
                value = given.get(name)
                if value is None and name.endswith("num_batches_tracked"):
                    continue  # old versions of torch did not count
                if value is None:
                    raise ValueError(f"{name} of {self.name} is missing")
                shape, needed = tuple(getattr(value, "shape", ())), tuple(own.shape)
                if shape != needed:
                    what = f"{name} of {self.name}"
                    raise ValueError(f"{what} must have shape {needed}, it has {shape}")
                own.copy_(value)

    @staticmethod
    def _published_name(name: str) -> str:
        """Return a weight's name in torchvision; old DenseNets have others."""
        dense = r"(denselayer\d+\.(?:norm|relu|conv))\.([12])\."
        return re.sub(dense, r"\1\2.", name.removeprefix("module."))
