"""No capability, no new privileges, no keys; nobody where root started it."""

from __future__ import annotations

import ctypes
import errno
import os

from rprocfs.engines.confinement.linux import (
    PR_CAPBSET_DROP,
    PR_SET_NO_NEW_PRIVS,
    SYS_KEYCTL,
    attempt,
    checked,
    libc,
    number,
    prctl,
    syscall,
)

NOBODY = 65534
KEYCTL_JOIN_SESSION_KEYRING = 1
#: ``_LINUX_CAPABILITY_VERSION_3``, whose sets are two words each.
CAPABILITY_VERSION = 0x20080522


def become_nobody() -> None:
    """For root: give its user and groups up. OSError.

    A user namespace that has root alone has no nobody: outside of it root is a plain user.
    """
    if os.getuid() != 0:
        return
    try:
        os.setresgid(NOBODY, NOBODY, NOBODY)
    except OSError as failure:
        if failure.errno == errno.EINVAL:
            return
        raise
    os.setgroups([])
    os.setresuid(NOBODY, NOBODY, NOBODY)


def renounce() -> None:
    """Let no user ID and no file give a privilege, and have no keys. OSError."""
    capability = 0
    while attempt(prctl, PR_CAPBSET_DROP, capability):  # EINVAL behind the last one, or EPERM
        capability += 1
    prctl(PR_SET_NO_NEW_PRIVS, 1)
    try:
        keyctl = number(SYS_KEYCTL, "keyctl")
        syscall(keyctl, KEYCTL_JOIN_SESSION_KEYRING, None, name="keyctl")
    except OSError as failure:
        # A kernel without keys, or a container that lets no process come near them.
        if failure.errno not in (errno.ENOSYS, errno.EPERM):
            raise


def drop_capabilities() -> None:
    """Have none, also none of the user namespace -- capset(2). OSError."""
    header = (ctypes.c_uint32 * 2)(CAPABILITY_VERSION, 0)
    checked(libc.capset(header, (ctypes.c_uint32 * 6)()), "capset")
