"""What a worker's parent says of inputs: lines ``NAME VALUE``, in order."""

from __future__ import annotations

import mmap

from rprocfs.engines.input_page import InputPage
from rprocfs.engines.unicorn.ports import Socket

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from rprocfs.hw.inputs import Input


class InputPort(Socket):
    """The socket, which drives *inputs* between two slices."""

    received: bytearray

    def __init__(self, fd: int, inputs: Mapping[str, Input]) -> None:
        super().__init__(fd)
        self.received = bytearray()  # always empty: a line is acted on as it comes
        self._inputs = inputs
        self._begun = b""

    def _take(self, data: bytes) -> None:
        *lines, self._begun = (self._begun + data).split(b"\n")
        for line in lines:
            name, value = line.decode().rsplit(" ", 1)
            self._inputs[name].drive(int(value))


def follow(fd: int, inputs: Mapping[str, Input]) -> None:
    """Share the state of *inputs* by the memfd *fd*; -1: there is none."""
    if fd >= 0:
        InputPage(inputs, memoryview(mmap.mmap(fd, 0))).follow(inputs)
