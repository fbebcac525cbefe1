"""The registers of a core that died or was halted, on their way from a worker to its parent.

The values are in the order of :class:`~rprocfs.arch.core.Registers`; an empty tuple says
that they are not known.
"""

from __future__ import annotations

import re

#: What the line of a worker that tells its registers begins with; and its end, if that tells the
#: process stack pointer of an Armv7-M core, which is not among them.
TOLD, PSP = "registers ", " psp "
#: What the line with the system registers begins with, which only a debugger asks for.
SYSTEM = "system "


def from_worker(stderr: str, count: int) -> tuple[int, ...]:
    """What a worker told by :func:`to_line`; empty unless these are *count* registers."""
    return _in_line(TOLD, stderr, count)


def system_from_worker(stderr: str, count: int) -> tuple[int, ...]:
    """What a worker told by :func:`system_line`, likewise."""
    return _in_line(SYSTEM, stderr, count)


def _in_line(begin: str, stderr: str, count: int) -> tuple[int, ...]:
    for line in stderr.splitlines():
        if line.startswith(begin):
            words = line.removeprefix(begin).partition(PSP)[0].split()
            if len(words) == count and all(re.fullmatch("[0-9a-f]{1,8}", word) for word in words):
                return tuple(int(word, 16) for word in words)
    return ()


def psp_from_worker(stderr: str) -> int | None:
    """The process stack pointer that a worker told by :func:`to_line`."""
    for line in stderr.splitlines():
        word = line.partition(PSP)[2]
        if line.startswith(TOLD) and re.fullmatch("[0-9a-f]{1,8}", word):
            return int(word, 16)
    return None


def to_line(values: tuple[int, ...], psp: int | None = None) -> str:
    """*values* as a line."""
    words = TOLD + " ".join(f"{value:x}" for value in values)
    return words + ("" if psp is None else f"{PSP}{psp:x}") + "\n"


def system_line(values: tuple[int, ...]) -> str:
    """The *values* of system registers as a line."""
    return SYSTEM + to_line(values).removeprefix(TOLD)
