"""Events of a remote job may be lost, doubled, late, or of an attempt that is over."""

from hypothesis import given
from hypothesis import strategies as st

from search.executors.base import FoldEpochs
from search.executors.cluster.messages import (
    Answer,
    RemoteChannel,
    dump_epoch,
    make_message,
)
from search.training.history import FoldEpoch


def _epoch(number: int) -> FoldEpochs:
    return (FoldEpoch(1 / 3, 0.1, number / 7, None, 1e-3, 0.5),)


_N_EPOCHS = 5
_RECORD = tuple(dump_epoch(_epoch(number)) for number in range(_N_EPOCHS))
_MESSAGES = [make_message("now", i + 1, epoch) for i, epoch in enumerate(_RECORD)]
_STALE = [make_message("before", i + 1, dump_epoch(_epoch(99))) for i in range(_N_EPOCHS)]


def _channel() -> RemoteChannel:
    channel = RemoteChannel()
    channel.open("now", "host", lambda: None)
    return channel


@given(st.lists(st.sampled_from([*_MESSAGES, *_STALE])), st.integers(0, 20))
def test_whatever_arrives_the_epochs_are_right(events: list[dict[str, object]], read: int) -> None:
    """Each epoch once, in order and exact, whichever events come and however they are read."""
    channel, received = _channel(), list[FoldEpochs]()
    for i, event in enumerate(events):
        channel.accept(event)
        if i == read:
            received += channel.receive()
    received += channel.receive()
    assert received == [_epoch(number) for number in range(len(received))]
    channel.complete(_RECORD)
    received += channel.receive()
    assert received == [_epoch(number) for number in range(_N_EPOCHS)]


def test_events_in_order_arrive_at_once() -> None:
    """The record is only needed where one was lost."""
    channel = _channel()
    channel.accept(_MESSAGES[0])
    channel.accept(_MESSAGES[1])
    channel.accept(_MESSAGES[3])
    assert channel.receive() == [_epoch(0), _epoch(1)]


def test_an_answer_is_sent_once() -> None:
    """The sender is woken by each new answer, and takes the latest."""
    woken: list[int] = []
    channel = RemoteChannel()
    channel.open("now", "host", lambda: woken.append(1))
    assert channel.take_answer() is None
    channel.answer(1, stop=False)
    channel.answer(1, stop=False)
    channel.answer(2, stop=True)
    assert len(woken) == 2
    assert channel.take_answer() == Answer(2, stop=True)
    assert channel.take_answer() is None


def test_an_answer_before_the_start_is_kept() -> None:
    """A job that is stopped while it waits for a worker learns of it there."""
    channel = RemoteChannel()
    channel.answer(0, stop=True)
    channel.open("now", "host", lambda: None)
    assert channel.take_answer() == Answer(0, stop=True)
