"""What every transport is: a tree goes in, a mounted filesystem comes out.

The process that serves a mount may use it, and may start programs that do: what waits for
the server lets the interpreter's lock go, except for posix_spawn(3). ``os.posix_spawn`` keeps
the lock until the program runs, and waits for ever, unkillable, if that program is in the
mount, or if a file of the mount is closed on the way. :func:`mount` keeps ``subprocess`` from
using it (Python 3.13 does by default); do not call it yourself with what is in the mount.
"""

from __future__ import annotations

import subprocess
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from os import PathLike
from typing import Self

from rprocfs.errors import CommandError
from rprocfs.fs.kernfs import Tree
from rprocfs_fuse.mountpoint import SOURCE, prepare

#: Name to the module and class of a transport; each is imported only when asked for.
TRANSPORTS: Mapping[str, str] = {
    "devfuse": "rprocfs_fuse.protocol.devfuse:DevfuseMount",
    "fusepy": "rprocfs_fuse.fusepy.transport:FusepyMount",
}


@dataclass(frozen=True, slots=True)
class MountOptions:
    """How to mount.

    *allow_other*: other users may use the mount of a user (root's always). *daemon*: the
    process that ``rprocfs umount`` waits for. *source*: what mount(8) lists as mounted.
    """

    transport: str = "devfuse"
    allow_other: bool = False
    read_only: bool = False
    daemon: int = 0
    source: str = SOURCE


def nothing() -> None:
    """Called when a mount ended, by default."""


class Mounted(ABC):
    """A filesystem that answers. As a context manager, stopped at the end.

    Made with what is mounted, an absolute path, the options, and what to call, from any
    thread, when the mount ended by itself.
    """

    @abstractmethod
    def __init__(
        self, tree: Tree, mountpoint: str, options: MountOptions, on_end: Callable[[], None]
    ) -> None: ...

    @abstractmethod
    def wait(self) -> None:
        """Return when the mount has ended, by :meth:`stop` or because it was unmounted."""

    @abstractmethod
    def stop(self) -> None:
        """Unmount, whoever uses it: whoever waits gets ENOTCONN. May be called twice."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.stop()


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
    vars(subprocess)["_USE_POSIX_SPAWN"] = False  # its documented switch, Final to mypy
    where = TRANSPORTS.get(options.transport)
    if where is None:
        known = ", ".join(TRANSPORTS)
        raise CommandError(f"transport={options.transport}: unknown, there are {known}")
    module, _, name = where.partition(":")
    kind: type[Mounted] = getattr(import_module(module), name)
    return kind(tree, prepare(mountpoint), options, on_end)
