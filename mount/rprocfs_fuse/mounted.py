"""The interface of a transport, which makes a mounted filesystem of a tree."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

from rprocfs.fs.kernfs import Tree
from rprocfs_fuse.mountpoint import SOURCE


@dataclass(frozen=True, slots=True)
class MountOptions:
    """How to mount.

    *allow_other*: other users may use the mount of a user (root's always). *daemon*: the
    process that ``rprocfs umount`` waits for. *source*: what mount(8) lists as mounted. *is_stat*:
    whether the task of a number, which looks a name up, is in stat(2); None if it cannot be told
    yet. It makes ``devfuse`` show device nodes as such.
    """

    transport: str = "devfuse"
    allow_other: bool = False
    read_only: bool = False
    daemon: int = 0
    source: str = SOURCE
    is_stat: Callable[[int], bool | None] | None = None


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
        """Unmount, even if it is in use; waiting requests get ENOTCONN. May be called twice."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.stop()
