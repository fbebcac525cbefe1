"""What ``rprocfs boot`` reads of a processor: the kernel log, the console, trace buffers."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress

from rprocfs.fs.kernfs import Dir, File, Link
from rprocfs.fs.wait import WouldBlock
from rprocfs.remoteproc.rproc import Rproc
from rprocfs.system import System

#: What came since the last call.
Source = Callable[[], bytes]
SIZE = 1 << 16
#: A line without an end is shown in pieces of that many characters.
LONGEST = 4096


class Said:
    """The complete lines of several sources."""

    def __init__(self, sources: Mapping[str, Source]) -> None:
        self._sources = sources
        self._begun = dict.fromkeys(sources, "")

    def lines(self) -> Iterator[tuple[str, str]]:
        """(source, line) of all that came since the last call."""
        for name, source in self._sources.items():
            text = self._begun[name] + source().decode("utf-8", "replace")
            *whole, rest = text.replace("\r\n", "\n").split("\n")
            while len(rest) > LONGEST:
                whole.append(rest[:LONGEST])
                rest = rest[LONGEST:]
            self._begun[name] = rest
            for line in whole:
                yield name, line


def sources(system: System, rproc: Rproc) -> dict[str, Source]:
    """Those of the processor."""
    found: dict[str, Source] = {"kernel": _kernel_log(system)}
    console = rproc.dir.children.get("console")
    if isinstance(console, File):
        found["console"] = _console(console)
    found["trace"] = _traces(rproc)
    return found


def read_dump(rproc: Rproc) -> bytes:
    """The coredump of a crash that was just handled; b"" while there is none."""
    link = rproc.dir.children.get("devcoredump")
    device = link.target if isinstance(link, Link) else None
    data = device.children.get("data") if isinstance(device, Dir) else None
    return b"" if not isinstance(data, File) else read_file(data)


def read_file(file: File) -> bytes:
    """All of it; b"" if it is gone."""
    data = b""
    with suppress(OSError):
        handle = file.open(os.O_RDONLY)
        try:
            while part := handle.read(SIZE, len(data)):
                data += part
        finally:
            handle.release()
    return data


def _kernel_log(system: System) -> Source:
    seen = 0

    def more() -> bytes:
        nonlocal seen
        new = [record for record in system.model.kmsg.records() if record.seq >= seen]
        if new:
            seen = new[-1].seq + 1
        return "".join(f"{record.text}\n" for record in new).encode("utf-8", "replace")

    return more


def _console(file: File) -> Source:
    handle = file.open(os.O_RDONLY | os.O_NONBLOCK)

    def more() -> bytes:
        try:
            return handle.read(SIZE, 0)
        except WouldBlock:
            return b""

    return more


def _traces(rproc: Rproc) -> Source:
    """All trace buffers; one that begins anew is shown from its beginning."""
    before: dict[str, bytes] = {}

    def more() -> bytes:
        new = b""
        directory = rproc.debug_dir
        children = dict(directory.children) if directory is not None else {}
        for name, file in children.items():
            if name.startswith("trace") and isinstance(file, File):
                text, old = read_file(file), before.get(name, b"")
                new += text.removeprefix(old)
                before[name] = text
        return new

    return more
