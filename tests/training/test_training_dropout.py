"""Dropout with cheap masks: the distribution and the gradients of torch's own."""

import pytest
import torch
from torch import nn

from search.training.fused import FastDropout, random_words
from tests.training.training_plain import PlainDropout

N = 200_000


def dropped(layer: nn.Dropout | nn.Dropout2d, inputs: torch.Tensor, seed: int = 0) -> torch.Tensor:
    with torch.random.fork_rng([]):
        torch.manual_seed(seed)
        outputs: torch.Tensor = FastDropout(layer).train()(inputs)
    return outputs


@pytest.mark.parametrize("rate", [0.1, 0.4, 0.9])
def test_the_rate_and_the_scale_are_those_of_dropout(rate: float) -> None:
    """A share of `rate` is zeroed, to four deviations, and the rest scaled by 1 / (1 - rate)."""
    found = dropped(nn.Dropout(rate), torch.ones(N))
    assert float((found == 0).double().mean()) == pytest.approx(
        rate, abs=4 * (rate * (1 - rate) / N) ** 0.5
    )
    kept = found[found != 0]
    torch.testing.assert_close(kept, torch.full_like(kept, 1 / (1 - rate)), rtol=1e-4, atol=0)


def test_neighbours_are_dropped_independently() -> None:
    """The four values that share a draw are zeroed together as often as chance has it."""
    zero = (dropped(nn.Dropout(0.5), torch.ones(N)) == 0).view(-1, 4).double()
    correlation = torch.corrcoef(zero.T) - torch.eye(4)
    assert float(correlation.abs().max()) < 4 / (N / 4) ** 0.5


def test_words_cover_all_values_evenly() -> None:
    """Each bit of a 16-bit number is set half of the time, the sign included."""
    with torch.random.fork_rng([]):
        torch.manual_seed(0)
        words = random_words(N + 3)
    assert len(words) == N + 3
    bits = (words.int()[:, None] >> torch.arange(16)) & 1
    assert float((bits.double().mean(0) - 0.5).abs().max()) < 4 * 0.5 / N**0.5


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_whole_channels_are_dropped(dtype: torch.dtype) -> None:
    """Dropout2d zeroes or keeps each channel of each image as a whole; layout and dtype stay."""
    inputs = torch.ones(40, 10, 3, 5, dtype=dtype).to(memory_format=torch.channels_last)
    found = dropped(nn.Dropout2d(0.5), inputs)
    assert found.dtype == dtype
    assert found.is_contiguous(memory_format=torch.channels_last)
    zeros = (found == 0).sum((2, 3))
    assert set(zeros.flatten().tolist()) == {0, 15}


@pytest.mark.parametrize("layer", [nn.Dropout(0.3), nn.Dropout2d(0.3)])
def test_outputs_and_gradients_are_those_of_the_formula(layer: nn.Module) -> None:
    """With the same seed it does what dropout written out does, forwards and backwards."""
    assert isinstance(layer, (nn.Dropout, nn.Dropout2d))
    results = []
    for module in (FastDropout(layer), PlainDropout(layer)):
        inputs = torch.linspace(-1, 1, 6 * 5 * 3 * 3).view(6, 5, 3, 3).requires_grad_()
        with torch.random.fork_rng([]):
            torch.manual_seed(1)
            outputs = module.train()(inputs)
        outputs.square().sum().backward()
        results.append((outputs.detach(), inputs.grad))
    torch.testing.assert_close(results[0], results[1], rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("rate", [0.0, 1e-9, 1.0])
def test_rates_that_need_no_mask_do_as_the_layer_does(rate: float) -> None:
    """A rate of (next to) 0 keeps everything, one of 1 nothing."""
    inputs = torch.rand(4, 5, generator=torch.Generator().manual_seed(0)) + 1
    torch.testing.assert_close(dropped(nn.Dropout(rate), inputs), inputs * (rate < 1))


def test_evaluation_changes_and_draws_nothing() -> None:
    """Outside training the inputs come back and the generator rests."""
    inputs, before = torch.rand(4, 5), torch.get_rng_state()
    assert torch.equal(FastDropout(nn.Dropout(0.5)).eval()(inputs), inputs)
    assert torch.equal(torch.get_rng_state(), before)
