"""Which system call a caller of the mount is in -- /proc/PID/syscall, fs/proc/base.c.

A caller that waits for the answer to a lookup stays in its call until then. So the answer may
depend on whether a name is only looked at, by stat(2), or may be opened.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path

from rprocfs_fuse.run import seccomp

#: The calls that look at a name.
STAT_BY_NAME = ("stat", "lstat", "newfstatat", "statx")
#: What the file says of a task that is not asleep.
_RUNNING = b"running"
_CAP_SYS_PTRACE = 1 << 19

IsStat = Callable[[int], bool | None]


def looker() -> IsStat | None:
    """Says of a task whether it is in stat(2), None if it runs; None if that is not to be had.

    It takes the right to trace every process of the run (ptrace(2)).
    """
    known = seccomp.native()
    if known is None or not _may_trace():
        return None
    numbers = {b"%d" % known[1][name] for name in STAT_BY_NAME if name in known[1]}
    return lambda task: _in_call(task, numbers)


def _in_call(task: int, numbers: set[bytes]) -> bool | None:
    """False of a task that is gone, or that is not in our PID namespace."""
    try:
        fd = os.open(f"/proc/{task}/syscall", os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        call = os.read(fd, 256).split(None, 1)[:1]
    except OSError:
        return False
    finally:
        os.close(fd)
    return None if call == [_RUNNING] else call[0] in numbers if call else False


def _may_trace() -> bool:
    """Yama and containers may forbid it: the supervisor, our parent, stands for the command."""
    try:
        Path(f"/proc/{os.getppid()}/syscall").read_bytes()
        status = Path("/proc/self/status").read_text("utf-8", "replace")
    except OSError:
        return False
    found = re.search(r"^CapEff:\s*([0-9a-f]+)$", status, re.MULTILINE)
    return bool(found and int(found[1], 16) & _CAP_SYS_PTRACE)
