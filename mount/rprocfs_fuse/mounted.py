"""The interface of a transport, which makes a mounted filesystem of a tree."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

from rprocfs.fs.chardev import DeviceNode
from rprocfs.fs.kernfs import Tree
from rprocfs_fuse.mountpoint import SOURCE

#: Ends a stat(2) by calling its argument, and lets the file that the task sees be a device.
Show = Callable[[Callable[[], None]], None]


class Callers(ABC):
    """The tasks that call: which system call each of them waits in, and its memory.

    What is not only asked may wait for as long as it pleases the caller.
    """

    @abstractmethod
    def is_stat(self, task: int) -> bool | None:
        """Whether *task* is in stat(2) of a name; None if it cannot be told yet."""

    @abstractmethod
    def showing(self, task: int, node: DeviceNode) -> Show | bool | None:
        """How to answer a stat(2) of an open file; False: as usual; None as above."""

    @abstractmethod
    def is_killed(self, task: int) -> bool:
        """Whether *task* does nothing any more, as there is a SIGKILL for it."""

    @abstractmethod
    def ioctl(
        self, task: int, command: int, argument: int, sizes: tuple[int, int]
    ) -> tuple[bytes, Callable[[bytes], None]]:
        """What an ioctl(2) reads behind its argument, and where to put what it writes; EFAULT.

        *sizes* says how many bytes these are.
        """


@dataclass(frozen=True, slots=True)
class MountOptions:
    """How to mount.

    *allow_other*: other users may use the mount of a user (root's always). *daemon*: the
    process that ``rprocfs umount`` waits for. *source*: what mount(8) lists as mounted. *callers*
    lets ``devfuse`` show device nodes as such, and do the ioctls of terminals that do not say how
    much memory they mean.
    """

    transport: str = "devfuse"
    allow_other: bool = False
    read_only: bool = False
    daemon: int = 0
    source: str = SOURCE
    callers: Callers | None = None


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
