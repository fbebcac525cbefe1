"""The platform driver of all processors that execute firmware in a worker process."""

from __future__ import annotations

import errno
import os
from collections.abc import Collection, Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, ClassVar

from rprocfs.base.platform import PlatformDevice, PlatformDriver
from rprocfs.base.property import Key
from rprocfs.drivers.worker.console import Console, ConsoleFile
from rprocfs.drivers.worker.debugger import Debugger, gdb, gdb_halt
from rprocfs.drivers.worker.ops import WorkerOps
from rprocfs.drivers.worker.soc import Soc
from rprocfs.engines.engine import Capability
from rprocfs.engines.fork_server import ForkServers
from rprocfs.engines.gdb import address as gdb_address
from rprocfs.engines.io_thread import IoThread
from rprocfs.fs.debugfs import DebugfsFile
from rprocfs.fs.kernfs import Dir, error
from rprocfs.fs.sysfs import SysfsFile
from rprocfs.locking import LockClass, new_lock
from rprocfs.remoteproc.core import devm_rproc_add, devm_rproc_alloc
from rprocfs.remoteproc.coredump import rproc_coredump_set_elf_info

if TYPE_CHECKING:
    from rprocfs.base.device import Device
    from rprocfs.engines.engine import Engine
    from rprocfs.remoteproc.rproc import Remoteproc, Rproc
    from rprocfs.soc.machine import Machine


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
        "gdb": Key(str, "where a debugger finds it: the PATH of a socket, or :PORT", live=True),
        "gdb-halt": Key(bool, "begin halted, until a debugger lets it go on", live=True),
    }

    def __init__(self, subsystem: Remoteproc) -> None:
        self._subsystem = subsystem
        self._io = IoThread(irqs=subsystem.model.tree.irqs)
        self._servers = ForkServers(self._io)
        self._debuggers: dict[Device, Debugger] = {}
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
        self.add_debugger(rproc, ops)
        devm_rproc_add(device, rproc)
        if not rproc.model.strict:
            self.add_files(rproc, ops)
        self.add_console(rproc, ops)

    def add_console(self, rproc: Rproc, ops: WorkerOps) -> None:
        """What is outside: ``console`` and ``inputs``, unless strict, or if they are asked for."""
        if rproc.model.console and ops.soc.machine.console:
            rproc.dir.add("console", ConsoleFile(ops.console))
        if rproc.model.inputs and ops.inputs is not None and rproc.debug_dir is not None:
            ops.inputs.add_files(rproc.debug_dir.add("inputs", Dir()))

    def add_debugger(self, rproc: Rproc, ops: WorkerOps) -> None:
        """A debugger may come, to where the description says."""
        device = rproc.parent_dev
        assert isinstance(device, PlatformDevice), "these processors are on the platform bus"
        ops.debugger = debugger = Debugger(self._io, rproc, ops.engine, ops.capabilities)
        debugger.halt = bool(device.properties.get("gdb-halt"))
        self._debuggers[device] = debugger
        device.devm_add_action(lambda: self._debuggers.pop(device))
        device.devm_add_action(debugger.close)
        debugger.listen(device.properties.get("gdb", ""))

    def property_changed(self, device: PlatformDevice, key: str, value: Any) -> None:
        """``gdb`` and ``gdb-halt``: a debugger may come while the processor runs. OSError."""
        debugger = self._debuggers.get(device)
        if debugger is None:
            raise error(errno.EBUSY)
        if key == "gdb":
            debugger.listen(value)
        else:
            debugger.halt_at_boot(value)

    def add_files(self, rproc: Rproc, ops: WorkerOps) -> None:
        """Add the files that no kernel has."""
        if rproc.debug_dir is not None:
            rproc.debug_dir.add("worker", DebugfsFile(ops.worker_show, fresh=True))
        if ops.debugger is not None:
            for attr in (gdb, gdb_halt):
                rproc.dir.add(attr.name, SysfsFile(attr, ops.debugger))

    def machine_of(self, device: PlatformDevice) -> Machine:
        """The SoC that *device* is a core of."""
        del device
        return self.machine

    def core(self, device: PlatformDevice) -> str:
        """The name of the core that *device* is; EINVAL if there is none."""
        return next(iter(self.machine_of(device).cores))

    def make_ops(self, device: PlatformDevice) -> WorkerOps:
        """The operations of the processor *device*; EINVAL."""
        has = device.properties.get
        log = has("console-log")
        core = self.core(device)
        engine = self._engine(device, has("engine", "auto"))
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
                soc = self._socs[place] = Soc(self.machine_of(device))
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

    def _engine(self, device: PlatformDevice, name: str) -> Engine:
        name = self._preferred(device) if name == "auto" else name
        make = self.engines.get(name)
        if make is None:
            raise refused(device, f"no engine {name}")
        engine = make(self._io, self._servers)
        machine = self.machine_of(device)
        can = engine.can(machine.cores[self.core(device)])
        self._check_debugger(device, name, engine, can)
        engine.open(machine)
        device.devm_add_action(engine.close)
        return engine

    def _check_debugger(
        self, device: PlatformDevice, name: str, engine: Engine, can: Collection[Capability]
    ) -> None:
        """EINVAL for a debugger that the engine *name* does not let in, or that cannot come."""
        has = device.properties.get
        if has("gdb") and Capability.GDB not in can:
            raise refused(device, f"gdb: the engine {name} has no stub for a debugger")
        if has("gdb") and (missing := engine.debugger_missing()):
            raise refused(device, f"gdb: {missing}")
        if has("gdb-halt") and not has("gdb"):
            raise refused(device, "gdb-halt: needs gdb, or nothing lets it go on")
        if has("gdb-halt") and Capability.HALTED not in can:
            raise refused(device, f"gdb-halt: the engine {name} cannot begin halted")
        try:
            gdb_address.check(has("gdb") or ":1")
        except ValueError as failure:
            raise refused(device, f"gdb {has('gdb')}: {failure}") from failure

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
