"""``rprocfs,sim``: a processor that loads any image and executes none -- the driver ``rproc-sim``.

For testing what runs on the host with the image of one's own board, and for injecting
faults: ``/sys/kernel/debug/rproc_sim/N/ctl`` takes commands (:mod:`sim_ctl`), ``log`` holds
what the remote received, ``stat`` how often it was started; ``rproc_sim/reset`` makes other
processors (:mod:`sim_module`).

Properties of its description:

================== ==============================================================
label              the processor's name (default ``simN``)
firmware-name      the default firmware file
services           ``NAME@ADDR ...``: what the remote announces
memory             ``tcm`` (default): 64 KiB at 0x20000000, all else by carveouts;
                   ``any``: memory wherever the image wants it
auto-boot          boot when registered
detached           somebody else has started it: attach
sysfs-read-only    no attribute can be written
lenient            an image without resource table is no error
attach-on-recovery recover by attaching again
no-elf-info        make no coredump: its ELF class is not set
phandle            number for ``rproc_get_by_phandle``
================== ==============================================================
"""

from __future__ import annotations

import errno
import mmap
import struct
import time
from typing import TYPE_CHECKING

from rprocfs.base.platform import PlatformDevice, PlatformDriver
from rprocfs.drivers.sim_ctl import SimFaults, sim_create_debug_dir
from rprocfs.drivers.sim_module import SimModule
from rprocfs.drivers.sim_remote import SimRemote
from rprocfs.fs.kernfs import Dir, error
from rprocfs.remoteproc import elf_loader
from rprocfs.remoteproc.coredump import (
    ELFCLASS32,
    rproc_coredump_add_segment,
    rproc_coredump_set_elf_info,
)
from rprocfs.remoteproc.errors import FirmwareError
from rprocfs.remoteproc.ops import RprocOps
from rprocfs.remoteproc.state import State

if TYPE_CHECKING:
    from rprocfs.remoteproc.core import Rproc
    from rprocfs.remoteproc.subsystem import Remoteproc

TCM_DA = 0x20000000
TCM_SIZE = 0x10000
EM_ARM = 40

#: Seconds that the writer of ``state`` waits at most for the first announcements.
SETTLE = 0.1

#: How much of its address space an image may ask for, where memory is ``any``.
ANY_LIMIT = 256 << 20
_MAP_NORESERVE = 0x4000


class SimMemory:
    """``memory = tcm``: what the driver maps itself."""

    base = TCM_DA
    size = TCM_SIZE

    def __init__(self) -> None:
        self.data = memoryview(bytearray(self.size))

    def find(self, da: int, length: int) -> memoryview | None:
        """The part at *da*, None when it is not all inside."""
        offset = da - self.base
        if offset < 0 or offset + length > self.size:
            return None
        return self.data[offset : offset + length]

    def reset(self) -> None:
        """A new boot."""

    def close(self) -> None:
        """Give it back."""


class AnyMemory(SimMemory):
    """``memory = any``: all 32-bit addresses, of which only what is touched costs anything."""

    base = 0
    size = 1 << 32

    def __init__(self) -> None:
        flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | _MAP_NORESERVE
        self._map = mmap.mmap(-1, self.size, flags=flags)
        self.data = memoryview(self._map)
        self._seen: set[tuple[int, int]] = set()

    def find(self, da: int, length: int) -> memoryview | None:
        """As the class says; None once an image asks for more than :data:`ANY_LIMIT`."""
        self._seen.add((da, length))
        if length > ANY_LIMIT or sum(size for _, size in self._seen) > ANY_LIMIT:
            self._seen.discard((da, length))
            return None
        return super().find(da, length)

    def reset(self) -> None:
        """Forget all content."""
        self._seen.clear()
        self._map.madvise(mmap.MADV_DONTNEED)


class SimOps(RprocOps):
    """``sim_ops``."""

    def __init__(self, pdev: PlatformDevice) -> None:
        self.memory = AnyMemory() if pdev.properties.get("memory") == "any" else SimMemory()
        self.lenient = bool(pdev.properties.get("lenient"))
        self.faults = SimFaults()
        self.remote: SimRemote

    def prepare(self, rproc: Rproc) -> None:
        """``fail_prepare``."""
        self.faults.check("prepare")
        if rproc.state is State.OFFLINE:
            self.memory.reset()

    def start(self, rproc: Rproc) -> None:
        """``delay_start``, ``fail_start``."""
        time.sleep(self.faults.delay_start / 1000)
        self.faults.check("start")
        self.remote.starts += 1
        self.remote.power(on=True)

    def stop(self, rproc: Rproc) -> None:
        """``fail_stop``."""
        self.faults.check("stop")
        self.remote.stops += 1
        self.remote.power(on=False)

    def attach(self, rproc: Rproc) -> None:
        """``fail_attach``."""
        self.faults.check("attach")
        self.remote.power(on=True)

    def detach(self, rproc: Rproc) -> None:
        """``fail_detach``."""
        self.faults.check("detach")
        self.remote.power(on=False)

    def kick(self, rproc: Rproc, notifyid: int) -> None:
        """Wake the remote's thread."""
        del rproc, notifyid
        self.remote.kick()

    def settle(self, rproc: Rproc) -> None:
        """The remote's thread answers within a millisecond: wait for its announcements."""
        self.remote.flush(SETTLE)
        for rvdev in list(rproc.rvdevs):
            vdev = rvdev.vdev
            if vdev is not None and vdev.driver is not None:
                vdev.driver.flush(vdev, SETTLE)

    def da_to_va(self, rproc: Rproc, da: int, length: int) -> memoryview | None:
        """The driver's own memory; what is allocated by the host comes first in ``any``."""
        if isinstance(self.memory, AnyMemory):
            va = rproc.carveouts.da_to_va(da, length)
            if va is not None:
                return va
        return self.memory.find(da, length)

    def parse_fw(self, rproc: Rproc, fw: bytes) -> None:
        """The table, unless lenient; every segment that is loaded goes into the coredump."""
        try:
            super().parse_fw(rproc, fw)
        except FirmwareError as refusal:
            if not self.lenient:
                raise
            if refusal.strerror:
                rproc.err(refusal.strerror)
            rproc.info("sim: no resource table, going on without")
        for segment in elf_loader.iter_load_segments(fw):
            rproc_coredump_add_segment(rproc, segment.da, segment.memsz)

    def get_loaded_rsc_table(self, rproc: Rproc) -> memoryview | None:
        """The table that whoever started the processor left in its memory."""
        return self.memory.find(TCM_DA, len(ATTACH_TABLE))


def _attach_table() -> bytes:
    """One trace buffer, and one rpmsg vdev with two rings of 16."""
    trace = struct.pack("<4I32s", 2, TCM_DA + 0x1000, 0x100, 0, b"attach-trace")
    vring = [struct.pack("<5I", 0xFFFFFFFF, 16, 16, number, 0) for number in range(2)]
    vdev = struct.pack("<6I4B", 3, 7, 0, 1, 0, 0, 0, 2, 0, 0) + b"".join(vring)
    offsets = (24, 24 + len(trace))
    return struct.pack("<6I", 1, 2, 0, 0, *offsets) + trace + vdev


ATTACH_TABLE = _attach_table()


class SimDriver(PlatformDriver):
    """``sim_driver``."""

    name = "rproc-sim"
    compatible = ("rprocfs,sim",)

    def __init__(self, subsystem: Remoteproc) -> None:
        self._subsystem = subsystem
        self._debug = subsystem.model.debug.mkdirs("rproc_sim")
        self.module = SimModule(subsystem)

    def probe(self, device: PlatformDevice) -> None:
        """Make the processor as its properties say."""
        properties = device.properties
        ops = SimOps(device)
        device.devm_add_action(ops.memory.close)
        rproc = self._subsystem.devm_rproc_alloc(
            device, properties.get("label") or f"sim{device.id}", ops,
            properties.get("firmware-name"),
        )  # fmt: skip
        remote = ops.remote = SimRemote(rproc, properties.get("services", ""))
        device.devm_add_action(remote.destroy)
        number = str(device.id)
        sim_create_debug_dir(self._debug.add(number, Dir()), remote, ops.faults)
        device.devm_add_action(lambda: self._debug.remove(number))
        _configure(rproc, ops, device)
        rproc.devm_rproc_add(device)

    def remove(self, device: PlatformDevice) -> None:
        """All of it is undone by the device's resources."""


def _configure(rproc: Rproc, ops: SimOps, device: PlatformDevice) -> None:
    has = device.properties.get
    rproc.phandle = has("phandle")
    rproc.auto_boot = bool(has("auto-boot"))
    rproc.sysfs_read_only = bool(has("sysfs-read-only"))
    rproc.attach_on_recovery = bool(has("attach-on-recovery"))
    if not has("no-elf-info"):
        rproc_coredump_set_elf_info(rproc, ELFCLASS32, EM_ARM)
    if has("detached"):
        table = ops.memory.find(TCM_DA, len(ATTACH_TABLE))
        text = ops.memory.find(TCM_DA + 0x1000, 0x100)
        if table is None or text is None:
            raise error(errno.EINVAL)
        table[:] = ATTACH_TABLE
        text[:] = b"already running\n".ljust(0x100, b"\0")
        rproc.state = State.DETACHED
