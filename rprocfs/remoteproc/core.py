"""The life of a remote processor -- drivers/remoteproc/remoteproc_core.c.

Everything here runs under ``Rproc.lock`` but for :meth:`Rproc.rproc_report_crash`,
which may be called from anywhere: a crash is handled by the processor's workqueue.
"""

from __future__ import annotations

import errno
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from rprocfs.base.device import Device
from rprocfs.base.dma import DmaPool, SystemPool
from rprocfs.base.workqueue import Workqueue
from rprocfs.fs.kernfs import Dir, error
from rprocfs.fs.sysfs import Attribute
from rprocfs.fs.wait import Mutex
from rprocfs.remoteproc import boot, elf_loader, recovery, sysfs
from rprocfs.remoteproc.cdev import rproc_cdev_open
from rprocfs.remoteproc.coredump import DumpMode, DumpSegment
from rprocfs.remoteproc.debugfs import RprocDebugTrace, rproc_create_debug_dir
from rprocfs.remoteproc.errors import FirmwareError
from rprocfs.remoteproc.memory import Carveouts, Reserved, RprocMemEntry
from rprocfs.remoteproc.resources import rproc_resource_cleanup
from rprocfs.remoteproc.state import Action, Event, State, rproc_crash_to_string, transition
from rprocfs.remoteproc.subdev import Subdevices

if TYPE_CHECKING:
    from rprocfs.base.platform import PlatformDevice
    from rprocfs.remoteproc.ops import RprocOps
    from rprocfs.remoteproc.subsystem import Remoteproc
    from rprocfs.remoteproc.virtio import RprocVdev
    from rprocfs.remoteproc.vring import NotifyIds

#: Where memory without an address of its own comes from, on a board that says nothing.
DEFAULT_DMA = (0x02000000, 0x0E000000)


class Rproc(Device):
    """``struct rproc``: one remote processor. Made by :meth:`Remoteproc.rproc_alloc`.

    *table* is ``table_ptr``: the resource table in use, in the remote's memory while
    it runs. *power* counts who wants it powered. *priv* belongs to the driver. *dma* is where
    its own memory comes from, *reserved* where that of its virtio devices does: the first
    ``memory-region`` of its node, if that is a pool.
    """

    devtype = "remoteproc"
    attributes = sysfs.ATTRIBUTES

    def __init__(
        self,
        subsystem: Remoteproc,
        parent: Device,
        name: str,
        ops: RprocOps,
        firmware: str | None = None,
        dma: DmaPool | None = None,
    ) -> None:
        self.index = subsystem.alloc_index()
        super().__init__(
            subsystem.model, f"remoteproc{self.index}", parent, class_=subsystem.class_
        )
        self.subsystem = subsystem
        self.parent_dev = parent
        self.label = name
        self.ops = ops
        self.firmware = firmware or f"rproc-{name}-fw"
        self.dma = dma or SystemPool(*DEFAULT_DMA)
        self.reserved: Reserved | None = None
        self.phandle: int | None = None
        self.lock = Mutex()
        self.state = State.OFFLINE
        self.power = 0
        self.priv: object = None
        # What the driver chooses before rproc_add().
        self.auto_boot = False
        self.sysfs_read_only = False
        self.attach_on_recovery = False
        self.elf_class: int | None = None
        self.elf_machine = 0
        # What a boot makes.
        self.bootaddr = 0
        self.table: memoryview | None = None
        self.cached_table: bytearray | None = None
        self.clean_table: bytes | None = None
        self.carveouts = Carveouts()
        self.traces: list[RprocDebugTrace] = []
        self.rvdevs: list[RprocVdev] = []
        self.dead_vdevs: list[PlatformDevice] = []
        self.nb_vdev = 0
        self.subdevs = Subdevices()
        self.notifyids: NotifyIds = subsystem.new_notifyids()
        # Crashes.
        self.recovery_disabled = False
        self.crash_cnt = 0
        self.dump_conf = DumpMode.DISABLED
        self.dump_segments: list[DumpSegment] = []
        # Outside.
        self.debug_dir: Dir | None = None
        self.cdev_put_on_release = False
        self._wq = Workqueue(f"{self.name}-recovery")
        self._crash_pending = False
        self._refs = 1
        self._refs_lock = threading.Lock()

    def attribute_mode(self, attr: Attribute[Any]) -> int | None:
        """rproc_is_visible()."""
        return 0o444 if self.sysfs_read_only and attr in sysfs.ATTRIBUTES else None

    # Registration.

    def rproc_add(self) -> None:
        """Register with userspace, then boot if it is to boot by itself."""
        self.set_devnode((self.subsystem.major, self.index), lambda _: rproc_cdev_open(self))
        self.device_add()
        self.info(f"{self.label} is available")
        self.debug_dir = rproc_create_debug_dir(self)
        if self.auto_boot:
            boot.rproc_trigger_auto_boot(self, self._wq)
        self.subsystem.register(self)

    def devm_rproc_add(self, dev: Device) -> None:
        """:meth:`rproc_add`, undone when the driver of *dev* is unbound."""
        self.rproc_add()
        dev.devm_add_action(self.rproc_del)

    def rproc_del(self) -> None:
        """Unregister: drops one power reference, which stops it if it was the last."""
        with suppress(OSError):  # it was not up, or the log says why it stays up
            self.rproc_shutdown()
        with self.lock:
            self.state = State.DELETED
            # What further power references, or a failed recovery, still hold. Linux leaks
            # it; the driver ends whatever runs when it is unbound.
            self.subdevs.stop(crashed=False)
            rproc_resource_cleanup(self)
        for pdev in self.dead_vdevs:
            pdev.platform_device_del()
        if self.debug_dir is not None and self.debug_dir.parent is not None:
            self.debug_dir.parent.remove(self.debug_dir.name)
        self.subsystem.unregister(self)
        self.device_del()

    def rproc_get(self) -> Rproc:
        """``get_device``: keep it until :meth:`rproc_put`."""
        with self._refs_lock:
            self._refs += 1
        return self

    def rproc_put(self) -> None:
        """``rproc_put``, ``rproc_free``: the last reference gives its number back."""
        with self._refs_lock:
            self._refs -= 1
            last = self._refs == 0
        if last:
            self._wq.destroy()
            self.info(f"releasing {self.label}")
            self.subsystem.free_index(self.index)

    # Power.

    def rproc_boot(self) -> None:
        """Take a power reference; the first one boots (or attaches to) the processor.

        The errno of what failed; EINTR while waiting for the lock; ENODEV when deleted.
        """
        with self._locked():
            try:
                action = transition(self.state, Event.BOOT)
            except OSError:
                self.err(f"can't boot deleted rproc {self.label}")
                raise
            self.power += 1
            if self.power > 1 or action is Action.GET:
                return
            try:
                if action is Action.ATTACH:
                    self.info(f"attaching to {self.label}")
                    boot.rproc_attach(self)
                else:
                    self.info(f"powering up {self.label}")
                    boot.rproc_fw_boot(self, boot.request_firmware(self))
            except OSError:
                self.power -= 1
                raise
        self.ops.settle(self)

    def rproc_shutdown(self) -> None:
        """Drop a power reference; the last one stops the processor.

        EINVAL unless it is up; EINTR; the errno of ``ops.stop``, and it stays as it was.
        """
        with self._locked():
            transition(self.state, Event.SHUTDOWN)
            self.power -= 1
            if self.power > 0:
                return
            try:
                boot.rproc_stop(self, crashed=False)
            except OSError:
                self.power += 1
                raise
            boot.rproc_release_resources(self)

    def rproc_detach(self) -> None:
        """Drop a power reference; the last one leaves the processor running without us.

        EINVAL unless it is attached; EINTR; the errno of ``ops.detach``.
        """
        with self._locked():
            transition(self.state, Event.DETACH)
            self.power -= 1
            if self.power > 0:
                return
            try:
                boot.rproc_detach(self)
            except OSError:
                self.power += 1
                raise
            boot.rproc_release_resources(self)

    def rproc_set_firmware(self, name: str) -> None:
        """The file of the next boot, up to the first newline.

        EBUSY unless offline; EINVAL when empty (and when interrupted, as the kernel).
        """
        device = self.parent_dev
        try:
            self.lock.lock_interruptible()
        except InterruptedError as failure:
            device.err(f"can't lock rproc {self.label}: -{errno.EINTR}")
            raise error(errno.EINVAL) from failure
        try:
            try:
                transition(self.state, Event.SET_FIRMWARE)
            except OSError:
                device.err("can't change firmware while running")
                raise
            name = name.split("\n", 1)[0]
            if not name:
                device.err("can't provide empty string for firmware name")
                raise error(errno.EINVAL)
            self.firmware = name
        finally:
            self.lock.unlock()

    # Crashes.

    def rproc_report_crash(self, kind: int) -> None:
        """The processor crashed (``enum rproc_crash_type``): never blocks, never fails."""
        self.err(f"crash detected in {self.label}: type {rproc_crash_to_string(kind)}")
        if not self._crash_pending:  # as queue_work() of a work that waits already
            self._crash_pending = True
            self._wq.queue_work(self._crash_handler_work)

    def _crash_handler_work(self) -> None:
        self._crash_pending = False
        recovery.rproc_crash_handler_work(self)

    def rproc_trigger_recovery(self) -> None:
        """Recover a crashed processor; nothing happens to any other. Failures are only logged."""
        recovery.rproc_trigger_recovery(self)

    # Memory.

    def rproc_da_to_va(self, da: int, length: int) -> memoryview | None:
        """The memory that the processor sees at *da*, exactly *length* bytes; None: there is none.

        The driver is asked first, then the carveouts.
        """
        va = self.ops.da_to_va(self, da, length)
        return self.carveouts.da_to_va(da, length) if va is None else va

    def rproc_add_carveout(self, mem: RprocMemEntry) -> None:
        """Register a memory; before the boot, or while the resources are handled."""
        self.carveouts.entries.append(mem)

    def rproc_vq_interrupt(self, notifyid: int) -> bool:
        """The remote rang the doorbell *notifyid*: was there such a vring. From any thread."""
        return self.notifyids.interrupt(notifyid)

    def rproc_elf_load_rsc_table(self, fw: bytes) -> None:
        """``rproc_elf_load_rsc_table``: keep a copy of the image's table. FirmwareError."""
        self.cached_table = bytearray(elf_loader.rproc_elf_load_rsc_table(fw))
        self.table = memoryview(self.cached_table)

    def rproc_elf_find_loaded_rsc_table(self, fw: bytes) -> memoryview | None:
        """Where the loaded image has its table, None if that is in no memory."""
        try:
            da, size = elf_loader.rproc_elf_find_loaded_rsc_table(fw)
        except FirmwareError:
            return None
        if self.cached_table is None:
            return self.rproc_da_to_va(da, size)
        # A recovery may load another image; the table in use is that of the first boot.
        length = len(self.cached_table)
        va = self.rproc_da_to_va(da, max(size, length))
        return None if va is None else va[:length]

    @contextmanager
    def _locked(self) -> Iterator[None]:
        try:
            self.lock.lock_interruptible()
        except InterruptedError:
            self.err(f"can't lock rproc {self.label}: -{errno.EINTR}")
            raise
        try:
            yield
        finally:
            self.lock.unlock()
