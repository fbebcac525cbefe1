"""The request multiplexer of DMA1 and DMA2 (RM0436 chapter 18)."""

from __future__ import annotations

from rprocfs.hw.peripherals import Words

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

DMAREQ_ID = 0x7F


class Request:
    """A request line: *asks* whether the peripheral wants an item; *done*: the last one came."""

    __slots__ = ("asks", "done")

    def __init__(self, asks: Callable[[], bool], done: Callable[[], None] = lambda: None) -> None:
        self.asks = asks
        self.done = done


class Dmamux(Words):
    """CxCR.DMAREQ_ID says which request a channel of the controllers serves."""

    def __init__(self) -> None:
        super().__init__()
        self._requests: dict[int, Request] = {}

    def connect(self, numbers: Sequence[int], requests: Sequence[Request]) -> None:
        """The request lines of a peripheral, by their numbers."""
        self._requests.update(zip(numbers, requests, strict=True))

    def _request(self, channel: int) -> Request | None:
        return self._requests.get(self.words.get(4 * channel, 0) & DMAREQ_ID)

    def asks(self, channel: int) -> bool:
        """Whether the peripheral of *channel* wants an item."""
        request = self._request(channel)
        return request is not None and request.asks()

    def done(self, channel: int) -> None:
        """The last item of *channel* was moved."""
        request = self._request(channel)
        if request is not None:
            request.done()
