"""How often each channel takes each intensity. Pure."""

from typing import NamedTuple

from torch import Tensor

_STEEP = 20.0


class ChannelsInfo(NamedTuple):
    """`shares[c][v]` of the pixels have the value v in channel c; red, green, blue; 0 to 255.

    `alike`: the channels are the same, as in grey images. `is_steep`: one value is so much more
    frequent than the others that only a logarithmic axis shows them all.
    """

    shares: tuple[tuple[float, ...], ...]
    alike: bool
    is_steep: bool


def channels_info(histograms: Tensor) -> ChannelsInfo:
    """Return the shares of int64 (3, 256) counts, none of whose channels is empty."""
    shares = (histograms.double() / histograms.sum(dim=1, keepdim=True)).tolist()
    return ChannelsInfo(
        shares=tuple(tuple(channel) for channel in shares),
        alike=bool((histograms == histograms[0]).all()),
        is_steep=bool(histograms.max() > _STEEP * histograms[histograms > 0].double().median()),
    )
