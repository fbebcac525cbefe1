"""What a processor says: the kernel log, its console, its trace buffers, as files of a board."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

#: What came since the last call.
Source = Callable[[], bytes]
SIZE = 1 << 16
_READ = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC
#: How a source may be called: that of a message, of a trace buffer, of the console.
KERNEL, CONSOLE, TRACE = "kernel", "console", "trace"


def records(fd: int) -> Iterator[str]:
    """The texts of those records of ``/dev/kmsg`` that were not read on *fd* yet."""
    with suppress(BlockingIOError):
        while True:
            try:
                record = os.read(fd, 8192).decode("utf-8", "replace")
            except BrokenPipeError:  # some were overwritten: the next read has the oldest
                continue
            yield record.partition(";")[2].partition("\n")[0]


def kernel_log(root: Path, stack: ExitStack) -> Source:
    """All of the board at *root*."""
    fd = _open(root / "dev/kmsg", stack)
    return lambda: "".join(f"{text}\n" for text in records(fd)).encode()


def console(file: Path, stack: ExitStack) -> Source:
    """What nobody read yet."""
    fd = _open(file, stack)

    def more() -> bytes:
        with suppress(BlockingIOError):
            return os.read(fd, SIZE)
        return b""

    return more


def traces(debugfs: Path) -> dict[str, bytes]:
    """Each trace buffer below *debugfs*, the processor's directory there."""
    found = {}
    for file in sorted(debugfs.glob("trace*")):
        with suppress(OSError):  # it stopped meanwhile
            found[file.name] = file.read_bytes()
    return found


class Traces:
    """A source: all trace buffers; one that begins anew is heard from its beginning."""

    def __init__(self, debugfs: Path) -> None:
        self._debugfs = debugfs
        self._before: dict[str, bytes] = {}

    def __call__(self) -> bytes:
        """What came since the last call."""
        now = traces(self._debugfs)
        before, self._before = self._before, now
        return b"".join(text.removeprefix(before.get(name, b"")) for name, text in now.items())

    def forget(self) -> None:
        """The next boot may write the same again."""
        self._before.clear()


def _open(path: Path, stack: ExitStack) -> int:
    fd = os.open(path, _READ)
    stack.callback(os.close, fd)
    return fd
