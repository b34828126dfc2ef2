"""All that the analysis shows of a dataset. Pure, once the images are there."""

from typing import NamedTuple

import torch

from search.data.dataset import DatasetInfo, TrainSplit
from search.data.original import is_cifar10_copy
from search.data.splits import reported_holdout
from search.data.statistics import ChannelStatistics, channel_histograms
from search.errors import UserError
from search.reference.info_channels import ChannelsInfo, channels_info
from search.reference.info_samples import SamplesInfo, samples_info
from search.reference.info_table import Table, mean_std_table


class AnalysisInfo(NamedTuple):
    """What `n_images` training images of the dataset look like; `name` begins the files' names."""

    dataset: DatasetInfo
    name: str
    n_images: int
    samples: SamplesInfo
    channels: ChannelsInfo
    table: Table


def analysis_info(dataset: DatasetInfo, split: TrainSplit) -> AnalysisInfo:
    """Return the analysis of the training part of the report's split; no other image is read.

    Raises UserError for a dataset too small to be split so.
    """
    indices = _training_part(dataset, split)
    histograms = channel_histograms(split.images, indices)
    return AnalysisInfo(
        dataset=dataset,
        name="cifar10" if is_cifar10_copy(dataset) else dataset.name,
        n_images=len(indices),
        samples=samples_info(split, indices, dataset.class_names),
        channels=channels_info(histograms),
        table=mean_std_table(ChannelStatistics.from_histograms(histograms)),
    )


def _training_part(dataset: DatasetInfo, split: TrainSplit) -> torch.Tensor:
    try:
        (fold,) = reported_holdout(split.labels.numpy())
    except UserError as error:
        raise UserError(
            f"dataset: {dataset.name!r} is too small for the report's split: {error}"
        ) from error
    return torch.from_numpy(fold.train)
