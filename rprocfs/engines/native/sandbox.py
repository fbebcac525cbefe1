"""What a native program is kept from: the layers of :mod:`rprocfs.engines.confinement`.

In the launcher's processes only (:mod:`.launcher`). Besides what every worker has:

- a namespace of PIDs, whose init ends all that the program leaves behind;
- a root of its own: ``/usr``, ``/lib*``, ``/bin``, ``/opt`` and the like to read, its own
  processes in ``/proc``, an empty ``/tmp``, a few harmless devices; nothing of the user's,
  no socket of a service.

In a user namespace that has no nobody its user may own what is the host's, and is kept
from it by read-only mounts, and by Landlock. Without namespaces it may still make no
socket, and open nothing but the same paths. All its descendants are killed with it even
so; but on a kernel without Landlock's scopes it can kill its launcher, and what has untied
itself from that survives then.
"""

from __future__ import annotations

import os
import resource
from contextlib import suppress

from rprocfs.engines.confinement import landlock
from rprocfs.engines.confinement.linux import (
    CLONE_NEWPID,
    PR_SET_DUMPABLE,
    libc,
    prctl,
    read_only,
)
from rprocfs.engines.confinement.lock import lock
from rprocfs.engines.confinement.namespaces import (
    LIBRARIES,
    ROOT_SIZE,
    bind,
    isolate,
    mount_proc,
    new_root,
    show,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

SIGPIPE, SIGXFSZ, SIG_SETMASK = 13, 25, 2
DEVICES = ("null", "zero", "full", "random", "urandom")
READABLE = landlock.EXECUTE | landlock.READ
#: What it may do where, by Landlock.
PATHS = {
    **{f"/{name}": READABLE for name in LIBRARIES},
    **{f"/dev/{name}": landlock.READ | landlock.WRITE_FILE for name in DEVICES},
    "/proc": landlock.READ,
}
#: In a root of its own also what is empty on every start.
PRIVATE = {"/tmp": landlock.EVERYTHING}  # noqa: S108 -- a /tmp of its own

#: Bytes of address space, bytes of a file, descriptors.
LIMITS = {
    resource.RLIMIT_AS: 2 << 30,
    resource.RLIMIT_FSIZE: ROOT_SIZE,
    resource.RLIMIT_NOFILE: 64,
}
#: Processes and threads: of its own namespace's user; of nobody's, all programs together.
PROCESSES = {"user": 64, "root": 1024}


def enter() -> str:
    """Enter the namespaces: see :func:`isolate`. The PID namespace is that of the children."""
    return isolate(CLONE_NEWPID)


def change_root() -> None:
    """Change to a root that has no more than a program needs. OSError: it is the old one still."""
    new_root(_furnish)


def _furnish(root: str) -> None:
    for name in ("dev", "etc", "proc", "tmp"):
        os.mkdir(f"{root}/{name}")
    os.chmod(f"{root}/tmp", 0o1777)  # noqa: S103, S108 -- a /tmp
    for name in LIBRARIES:
        show(f"/{name}", root)
    for name in DEVICES:
        bind(f"/dev/{name}", f"{root}/dev/{name}")
        read_only(f"{root}/dev/{name}")  # which they can be written to all the same
    with suppress(OSError):
        mount_proc(f"{root}/proc")


def confine(users: str, cpu: int, own_root: bool) -> Sequence[str]:
    """Lock the process; what was not to be had. OSError.

    *users* is what :func:`enter` said: the user's own processes are not counted. *cpu* is
    in seconds, 0: any; SIGXCPU comes then, and SIGKILL a second later.
    """
    limits = dict(LIMITS)
    if users:
        limits[resource.RLIMIT_NPROC] = PROCESSES[users]
    if cpu:
        with suppress(ValueError):  # less is allowed already
            resource.setrlimit(resource.RLIMIT_CPU, (cpu, cpu + 1))
    without = lock("program", limits, {**PATHS, **(PRIVATE if own_root else {})})
    prctl(PR_SET_DUMPABLE, 1)  # else /proc/self is root's
    return without


def default_signals() -> None:
    """None blocked, and none ignored, as Python does."""
    for number in (SIGPIPE, SIGXFSZ):
        libc.signal(number, None)
    libc.sigprocmask(SIG_SETMASK, bytes(128), None)
