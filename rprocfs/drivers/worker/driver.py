"""The platform driver of all processors that execute firmware in a worker process."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, ClassVar

from rprocfs.base.platform import PlatformDevice, PlatformDriver
from rprocfs.base.property import Key
from rprocfs.drivers.worker.console import Console, ConsoleFile
from rprocfs.drivers.worker.ops import WorkerOps
from rprocfs.drivers.worker.soc import Soc
from rprocfs.engines.engine import Capability
from rprocfs.engines.io_thread import IoThread
from rprocfs.fs.debugfs import DebugfsFile
from rprocfs.fs.kernfs import Dir, error
from rprocfs.fs.sysfs import SysfsFile, attribute
from rprocfs.locking import LockClass, new_lock
from rprocfs.remoteproc.core import devm_rproc_add, devm_rproc_alloc
from rprocfs.remoteproc.coredump import rproc_coredump_set_elf_info

if TYPE_CHECKING:
    from rprocfs.base.device import Device
    from rprocfs.engines.engine import Engine
    from rprocfs.remoteproc.rproc import Remoteproc, Rproc
    from rprocfs.soc.machine import Machine

#: ``sizeof(sun_path)``, with its NUL.
SOCKET_PATH_MAX = 108


@attribute
def gdb(path: str) -> str:
    """The argument of gdb's ``target remote``."""
    return path


class WorkerDriver(PlatformDriver):
    """A platform driver of such processors; a subclass says of which ones.

    *machine* is the SoC that they are on, *elf_machine* the one of their images, *engines* are
    those that execute them and *best* names the one that ``auto`` stands for. *ops* are their
    operations, *prefix* and a number the label of one without. *shared*: the processors below
    one bus are cores of one SoC; else each of them has a SoC of its own.
    """

    prefix: str
    machine: Machine
    elf_machine: int
    ops: type[WorkerOps]
    engines: ClassVar[Mapping[str, type[Engine]]]
    shared = False
    properties: ClassVar[Mapping[str, Key]] = {
        "engine": Key(str, "what executes its firmware: auto, qemu or unicorn"),
        "console-log": Key(str, "a file that its console is copied to"),
        "devices": Key(list, "what is at its buses: PLACE=FILE.py:CLASS (Unicorn)"),
        "gdb": Key(str, "a socket at which a debugger finds it (QEMU)"),
    }

    def __init__(self, subsystem: Remoteproc) -> None:
        self._subsystem = subsystem
        self._io = IoThread(irqs=subsystem.model.tree.irqs)
        self._socs: dict[Device, Soc] = {}
        self._lock = new_lock(LockClass.SOCS)

    @classmethod
    def elf_machines(cls, properties: Mapping[str, Any]) -> tuple[int, ...]:
        """Those that its core executes."""
        return (cls.elf_machine,)

    def best(self) -> str:
        """The name of the engine to use if the description names none."""
        return next(iter(self.engines))

    def probe(self, device: PlatformDevice) -> None:
        """Make the processor; EINVAL for a description that makes no sense."""
        has = device.properties.get
        ops = self.make_ops(device)
        name, firmware = has("label") or f"{self.prefix}{device.id}", has("firmware-name")
        rproc = devm_rproc_alloc(self._subsystem, device, name, ops, firmware, ops.soc.dma)
        rproc_coredump_set_elf_info(rproc, ops.elf_class, self.elf_machine)
        rproc.phandle = has("phandle")
        rproc.auto_boot = bool(has("auto-boot"))
        devm_rproc_add(device, rproc)
        if not rproc.model.strict:
            self.add_files(rproc, ops, has("gdb", ""))
        self.add_console(rproc, ops)

    def add_console(self, rproc: Rproc, ops: WorkerOps) -> None:
        """What is outside: ``console`` and ``inputs``, unless strict, or if they are asked for."""
        if rproc.model.console and self.machine.console:
            rproc.dir.add("console", ConsoleFile(ops.console))
        if rproc.model.inputs and ops.inputs is not None and rproc.debug_dir is not None:
            ops.inputs.add_files(rproc.debug_dir.add("inputs", Dir()))

    def add_files(self, rproc: Rproc, ops: WorkerOps, socket: str) -> None:
        """Add the files that no kernel has."""
        if rproc.debug_dir is not None:
            rproc.debug_dir.add("worker", DebugfsFile(ops.worker_show, fresh=True))
        if socket:
            rproc.dir.add(gdb.name, SysfsFile(gdb, socket))

    def core(self, device: PlatformDevice) -> str:
        """The name of the core that *device* is; EINVAL if there is none."""
        del device
        return next(iter(self.machine.cores))

    def make_ops(self, device: PlatformDevice) -> WorkerOps:
        """The operations of the processor *device*; EINVAL."""
        has = device.properties.get
        log = has("console-log")
        core = self.core(device)
        engine = self._engine(device, has("engine", "auto"), has("gdb", ""))
        engine.devices = _devices(device, engine, has("devices", ()))
        try:
            ops = self.ops(self._soc(device), engine, core, self.elf_machine)
        except Exception as failure:
            if not engine.devices:
                raise
            raise refused(device, f"devices: {failure!r}") from failure
        device.devm_add_action(ops.close)
        if log:
            ops.console = Console(ops.console.send, _log(device, log), device.err)
        return ops

    def _soc(self, device: PlatformDevice) -> Soc:
        """The SoC that *device* is a core of, until the device goes."""
        place: Device = device.parent if self.shared and device.parent is not None else device
        with self._lock:
            soc = self._socs.get(place)
            if soc is None:
                soc = self._socs[place] = Soc(self.machine)
            soc.users += 1
        device.devm_add_action(partial(self._put_soc, place))
        return soc

    def _put_soc(self, place: Device) -> None:
        with self._lock:
            soc = self._socs[place]
            soc.users -= 1
            if soc.users:
                return
            del self._socs[place]
        soc.close()

    def _preferred(self, device: PlatformDevice) -> str:
        """:meth:`best`, unless something is to be recorded that another engine can."""
        observe = device.model.observe
        if observe.coverage is not None or observe.profile is not None:
            for name, engine in self.engines.items():
                if Capability.COVERAGE in engine.capabilities:
                    return name
        return self.best()

    def _engine(self, device: PlatformDevice, name: str, socket: str) -> Engine:
        make = self.engines.get(self._preferred(device) if name == "auto" else name)
        if make is None:
            raise refused(device, f"no engine {name}")
        if not socket:
            return make(self._io)
        if Capability.GDB not in make.capabilities:
            raise refused(device, f"gdb: the engine {name} has no stub for a debugger")
        if not socket.startswith("/") or len(socket.encode()) >= SOCKET_PATH_MAX:
            raise refused(device, f"gdb {socket}: has to be absolute, and shorter")
        if os.path.lexists(socket) and not Path(socket).is_socket():
            raise refused(device, f"gdb {socket}: is there, and no socket")
        before = _socket(Path(socket))
        device.devm_add_action(lambda: _remove_socket(Path(socket), before))
        return make(self._io, socket)

    def remove(self, device: PlatformDevice) -> None:
        """All of it is undone by the device's resources."""


def _devices(device: PlatformDevice, engine: Engine, said: Iterable[str]) -> list[str]:
    """The key ``devices``, with absolute paths; EINVAL."""
    found = []
    for one in said:
        place, equals, source = one.partition("=")
        path, colon, kind = source.strip().rpartition(":")
        if not equals or not colon or Capability.INPUTS not in engine.capabilities:
            raise refused(device, f"devices: {one}: not PLACE=FILE.py:CLASS, or not on Unicorn")
        found.append(f"{place.strip()}={Path(path).absolute()}:{kind}")
    return found


def refused(device: PlatformDevice, why: str) -> OSError:
    """The EINVAL of a description that makes no sense; *why* is logged."""
    device.err(why)
    return error(errno.EINVAL)


def _socket(path: Path) -> tuple[int, int] | None:
    """Which socket is there."""
    try:
        about = path.lstat()
    except OSError:
        return None
    return (about.st_ino, about.st_ctime_ns) if stat.S_ISSOCK(about.st_mode) else None


def _remove_socket(path: Path, before: tuple[int, int] | None) -> None:
    """Remove the one that QEMU made; one that was there *before* may be another board's."""
    if _socket(path) not in (None, before):
        path.unlink(missing_ok=True)


def _log(device: PlatformDevice, path: str) -> BinaryIO:
    try:
        # Never waits for the reader of a FIFO, neither here nor in a write.
        return open(
            path,
            "ab",
            buffering=0,
            opener=lambda name, how: os.open(name, how | os.O_NONBLOCK, 0o666),
        )
    except OSError as failure:
        device.err(f"console-log {path}: {failure.strerror}")
        raise
