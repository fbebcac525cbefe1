"""Mounting a tree by one of the transports.

The process that serves a mount may use it, and may start programs that do: what waits for
the server lets the interpreter's lock go, except for posix_spawn(3). ``os.posix_spawn`` keeps
the lock until the program runs, and waits for ever, unkillable, if that program is in the
mount, or if a file of the mount is closed on the way. :func:`mount` keeps ``subprocess`` from
using it (Python 3.13 does by default), and vfork(2), with which Python before 3.11.4 keeps the
lock likewise; do not call it yourself with what is in the mount.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Mapping
from importlib import import_module
from os import PathLike

from rprocfs.errors import CommandError
from rprocfs.fs.kernfs import Tree
from rprocfs_fuse.mounted import Mounted, MountOptions, nothing
from rprocfs_fuse.mountpoint import prepare

__all__ = ["TRANSPORTS", "MountOptions", "Mounted", "mount"]

#: Name to the module and class of a transport; each is imported only when asked for.
TRANSPORTS: Mapping[str, str] = {
    "devfuse": "rprocfs_fuse.protocol.devfuse:DevfuseMount",
    "fusepy": "rprocfs_fuse.fusepy.transport:FusepyMount",
}


def mount(
    tree: Tree,
    mountpoint: str | PathLike[str],
    options: MountOptions | None = None,
    on_end: Callable[[], None] = nothing,
) -> Mounted:
    """Mount *tree*; it answers when this returns. CommandError, OSError.

    From then on ``subprocess`` forks in this process, see above.
    """
    options = options or MountOptions()
    # Its documented switches, Final to mypy.
    vars(subprocess)["_USE_POSIX_SPAWN"] = vars(subprocess)["_USE_VFORK"] = False
    where = TRANSPORTS.get(options.transport)
    if where is None:
        known = ", ".join(TRANSPORTS)
        raise CommandError(f"transport={options.transport}: unknown, there are {known}")
    module, _, name = where.partition(":")
    kind: type[Mounted] = getattr(import_module(module), name)
    return kind(tree, prepare(mountpoint), options, on_end)
