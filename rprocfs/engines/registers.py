"""The registers of a core that died or was halted, on their way from a worker to its parent.

The values are in the order of :class:`~rprocfs.arch.core.Registers`; an empty tuple says
that they are not known.
"""

from __future__ import annotations

import re

#: What the line of a worker that tells its registers begins with.
TOLD = "registers "


def from_worker(stderr: str, count: int) -> tuple[int, ...]:
    """What a worker told by :func:`to_line`; empty unless these are *count* registers."""
    for line in stderr.splitlines():
        if line.startswith(TOLD):
            words = line.removeprefix(TOLD).split()
            if len(words) == count and all(re.fullmatch("[0-9a-f]{1,8}", word) for word in words):
                return tuple(int(word, 16) for word in words)
    return ()


def to_line(values: tuple[int, ...]) -> str:
    """*values* as a line."""
    return TOLD + " ".join(f"{value:x}" for value in values) + "\n"
