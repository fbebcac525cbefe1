"""The request multiplexer of DMA1 and DMA2 (RM0436 chapter 18)."""

from __future__ import annotations

from rprocfs.hw.dma import Request
from rprocfs.hw.peripherals import Words

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

DMAREQ_ID = 0x7F


class Dmamux(Words):
    """CxCR.DMAREQ_ID says which request a channel of the controllers serves."""

    def __init__(self) -> None:
        super().__init__()
        self._requests: dict[int, Request] = {}

    def connect(self, numbers: Sequence[int], requests: Sequence[Request]) -> None:
        """The request lines of a peripheral, by their numbers; 0: it leads nowhere."""
        lines = zip(numbers, requests, strict=True)
        self._requests.update((number, request) for number, request in lines if number)

    def _request(self, channel: int) -> Request | None:
        return self._requests.get(self.words.get(4 * channel, 0) & DMAREQ_ID)

    def channel(self, number: int) -> Request:
        """What a stream sees of the request that channel *number* serves, at any time."""

        def asks() -> bool:
            request = self._request(number)
            return request is not None and request.asks()

        def taken() -> None:
            request = self._request(number)
            if request is not None:
                request.taken()

        def done() -> None:
            request = self._request(number)
            if request is not None:
                request.done()

        return Request(asks, done, taken)
