"""What all processors of one system share -- remoteproc_init(), remoteproc_core.c."""

from __future__ import annotations

import errno
import threading
from typing import TYPE_CHECKING

from rprocfs.base.device import Class, Device
from rprocfs.base.firmware import FirmwareLoader
from rprocfs.fs.chardev import Ida
from rprocfs.fs.kernfs import error
from rprocfs.remoteproc.core import Rproc
from rprocfs.remoteproc.virtio import RprocVirtioDriver
from rprocfs.remoteproc.vring import NotifyIds

if TYPE_CHECKING:
    from rprocfs.base.devcoredump import Devcoredump
    from rprocfs.base.dma import DmaPool
    from rprocfs.base.model import DriverModel
    from rprocfs.base.platform import PlatformBus
    from rprocfs.remoteproc.ops import RprocOps
    from rprocfs.virtio.virtio import VirtioBus


class Remoteproc:
    """The class, the debugfs root, the numbers and the list of processors."""

    def __init__(
        self,
        model: DriverModel,
        platform: PlatformBus,
        virtio: VirtioBus,
        loader: FirmwareLoader,
        devcoredump: Devcoredump,
    ) -> None:
        self.model = model
        self.platform = platform
        self.virtio = virtio
        self.loader = loader
        self.devcoredump = devcoredump
        self.class_ = Class(model, "remoteproc")
        self.major = model.alloc_major()
        self.debug = model.debug.mkdirs("remoteproc")
        self._lock = threading.Lock()
        self._indices = Ida()
        self._rprocs: list[Rproc] = []
        platform.driver_register(RprocVirtioDriver())

    def rproc_alloc(
        self,
        dev: Device,
        name: str,
        ops: RprocOps,
        firmware: str | None = None,
        dma: DmaPool | None = None,
    ) -> Rproc:
        """A processor called *name* below *dev*, not registered yet.

        *firmware* defaults to ``rproc-NAME-fw``; *dma* is where carveouts and vrings
        come from. Give it back with :meth:`Rproc.rproc_put`.
        """
        return Rproc(self, dev, name, ops, firmware, dma)

    def devm_rproc_alloc(
        self,
        dev: Device,
        name: str,
        ops: RprocOps,
        firmware: str | None = None,
        dma: DmaPool | None = None,
    ) -> Rproc:
        """:meth:`rproc_alloc`, given back when the driver of *dev* is unbound."""
        rproc = self.rproc_alloc(dev, name, ops, firmware, dma)
        dev.devm_add_action(rproc.rproc_put)
        return rproc

    def rproc_get_by_phandle(self, phandle: int) -> Rproc:
        """The registered processor of that phandle, with a reference; ENODEV."""
        with self._lock:
            for rproc in self._rprocs:
                if rproc.phandle == phandle:
                    return rproc.rproc_get()
        raise error(errno.ENODEV)

    @property
    def rprocs(self) -> list[Rproc]:
        """The registered processors, in order of registration."""
        with self._lock:
            return list(self._rprocs)

    # For Rproc.

    def register(self, rproc: Rproc) -> None:
        """Expose to :meth:`rproc_get_by_phandle`."""
        with self._lock:
            self._rprocs.append(rproc)

    def unregister(self, rproc: Rproc) -> None:
        """Undo :meth:`register`."""
        with self._lock:
            if rproc in self._rprocs:
                self._rprocs.remove(rproc)

    def alloc_index(self) -> int:
        """The lowest free number."""
        with self._lock:
            return self._indices.alloc()

    def free_index(self, index: int) -> None:
        """Give the number back."""
        with self._lock:
            self._indices.free(index)

    def new_notifyids(self) -> NotifyIds:
        """``rproc->notifyids`` of one processor."""
        return NotifyIds()
