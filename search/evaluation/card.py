"""model.json: what an exported model is."""

from typing import Annotated, Literal, Self, final

from pydantic import BaseModel, ConfigDict, Field, PositiveFloat, model_validator

from search.data.dataset import DatasetInfo
from search.data.folder import MAX_SIDE
from search.data.statistics import ChannelStatistics
from spaces import Candidate

Side = Annotated[int, Field(ge=1, le=MAX_SIDE)]


@final
class ModelCard(BaseModel):
    """model.json: what is needed to rebuild the network and to prepare an image for it.

    `input_shape` is (channels, height, width); `mean` and `std` are per channel, in 0..255.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    format: Literal[1] = 1
    candidate: Candidate
    class_names: tuple[str, ...]
    input_shape: tuple[Literal[3], Side, Side]
    mean: tuple[float, ...]
    std: tuple[PositiveFloat, ...]
    study: str
    trial: int

    @classmethod
    def describe(
        cls,
        candidate: Candidate,
        dataset: DatasetInfo,
        statistics: ChannelStatistics,
        study: str,
        trial: int,
    ) -> Self:
        """Return the card of a trial's network, whose images `statistics` normalised."""
        return cls(
            candidate=candidate,
            class_names=dataset.class_names,
            input_shape=dataset.image_shape,
            mean=statistics.mean,
            std=statistics.safe_std,
            study=study,
            trial=trial,
        )

    @model_validator(mode="after")
    def _check_channels(self) -> Self:
        channels = self.input_shape[0]
        if not len(self.mean) == len(self.std) == channels:
            raise ValueError(f"mean and std need one value for each of the {channels} channels")
        return self

    @model_validator(mode="after")
    def _check_names(self) -> Self:
        if len(set(self.class_names)) < len(self.class_names):
            raise ValueError("class_names must differ from one another")
        if not all(name.isprintable() for name in self.class_names):
            raise ValueError("class_names must be printable")
        return self
