"""``rprocfs,cortex-m3`` and ``rprocfs,cortex-m4``: cores that execute firmware.

The machine is vsoc/1 (:mod:`rprocfs.soc.vsoc`); its instructions are executed by a
worker process. What is the machine's (memory, doorbell bytes, what a reset does) and
what is the engine's (spawn, kick, stop, why it died) stay apart.

Properties of its description:

============= ===================================================================
label         the processor's name (default ``cortex-mN``)
firmware-name the default firmware file
engine        ``auto`` (default) or ``unicorn``
auto-boot     boot when registered
phandle       number for ``rproc_get_by_phandle``
============= ===================================================================
"""

from __future__ import annotations

import errno
import gc
import threading
from contextlib import suppress
from typing import TYPE_CHECKING

from rprocfs.base.dma import RegionPool
from rprocfs.base.platform import PlatformDevice, PlatformDriver
from rprocfs.engines import worker as engine_worker
from rprocfs.engines.memory import SharedRam
from rprocfs.engines.unicorn_engine import UnicornEngine
from rprocfs.fs.kernfs import error
from rprocfs.remoteproc import elf_loader
from rprocfs.remoteproc.coredump import (
    ELFCLASS32,
    rproc_coredump_add_segment,
    rproc_coredump_set_elf_info,
)
from rprocfs.remoteproc.errors import FirmwareError
from rprocfs.remoteproc.ops import RprocOps
from rprocfs.remoteproc.state import CrashType
from rprocfs.soc.vsoc import (
    MAILBOX_CRASHED,
    MAILBOX_LAST_NOTIFYID,
    MAILBOX_READY,
    MAILBOX_SHUTDOWN,
    VSOC1,
)

if TYPE_CHECKING:
    from rprocfs.engines.worker import Death, Engine, Worker
    from rprocfs.remoteproc.core import Rproc
    from rprocfs.remoteproc.subsystem import Remoteproc

EM_ARM = 40

#: Seconds that the firmware has to answer a request to shut down before it is stopped.
SHUTDOWN_GRACE = 0.05

_CRASHES = {
    engine_worker.CrashType.MMUFAULT: CrashType.MMUFAULT,
    engine_worker.CrashType.WATCHDOG: CrashType.WATCHDOG,
    engine_worker.CrashType.FATAL_ERROR: CrashType.FATAL_ERROR,
}


class CortexMOps(RprocOps):
    """One core on its machine: loads into the shared RAM, runs in a worker."""

    def __init__(self, engine: Engine, core: str) -> None:
        self.machine = VSOC1
        self.ram = SharedRam(self.machine.ram.da, self.machine.ram.size, core)
        self._engine = engine
        self._core = core
        self._vtor = self.machine.ram.da
        self._worker: Worker | None = None
        self._ready = threading.Event()
        self._crashed = False

    @property
    def worker(self) -> Worker | None:
        """The process that executes the firmware, while there is one."""
        return self._worker

    def sanity_check(self, rproc: Rproc, fw: bytes) -> None:
        """A 32-bit Arm image, besides what the ELF loader asks for."""
        super().sanity_check(rproc, fw)
        machine = int.from_bytes(fw[18:20], "little")
        if elf_loader.fw_elf_get_class(fw) != ELFCLASS32 or machine != EM_ARM:
            raise FirmwareError(f"{self._core} cannot run an image for machine {machine}")

    def prepare(self, rproc: Rproc) -> None:
        """A cold boot begins with empty RAM."""
        del rproc
        self.ram.clear()

    def da_to_va(self, rproc: Rproc, da: int, length: int) -> memoryview | None:
        """The RAM, but for the platform's own page."""
        del rproc
        if da + length > self.machine.platform_page.da:
            return None
        return self.ram.at(da, length) if self.machine.ram.holds(da, length) else None

    def parse_fw(self, rproc: Rproc, fw: bytes) -> None:
        """The table, the dump's segments, and where the vector table is."""
        super().parse_fw(rproc, fw)
        segments = list(elf_loader.iter_load_segments(fw))
        self._vtor = self.machine.vector_table([segment.da for segment in segments])
        for segment in segments:
            rproc_coredump_add_segment(rproc, segment.da, segment.memsz)

    def start(self, rproc: Rproc) -> None:
        """Take it out of reset: spawn the worker. ENOENT without an engine."""
        self._ready.clear()
        self._crashed = False
        self._worker = self._engine.spawn(
            self.machine,
            self.ram,
            core=self._core,
            vtor=self._vtor,
            on_mailbox=lambda data: self._mailbox(rproc, data),
            on_exit=lambda death: self._died(rproc, death),
        )

    def stop(self, rproc: Rproc) -> None:
        """Ask it to come to an end, then end it."""
        del rproc
        worker = self._worker
        if worker is None:
            return
        if not self._crashed:
            worker.send_mailbox(MAILBOX_SHUTDOWN)
            self._ready.wait(SHUTDOWN_GRACE)
        worker.stop()
        self._worker = None

    def kick(self, rproc: Rproc, notifyid: int) -> None:
        """A byte into the mailbox."""
        del rproc
        worker = self._worker
        if worker is not None and notifyid <= MAILBOX_LAST_NOTIFYID:
            worker.kick(notifyid)

    def close(self) -> None:
        """End what still runs, give the RAM back."""
        if self._worker is not None:
            self._worker.stop()
            self._worker = None
        # Devices that are gone still refer to each other, and to the rings in this RAM.
        gc.collect()
        with suppress(BufferError):  # somebody holds an endpoint open: the mapping goes with it
            self.ram.close()

    # On the engine's I/O thread.

    def _mailbox(self, rproc: Rproc, data: bytes) -> None:
        for byte in data:
            if byte <= MAILBOX_LAST_NOTIFYID:
                rproc.rproc_vq_interrupt(byte)
            elif byte == MAILBOX_READY:
                self._ready.set()
            elif byte == MAILBOX_CRASHED:
                self._report(rproc, CrashType.FATAL_ERROR)

    def _died(self, rproc: Rproc, death: Death) -> None:
        kind = death.crash_type
        rproc.err(f"{self._core}: {death.reason}")
        self._report(rproc, CrashType.FATAL_ERROR if kind is None else _CRASHES[kind])
        self._ready.set()

    def _report(self, rproc: Rproc, kind: CrashType) -> None:
        """Once a boot: firmware that says it crashed usually dies right afterwards."""
        if not self._crashed:
            self._crashed = True
            rproc.rproc_report_crash(kind)


class CortexMDriver(PlatformDriver):
    """The platform driver of both cores."""

    name = "rproc-cortex-m"
    compatible = ("rprocfs,cortex-m3", "rprocfs,cortex-m4")

    def __init__(self, subsystem: Remoteproc) -> None:
        self._subsystem = subsystem
        self._engines = {"unicorn": UnicornEngine()}
        self._engines["auto"] = self._engines["unicorn"]

    def probe(self, device: PlatformDevice) -> None:
        """Make the processor; EINVAL for an engine that does not exist."""
        has = device.properties.get
        engine = self._engines.get(has("engine", "auto"))
        if engine is None:
            device.err(f"no engine {has('engine')}")
            raise error(errno.EINVAL)
        core = str(has("compatible", "rprocfs,cortex-m4")).removeprefix("rprocfs,")
        ops = CortexMOps(engine, core)
        device.devm_add_action(ops.close)
        machine = ops.machine
        dma = RegionPool(ops.ram.view, machine.ram.da, machine.dynamic.da, machine.dynamic.end)
        rproc = self._subsystem.devm_rproc_alloc(
            device, has("label") or f"cortex-m{device.id}", ops, has("firmware-name"), dma
        )
        rproc_coredump_set_elf_info(rproc, ELFCLASS32, EM_ARM)
        rproc.phandle = has("phandle")
        rproc.auto_boot = bool(has("auto-boot"))
        rproc.devm_rproc_add(device)

    def remove(self, device: PlatformDevice) -> None:
        """All of it is undone by the device's resources."""
