"""``inputs``: what the outside of a SoC decides, as files -- not in the kernel.

They stand below the processor's directory in debugfs, as ``console`` does beside ``state``, and are
made as those of gpio-mockup are::

    $ cd /sys/kernel/debug/remoteproc/remoteproc0/inputs
    $ echo 1 > GPIOA/14
    $ cat GPIOH/7

- A read says the level that can be seen there: of a pin that the firmware drives, the firmware's.
- A write drives the pin, the channel, or the input of a device, from now on and across boots.
  EINVAL or ERANGE for a value that it cannot have; EAGAIN while the core does not look.

At first the outside drives nothing: a pin has the level of its pull resistor.
"""

from __future__ import annotations

import errno
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from rprocfs.engines.input_page import InputPage
from rprocfs.engines.memory import SharedRam
from rprocfs.fs.debugfs import DebugfsFile
from rprocfs.fs.kernfs import Dir, error
from rprocfs.lib.kstrtox import kstrtoint

if TYPE_CHECKING:
    from rprocfs.hw.inputs import Input


class _Range(NamedTuple):
    """What is known of an input outside of the worker. The model stays in there."""

    low: int
    high: int
    level: int


class Inputs:
    """The *inputs* of a core, of which there is one at least.

    *send* passes a line on to the worker: how many bytes were taken, None if there is none.
    """

    def __init__(self, inputs: Mapping[str, Input], send: Callable[[bytes], int | None]) -> None:
        self._inputs = {name: _Range(one.low, one.high, one.level) for name, one in inputs.items()}
        self._send = send
        self._decided: dict[str, int] = {}  # as the page has it, but out of a worker's reach
        self.memory = SharedRam(0, InputPage.size(len(inputs)), "rproc-inputs")
        self._page = InputPage(inputs, self.memory.view)
        self.reset()

    def reset(self) -> None:
        """The core does not run: what can be seen is what the outside drives."""
        for name, one in self._inputs.items():
            decided = self._decided.get(name)
            self._page.decide(name, decided)
            self._page.writer(name)(one.level if decided is None else decided)

    def add_files(self, top: Dir) -> None:
        """A file for each, in directories by the parts of their names."""
        directories = {"": top}
        for name, one in self._inputs.items():
            *path, last = name.split("/")
            where = ""
            for part in path:
                above, where = where, f"{where}/{part}"
                if where not in directories:
                    directories[where] = directories[above].add(part, Dir())
            store = partial(self._store, name, one)
            directories[where].add(last, DebugfsFile(partial(self._show, name), store))

    def _show(self, name: str) -> bytes:
        return f"{self._page.level(name)}\n".encode()

    def _store(self, name: str, one: _Range, data: bytes) -> None:
        value = kstrtoint(data)
        if not one.low <= value <= one.high:
            raise error(errno.EINVAL)
        self._page.decide(name, value)  # first: a worker that starts now must find it
        sent = self._send(f"{name} {value}\n".encode())
        if sent == 0:
            self._page.decide(name, self._decided.get(name))
            raise error(errno.EAGAIN)
        self._decided[name] = value
        if sent is None:
            self._page.writer(name)(value)

    def close(self) -> None:
        """Give the memory back."""
        del self._page, self._send
        with suppress(BufferError):  # a file is being read: the mapping goes with it
            self.memory.close()
