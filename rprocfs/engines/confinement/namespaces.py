"""Namespaces of a worker's own, and a root that has no more in it than it needs."""

from __future__ import annotations

import os
import stat

from rprocfs.engines.confinement.linux import (
    CLONE_NEWIPC,
    CLONE_NEWNET,
    CLONE_NEWNS,
    CLONE_NEWUSER,
    CLONE_NEWUTS,
    MS_BIND,
    MS_NODEV,
    MS_NOEXEC,
    MS_NOSUID,
    MS_PRIVATE,
    MS_RDONLY,
    MS_REC,
    attempt,
    mount,
    pivot_root,
    read_only,
    umount,
    unshare,
    write,
)
from rprocfs.engines.confinement.privileges import become_nobody

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

ISOLATED = CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWNET
#: What a program needs for its libraries, below ``/``.
LIBRARIES = (
    "usr", "lib", "lib32", "lib64", "libx32", "bin", "sbin", "opt", "nix", "etc/ld.so.cache",
)  # fmt: skip
#: A tmpfs comes over it, in the worker's own namespace: no root shows anything of it.
STAGE = "/sys"
ROOT_SIZE = 16 << 20


def isolate(more: int = 0) -> str:
    """Enter the namespaces, and those of the flags *more*.

    ``root``, or ``user`` if that took a user namespace. OSError if there are none to be
    had. A PID namespace is that of the children.
    """
    if os.getuid() == 0:
        if attempt(unshare, ISOLATED | more):
            return "root"
        become_nobody()
    uid, gid = os.getuid(), os.getgid()
    unshare(ISOLATED | more | CLONE_NEWUSER)
    write("/proc/self/setgroups", "deny")
    write("/proc/self/gid_map", f"{gid} {gid} 1")
    write("/proc/self/uid_map", f"{uid} {uid} 1")
    attempt(write, "/proc/sys/user/max_user_namespaces", "0")  # none below this one
    return "user"


def new_root(furnish: Callable[[str], None] | None = None) -> None:
    """Change to an empty root, after *furnish* put into it what is needed; it gets the path.

    It is a chroot besides: a process in one gets no user namespace, in which it would
    have every privilege. OSError: it is the old root still.
    """
    os.chroot("/")  # that it may, it has to know before there is no way back
    mount("", "/", "", MS_REC | MS_PRIVATE)
    options = f"size={ROOT_SIZE},nr_inodes=1024,mode=755"
    mount("tmpfs", STAGE, "tmpfs", MS_NOSUID | MS_NODEV, options)
    try:
        root = f"{STAGE}/root"
        os.umask(0o022)
        os.mkdir(root)
        if furnish is not None:
            furnish(root)
        os.chdir(STAGE)
        pivot_root(".")
        umount(".")
        os.chroot("root")
    except OSError:
        umount(STAGE)
        raise
    finally:
        os.chdir("/")


def show(path: str, root: str) -> None:
    """Let *path* be seen below *root*, but not be written to; a link stays one."""
    target = f"{root}{path}"
    if os.path.lexists(target):
        return
    if os.path.islink(path):
        os.symlink(os.readlink(path), target)
    elif os.path.exists(path):
        os.makedirs(os.path.dirname(target), exist_ok=True)
        bind(path, target)
        read_only(target)


def bind(source: str, target: str) -> None:
    """Mount *source* at *target*, which is made. OSError."""
    if stat.S_ISDIR(os.stat(source).st_mode):
        os.mkdir(target)
    else:
        os.mknod(target)
    mount(source, target, "", MS_BIND | MS_REC)


def mount_proc(target: str) -> None:
    """The processes of its own PID namespace. A container may hide parts of its own: OSError."""
    mount("proc", target, "proc", MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC)
