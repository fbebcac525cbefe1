"""The operations common to all processors that execute firmware in a worker process.

:mod:`rprocfs.soc` describes a SoC, and :mod:`rprocfs.engines` executes the instructions of its
cores; this module makes a processor of the two. The driver of the SoC decides what a message of
the doorbell means.
"""

from __future__ import annotations

import os
import threading
from abc import abstractmethod
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from rprocfs.drivers.worker import symbolize
from rprocfs.drivers.worker.console import Console
from rprocfs.drivers.worker.crash_dump import merged, notes
from rprocfs.drivers.worker.inputs import Inputs
from rprocfs.drivers.worker.observe import Recorders
from rprocfs.engines import death as engine_death
from rprocfs.engines.engine import Capability
from rprocfs.remoteproc import elf_loader
from rprocfs.remoteproc.coredump import (
    ELFCLASS32,
    rproc_coredump,
    rproc_coredump_add_custom_segment,
    rproc_coredump_add_segment,
)
from rprocfs.remoteproc.dump_segment import DumpSegment
from rprocfs.remoteproc.errors import FirmwareError
from rprocfs.remoteproc.recovery import rproc_report_crash
from rprocfs.remoteproc.regions import Memory
from rprocfs.remoteproc.rproc import RprocOps
from rprocfs.remoteproc.state import CrashType, State

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from rprocfs.drivers.worker.debugger import Debugger
    from rprocfs.drivers.worker.soc import Soc
    from rprocfs.engines.death import Death
    from rprocfs.engines.engine import Capability, Engine
    from rprocfs.engines.worker import Worker
    from rprocfs.remoteproc.rproc import Rproc
    from rprocfs.soc.machine import Bank

#: The longest wait, in seconds, for the registers of a crashed processor.
TELL_WITHIN = 0.5
#: After that long they are asked for again, for a debugger.
TELL_AGAIN = 0.01

_CRASHES = {
    engine_death.CrashType.MMUFAULT: CrashType.MMUFAULT,
    engine_death.CrashType.WATCHDOG: CrashType.WATCHDOG,
    engine_death.CrashType.FATAL_ERROR: CrashType.FATAL_ERROR,
}


class WorkerOps(RprocOps):
    """The core called *core* of *soc*: loads into the SoC's memory, runs in a worker.

    A driver for its SoC implements :meth:`message` and ``kick``, and
    :meth:`request_shutdown` if its firmware can be asked to come to an end.
    """

    elf_class = ELFCLASS32
    #: A kernel has this driver: under ``strict`` the dump is the one that it makes.
    in_kernel = False

    def __init__(self, soc: Soc, engine: Engine, core: str, elf_machine: int) -> None:
        self.soc = soc
        self.engine = engine
        self.debugger: Debugger | None = None
        self._core = core
        self._elf_machine = elf_machine
        self.console = Console(self._type)
        self.inputs = self._make_inputs()
        self._boot = soc.machine.boot(core, 0, ())
        self._worker: Worker | None = None
        self.ended = threading.Event()  # the firmware has ended, or has announced its end
        self._crashed = self._dying = self._stopping = False
        self._kind = CrashType.FATAL_ERROR
        self._registers: tuple[int, ...] = ()
        self._image = b""  # that was loaded, if anything is to be said about it
        self._recorders: Recorders | None = None

    def _make_inputs(self) -> Inputs | None:
        """What the outside decides, if anything. Raises what :mod:`rprocfs.soc.devices` does."""
        engine = self.engine
        if Capability.INPUTS not in engine.capabilities:
            return None
        found = self.soc.machine.inputs(self._core, engine.devices)
        if not found:
            return None
        inputs = Inputs(found, self._drive)
        engine.files["input-page"] = inputs.memory.fd
        return inputs

    @property
    def worker(self) -> Worker | None:
        """The process that executes the firmware, while there is one."""
        return self._worker

    @property
    def capabilities(self) -> frozenset[Capability]:
        """What the engine can do with this core."""
        return self.engine.can(self.soc.machine.cores[self._core])

    def worker_show(self) -> bytes:
        """``worker`` in debugfs: the engine, and the process while there is one.

        ``cpu`` are seconds of it, ``rss`` bytes of memory.
        """
        name = type(self.engine).__name__.removesuffix("Engine").lower()
        worker = self._worker
        return (f"engine {name}\n" + (_usage(worker.pid) if worker else "")).encode()

    def sanity_check(self, rproc: Rproc, fw: bytes) -> None:
        """Check that the image is for this core, after the checks of the ELF loader."""
        super().sanity_check(rproc, fw)
        machine = int.from_bytes(fw[18:20], "little")
        if elf_loader.fw_elf_get_class(fw) != self.elf_class or machine != self._elf_machine:
            raise FirmwareError(f"{self._core} cannot run an image for machine {machine}")

    def prepare(self, rproc: Rproc) -> None:
        """Give the core power: its memory can be loaded."""
        del rproc
        self.soc.power_on(self._core)

    def unprepare(self, rproc: Rproc) -> None:
        """Cut the power, unless the core was left running by ``detach``."""
        del rproc
        if self._worker is None:
            self.soc.power_off(self._core)

    def da_to_va(self, rproc: Rproc, da: int, length: int) -> memoryview | None:
        """The memory of the SoC."""
        del rproc
        return self.soc.memory.find(da, length)

    def memories(self, rproc: Rproc) -> Iterable[Memory]:
        """The banks of the SoC."""
        del rproc
        return [Memory(bank.name, bank.da, bank.size) for bank in self.soc.machine.banks]

    def vector_table(self, rproc: Rproc) -> int | None:
        """The first segment of the image, or the fixed address of the machine; of Armv7-M only."""
        del rproc
        architecture = self.soc.machine.cores[self._core].architecture
        return self._boot.address if architecture == "armv7m" else None

    def parse_fw(self, rproc: Rproc, fw: bytes) -> None:
        """The table, the dump's segments, and where the core begins."""
        super().parse_fw(rproc, fw)
        segments = list(elf_loader.iter_load_segments(fw))
        entry = elf_loader.rproc_elf_get_boot_addr(fw)
        loaded = [segment.da for segment in segments]
        self._boot = self.soc.machine.boot(self._core, entry, loaded)
        for segment in segments:
            rproc_coredump_add_segment(rproc, segment.da, segment.memsz)

    def load(self, rproc: Rproc, fw: bytes) -> None:
        """Copy the segments into the memory. FirmwareError."""
        super().load(rproc, fw)
        self._image = fw if rproc.model.observe.anything else b""

    def start(self, rproc: Rproc) -> None:
        """Start a worker; ENOENT without the engine."""
        if rproc.model.observe.anything:
            if self._recorders is None:
                self._recorders = Recorders(rproc, self.engine, self._banks)
            self._recorders.begin(self._image)
        self.ended.clear()
        self._crashed = self._dying = self._stopping = False
        self._kind, self._registers = CrashType.FATAL_ERROR, ()
        debugger = self.debugger
        self._boot.halted = halted = debugger is not None and debugger.starting()
        try:
            self._worker = self.soc.release(
                self.engine,
                self._boot,
                on_message=partial(self.message, rproc),
                on_exit=lambda death: self._died(rproc, death),
                on_console=self._heard,
            )
        except OSError as failure:
            rproc.err(f"{self._core}: {failure.strerror}")
            raise
        if self._recorders is not None:
            self._recorders.running(self._worker)
        if debugger is not None:
            debugger.started(self._worker, halted)

    def stop(self, rproc: Rproc) -> None:
        """Ask the firmware to end, then end the worker. A crashed one is ended as it is."""
        worker = self._worker
        if worker is not None and rproc.state is State.CRASHED:
            worker.halt()
            self._registers = worker.registers(TELL_WITHIN)
            self._tell_debugger(worker)
        elif worker is not None and not (self._crashed or self._dying):
            self._stopping = True
            self.request_shutdown(rproc, worker)
        self.end()

    def request_shutdown(self, rproc: Rproc, worker: Worker) -> None:
        """Ask the firmware to end, and wait briefly for its answer."""

    def end(self) -> None:
        """End the worker at once."""
        if self._worker is not None:
            self._worker.stop()
            self._worker = None
            if self._recorders is not None:
                self._recorders.end()
            if self.debugger is not None:
                self.debugger.stopped()
            if self.inputs is not None:
                self.inputs.reset()

    @property
    def _banks(self) -> Sequence[Bank]:
        """The memory that the core sees."""
        return self.soc.machine.seen_by(self._core)

    def crashed(self, rproc: Rproc) -> None:
        """Say where it crashed, if that is asked for."""
        worker = self._worker
        if worker is not None and self._image and rproc.model.observe.symbolize:
            worker.halt()
            registers = worker.registers(TELL_WITHIN)
            lines = symbolize.backtrace(
                self._image, self.soc.memory.fd, self._banks, registers, worker.psp
            )
            symbolize.report(rproc, lines)

    def coredump(self, rproc: Rproc) -> None:
        """All memory in use, and the registers, for a debugger; see :attr:`in_kernel`."""
        if self.in_kernel and rproc.model.strict:
            rproc_coredump(rproc)
            return
        segments = merged([*rproc.dump_segments, *self.memory_in_use()], self._is_one_memory)
        rproc.dump_segments.clear()
        for segment in segments:
            if self._is_one_memory(segment.da, segment.size):
                read = partial(self._read_memory, segment.da)
                rproc_coredump_add_custom_segment(rproc, segment.da, segment.size, read)
            else:
                rproc_coredump_add_segment(rproc, segment.da, segment.size)
        spec = self.soc.machine.cores[self._core]
        rproc_coredump(rproc, notes(spec.registers, self._registers, self._kind))

    def memory_in_use(self) -> Iterator[DumpSegment]:
        """All memory that was ever written to."""
        for da, size in self.soc.memory.occupied():
            yield DumpSegment(da, size)

    def _is_one_memory(self, da: int, size: int) -> bool:
        return any(bank.find(da, size) >= 0 for bank in self.soc.memory.banks)

    def _read_memory(self, da: int, offset: int, size: int) -> bytes:
        return bytes(self.soc.memory.at(da + offset, size))

    def send(self, channel: int, payload: bytes = b"") -> bool:
        """Send a message to the firmware: see :meth:`Worker.send`. False if it does not run."""
        worker = self._worker
        return worker is not None and worker.send(channel, payload)

    def _type(self, data: bytes) -> int | None:
        worker = self._worker
        return None if worker is None else worker.send_console(data)

    def _drive(self, line: bytes) -> int | None:
        worker = self._worker
        if worker is None or self._crashed or self.ended.is_set():
            return None
        return worker.send_input(line)

    def close(self) -> None:
        """End what still runs."""
        self.end()
        self.soc.power_off(self._core)
        self.console.close()
        if self.inputs is not None:
            self.inputs.close()

    # On the engine's I/O thread.

    @abstractmethod
    def message(self, rproc: Rproc, channel: int, payload: bytes) -> bool | None:
        """The firmware sent *payload* on *channel*. Must be quick: see :mod:`.engines.worker`.

        False: for nothing.
        """

    def _heard(self, data: bytes) -> None:
        if self._recorders is not None:
            self._recorders.heard(data)
        self.console.output(data)

    def _died(self, rproc: Rproc, death: Death) -> None:
        kind = death.crash_type
        if self._stopping and death.kind == "exit":
            self.ended.set()
            return
        rproc.err(f"{self._core}: {death.reason}")
        self._report(rproc, CrashType.FATAL_ERROR if kind is None else _CRASHES[kind])
        self.ended.set()

    def _report(self, rproc: Rproc, kind: CrashType) -> None:
        """Report a crash, at most once for each boot."""
        if not self._crashed:
            self._crashed, self._kind = True, kind
            if self._worker is not None:
                self._worker.halt()
                self._tell_debugger_soon(self._worker, TELL_WITHIN)
            rproc_report_crash(rproc, kind)

    def _tell_debugger_soon(self, worker: Worker, seconds: float) -> None:
        """As soon as the registers are known, for which there are *seconds* left."""
        if worker.told or seconds <= 0:
            self._tell_debugger(worker)
        else:
            left = seconds - TELL_AGAIN
            worker.call_later(TELL_AGAIN, lambda: self._tell_debugger_soon(worker, left))

    def _tell_debugger(self, worker: Worker) -> None:
        """What is left of a crashed processor: memory as it is now."""
        if self.debugger is not None:
            self.debugger.crashed(worker.named_registers(), self._remains, self._kind)

    def _remains(self) -> dict[int, bytes]:
        memory = merged(self.memory_in_use(), self._is_one_memory)
        return {segment.da: self._read_memory(segment.da, 0, segment.size) for segment in memory}


def _usage(pid: int) -> str:
    """What proc_pid_stat(5) says; nothing of a process that is gone."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text("ascii", "replace").rpartition(")")[2].split()
    except OSError:
        return ""
    cpu = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return f"pid {pid}\ncpu {cpu:.2f}\nrss {int(fields[21]) * os.sysconf('SC_PAGE_SIZE')}\n"
