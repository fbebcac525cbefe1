"""Landlock: only the paths that a process is given. See landlock(7)."""

from __future__ import annotations

import ctypes
import os
import struct

from rprocfs.engines.confinement.linux import syscall

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

#: The same numbers on every machine.
CREATE_RULESET, ADD_RULE, RESTRICT_SELF = 444, 445, 446
GET_VERSION, RULE_PATH_BENEATH = 1, 1

EXECUTE, WRITE_FILE, READ_FILE, READ_DIR = 1 << 0, 1 << 1, 1 << 2, 1 << 3
TRUNCATE, IOCTL_DEV = 1 << 14, 1 << 15
READ = READ_FILE | READ_DIR
#: What can be allowed for a file that is no directory.
OF_FILES = EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE | IOCTL_DEV
#: By ABI version: how many rights on files there are.
RIGHTS = {1: 13, 2: 14, 3: 15, 4: 15}
EVERYTHING = (1 << 16) - 1
#: Bind and connect of TCP, since version 4; abstract sockets and signals, since version 6.
NETWORK, SCOPED = 3, 3


def restrict(paths: Mapping[str, int]) -> int:
    """Allow the rights on and below *paths*, and nothing else on any file; for ever.

    Files that are open already stay usable. A path that is not there is left out. The ABI
    version, which says what else is forbidden. OSError: the kernel has no Landlock.
    """
    version = syscall(CREATE_RULESET, None, ctypes.c_size_t(0), GET_VERSION, name="landlock")
    handled = (1 << RIGHTS.get(version, 16)) - 1
    attributes = struct.pack("=QQQ", handled, NETWORK, SCOPED)[: _size(version)]
    size = ctypes.c_size_t(len(attributes))
    ruleset = syscall(CREATE_RULESET, attributes, size, 0, name="landlock")
    try:
        for path, rights in paths.items():
            _allow(ruleset, path, rights & handled)
        syscall(RESTRICT_SELF, ctypes.c_int(ruleset), 0, name="landlock")
    finally:
        os.close(ruleset)
    return version


def _size(version: int) -> int:
    """Of ``struct landlock_ruleset_attr``."""
    return 8 if version < 4 else 16 if version < 6 else 24


def _allow(ruleset: int, path: str, rights: int) -> None:
    try:
        fd = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return
    try:
        if not os.path.isdir(path):
            rights &= OF_FILES
        rule = struct.pack("=Qi", rights, fd)
        where = (ctypes.c_int(ruleset), ctypes.c_int(RULE_PATH_BENEATH), rule, 0)
        syscall(ADD_RULE, *where, name="landlock")
    finally:
        os.close(fd)
