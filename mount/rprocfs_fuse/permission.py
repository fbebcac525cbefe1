"""Permissions: the owner, group and other bits -- generic_permission() in fs/namei.c.

The checks are made here, not by the kernel, because the node decides what root may open:
an attribute without a write bit refuses even root.
"""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import NamedTuple

from rprocfs.fs.kernfs import Node, error

READ = os.R_OK
WRITE = os.W_OK
EXECUTE = os.X_OK


class Caller(NamedTuple):
    """An unprivileged caller. Privileged ones are None: nothing is checked for them."""

    uid: int
    gid: int
    pid: int


def check(node: Node, caller: Caller | None, wanted: int) -> None:
    """EACCES unless *caller* has all of the rwx bits *wanted*."""
    if caller is not None and _bits(node, caller) & wanted != wanted:
        raise error(errno.EACCES)


def check_owner(node: Node, caller: Caller | None) -> None:
    """EPERM unless *caller* owns the node."""
    if caller is not None and caller.uid != node.uid:
        raise error(errno.EPERM)


def _bits(node: Node, caller: Caller) -> int:
    mode = node.mode
    if caller.uid == node.uid:
        return mode >> 6 & 7
    group, other = mode >> 3 & 7, mode & 7
    if group == other:
        return other
    return group if caller.gid == node.gid or node.gid in groups(caller.pid) else other


def groups(pid: int) -> frozenset[int]:
    """The supplementary groups of a process; none if it is gone or not visible."""
    try:
        status = Path(f"/proc/{pid}/status").read_text("utf-8", "replace")
    except OSError:
        return frozenset()
    for line in status.splitlines():
        if line.startswith("Groups:"):
            return frozenset(int(word) for word in line.split()[1:])
    return frozenset()
