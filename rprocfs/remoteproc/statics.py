"""What all processors of one system share -- the statics of remoteproc_core.c.

This module does not import :mod:`.rproc`, which imports it; the type variable *R* stands for
``struct rproc``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from rprocfs.base.device import Class
from rprocfs.fs.chardev import Ida
from rprocfs.fs.kernfs import Dir, Handle
from rprocfs.fs.sysfs import Attribute
from rprocfs.locking import LockClass, new_lock

if TYPE_CHECKING:
    from rprocfs.base.devcoredump import Devcoredump
    from rprocfs.base.firmware import FirmwareLoader
    from rprocfs.base.model import DriverModel
    from rprocfs.base.platform import PlatformBus
    from rprocfs.virtio.virtio import VirtioBus

R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Faces(Generic[R]):
    """The faces that a processor shows to userspace; :mod:`rprocfs.remoteproc.subsystem` sets them.

    *attributes* of sysfs; *open* gives a new open file of ``/dev/remoteprocN``; *debug_dir*
    makes the directory in debugfs.
    """

    attributes: tuple[Attribute[Any], ...]
    open: Callable[[R], Handle]
    debug_dir: Callable[[R], Dir]


class Statics(Generic[R]):
    """What all processors of one system share: the statics of remoteproc_core.c.

    The class, the debugfs root, the numbers and the registered processors, and the services
    that processors use.
    """

    def __init__(
        self,
        model: DriverModel,
        platform: PlatformBus,
        virtio: VirtioBus,
        loader: FirmwareLoader,
        devcoredump: Devcoredump,
        faces: Faces[R],
    ) -> None:
        self.model = model
        self.platform = platform
        self.virtio = virtio
        self.loader = loader
        self.devcoredump = devcoredump
        self.faces = faces
        self.class_ = Class(model, "remoteproc")
        self.major = model.alloc_major()
        self.debug = model.debug.mkdirs("remoteproc")
        self.lock = new_lock(LockClass.RPROC_LIST)
        self._indices = Ida()
        #: ``rproc_list``, under *lock*.
        self.registered: list[R] = []

    @property
    def rprocs(self) -> list[R]:
        """The registered processors, in order of registration."""
        with self.lock:
            return list(self.registered)

    def alloc_index(self) -> int:
        """The lowest free number."""
        with self.lock:
            return self._indices.alloc()

    def free_index(self, index: int) -> None:
        """Free the number."""
        with self.lock:
            self._indices.free(index)
