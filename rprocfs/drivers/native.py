"""``rprocfs,native``: a program of this host as firmware.

The firmware file is an ELF64 program for this machine, static or dynamic, that carries a
``.resource_table``. It is arbitrary code and runs only if the board allows it; then in
a sandbox (:mod:`rprocfs.engines.native.sandbox`). The machine is
:mod:`rprocfs.soc.vsoc_native`, what a program finds there ``rprocfs/kit/rprocfs_native.h``.
Properties of its description:

============= ===================================================================
allow-native  without it ``start`` is refused with EPERM
cpu-seconds   of CPU that the program may use before it is killed; 0 (default): any
label         the processor's name (default ``native-N``)
firmware-name the default firmware file
watchdog-ms   how long the heartbeat may stand still; 0 (default): for ever
console-log   a file that what it prints is appended to
auto-boot     boot when registered
phandle       number for ``rproc_get_by_phandle``
============= ===================================================================

A signal that ends it is a crash, and so is an exit without a request, with any status:
SIGSEGV and SIGBUS are an ``mmufault``, all else is a ``fatal error``. The dump holds the
carveouts and vrings, not the program's own memory.
"""

from __future__ import annotations

import errno
import platform
from typing import TYPE_CHECKING, ClassVar

from rprocfs.base.property import Key
from rprocfs.drivers.vsoc import VsocDriver, VsocOps
from rprocfs.drivers.worker.ops import WorkerOps
from rprocfs.engines.native.engine import NativeEngine, NativeWorker
from rprocfs.fs.kernfs import error
from rprocfs.remoteproc.coredump import ELFCLASS64, rproc_coredump, rproc_coredump_add_segment
from rprocfs.remoteproc.errors import FirmwareError
from rprocfs.remoteproc.rproc import RprocOps
from rprocfs.soc.vsoc_native import NATIVE, TABLE_SIZE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rprocfs.base.platform import PlatformDevice
    from rprocfs.engines.engine import Engine
    from rprocfs.remoteproc.rproc import Rproc

#: ``uname -m`` -> the ELF machine.
EM = {"x86_64": 62, "aarch64": 183}
ET_EXEC, ET_DYN = 2, 3


class NativeOps(VsocOps):
    """A program: the host's loader loads it, only the resource table is in the RAM."""

    elf_class = ELFCLASS64
    allowed = False
    engine: NativeEngine

    def limit_cpu(self, seconds: int) -> None:
        """From the next start on."""
        self.engine.cpu_seconds = seconds

    def sanity_check(self, rproc: Rproc, fw: bytes) -> None:
        """A program, too."""
        super().sanity_check(rproc, fw)
        kind = int.from_bytes(fw[16:18], "little")
        if kind not in (ET_EXEC, ET_DYN):
            raise FirmwareError(f"native cannot run an image of type {kind}")

    def prepare(self, rproc: Rproc) -> None:
        """EPERM if the board does not allow it."""
        if not self.allowed:
            rproc.err("a native program is not allowed here: set allow-native = true in the board")
            raise error(errno.EPERM)
        super().prepare(rproc)

    def unprepare(self, rproc: Rproc) -> None:
        """Forget the program."""
        super().unprepare(rproc)
        self.engine.unload()

    def parse_fw(self, rproc: Rproc, fw: bytes) -> None:
        """The table, for which there has to be room."""
        RprocOps.parse_fw(self, rproc, fw)
        if rproc.table is not None and len(rproc.table) > TABLE_SIZE:
            raise FirmwareError(f"resource table larger than {TABLE_SIZE:#x}")

    def load(self, rproc: Rproc, fw: bytes) -> None:
        """Keep the program as it is now."""
        self.engine.load(fw, len(rproc.table or b""))

    def find_loaded_rsc_table(self, rproc: Rproc, fw: bytes) -> memoryview | None:
        """At the beginning of the RAM, of the size it had at the first boot."""
        del fw
        da = self.machine.ram.da
        return None if rproc.table is None else self.soc.memory.at(da, len(rproc.table))

    def start(self, rproc: Rproc) -> None:
        """Start the program; the errno of execve if it is not executable."""
        super().start(rproc)
        assert isinstance(self._worker, NativeWorker)
        try:
            missing = self._worker.wait_started()
        except OSError as failure:
            rproc.err(f"native: {failure.strerror}")
            self.end()
            raise
        for what in missing:
            rproc.info(f"native: the sandbox is incomplete: {what}")

    def coredump(self, rproc: Rproc) -> None:
        """Every carveout and vring that there is."""
        rproc.dump_segments.clear()
        for entry in rproc.carveouts:
            rproc_coredump_add_segment(rproc, entry.da, entry.len)
        rproc_coredump(rproc)

    def close(self) -> None:
        """The program goes as well."""
        super().close()
        self.engine.unload()


class NativeDriver(VsocDriver):
    """The platform driver."""

    name = "rproc-native"
    compatible = ("rprocfs,native",)
    prefix = "native-"
    machine = NATIVE
    elf_machine = EM.get(platform.machine(), 0)
    ops = NativeOps
    properties: ClassVar[Mapping[str, Key]] = {
        **VsocDriver.properties,
        "allow-native": Key(bool, "let programs of this host be its firmware (rprocfs,native)"),
        "cpu-seconds": Key(int, "how long such a program may compute; 0: for ever"),
    }
    engines: ClassVar[Mapping[str, type[Engine]]] = {"native": NativeEngine}

    def make_ops(self, device: PlatformDevice) -> WorkerOps:
        """With what the board allows. EINVAL for a limit that makes no sense."""
        ops = super().make_ops(device)
        assert isinstance(ops, NativeOps)
        seconds = device.properties.get("cpu-seconds", 0)
        if seconds < 0:
            device.err(f"bad cpu-seconds {seconds}")
            raise error(errno.EINVAL)
        ops.limit_cpu(seconds)
        ops.allowed = bool(device.properties.get("allow-native"))
        return ops
