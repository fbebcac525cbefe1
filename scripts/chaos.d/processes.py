"""The processes that descend from this one, and what they wait for."""

import ctypes
import os
import time
from contextlib import suppress
from pathlib import Path

PR_SET_CHILD_SUBREAPER = 36
#: Seconds in state D, without a break, that are a hang. A disk under load takes less.
HANGS = 20.0


def adopt_orphans():
    """From here on, what loses its parent is ours, so that nothing escapes :func:`descendants`."""
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, ctypes.c_ulong(1), 0, 0, 0)


def descendants():
    """The numbers of all of them that have not ended."""
    parents = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            state, parent = _fields(path)[:2]
            if state not in "ZX":
                parents[int(path.parent.name)] = int(parent)
    return [pid for pid in parents if os.getpid() in _line(pid, parents)]


def _line(pid, parents):
    while (pid := parents.get(pid, 0)) > 0:
        yield pid


def _fields(stat):
    """State, parent and so on: what is behind the name, which may have blanks."""
    return stat.read_text(errors="replace").rpartition(")")[2].split()


def uninterruptible():
    """The threads of them that are in state D now, as directories of /proc."""
    found = set()
    for pid in descendants():
        for task in Path(f"/proc/{pid}/task").glob("*"):
            with suppress(OSError):
                if _fields(task / "stat")[0] == "D":
                    found.add(task)
    return found


def hung(seconds=HANGS):
    """Those that are in state D whenever one looks, for so many *seconds*: a text each."""
    deadline = time.monotonic() + seconds
    tasks = uninterruptible()
    while tasks and time.monotonic() < deadline:
        time.sleep(0.1)
        tasks &= uninterruptible()
    return [where(task) for task in sorted(tasks)]


def where(task):
    """Number, name and state of a process or a thread, what it waits for, and its kernel stack."""
    told = {name: _read(task / name) for name in ("comm", "cmdline", "wchan", "syscall", "stack")}
    state = _read(task / "stat").rpartition(")")[2].split()[:1]
    return (
        f"{task}: {told['comm']} ({told['cmdline']}), state {''.join(state) or 'gone'}, "
        f"in {told['wchan']}, system call {told['syscall']}\n{told['stack']}"
    )


def _read(path):
    """What it says, if it can be seen: the stack is root's, and a process may be gone."""
    try:
        return path.read_text(errors="replace").replace("\0", " ").strip()
    except OSError as problem:
        return f"({problem.strerror})"
