"""What all processors have in common that execute firmware in a worker process.

The machine (memory, doorbell bytes, what a reset does) stands in :mod:`rprocfs.soc`, how
its instructions are executed in :mod:`rprocfs.engines`; here both become a processor.
"""

from __future__ import annotations

import gc
import os
import threading
import time
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from rprocfs.drivers.worker.console import Console
from rprocfs.drivers.worker.crash_dump import merged, notes
from rprocfs.engines import death as engine_death
from rprocfs.engines.memory import SharedRam
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
from rprocfs.remoteproc.rproc import RprocOps, rproc_vq_interrupt
from rprocfs.remoteproc.state import CrashType, State
from rprocfs.soc.vsoc import (
    MAILBOX_CRASHED,
    MAILBOX_LAST_NOTIFYID,
    MAILBOX_READY,
    MAILBOX_SHUTDOWN,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from rprocfs.engines.death import Death
    from rprocfs.engines.worker import Engine, Worker
    from rprocfs.remoteproc.rproc import Rproc
    from rprocfs.soc.machine import Machine

#: Seconds that the firmware has to answer a request to shut down before it is stopped.
SHUTDOWN_GRACE = 0.05

#: Seconds that firmware which says that it crashed has to die of it, which tells more.
CRASH_GRACE = 0.2

#: Seconds that a processor that crashed has to tell its registers.
TELL_WITHIN = 0.5

_CRASHES = {
    engine_death.CrashType.MMUFAULT: CrashType.MMUFAULT,
    engine_death.CrashType.WATCHDOG: CrashType.WATCHDOG,
    engine_death.CrashType.FATAL_ERROR: CrashType.FATAL_ERROR,
}


class WorkerOps(RprocOps):
    """One core on its machine: loads into the shared RAM, runs in a worker.

    *watchdog* is after how many seconds without a heartbeat it is taken for dead, 0: never.
    """

    elf_class = ELFCLASS32

    def __init__(
        self, engine: Engine, machine: Machine, core: str, elf_machine: int, watchdog: float = 0
    ) -> None:
        self.machine = machine
        self.ram = SharedRam.of(machine, core)
        self._engine = engine
        self._core = core
        self._elf_machine = elf_machine
        self._watchdog = watchdog
        self.console = Console(self._type)
        self._vtor = machine.ram.da
        self._worker: Worker | None = None
        self._ready = threading.Event()
        self._crashed = self._dying = self._stopping = False
        self._kind = CrashType.FATAL_ERROR
        self._registers: tuple[int, ...] = ()

    @property
    def worker(self) -> Worker | None:
        """The process that executes the firmware, while there is one."""
        return self._worker

    def worker_show(self) -> bytes:
        """``worker`` in debugfs: the engine, and the process while there is one.

        ``cpu`` are seconds of it, ``rss`` bytes of memory.
        """
        name = type(self._engine).__name__.removesuffix("Engine").lower()
        worker = self._worker
        return (f"engine {name}\n" + (_usage(worker.pid) if worker else "")).encode()

    def sanity_check(self, rproc: Rproc, fw: bytes) -> None:
        """An image for this core, besides what the ELF loader asks for."""
        super().sanity_check(rproc, fw)
        machine = int.from_bytes(fw[18:20], "little")
        if elf_loader.fw_elf_get_class(fw) != self.elf_class or machine != self._elf_machine:
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

    def memories(self, rproc: Rproc) -> Iterable[Memory]:
        """The RAM, as far as :meth:`da_to_va` lets it be had."""
        del rproc
        ram = self.machine.ram
        return [Memory("ram", ram.da, self.machine.platform_page.da - ram.da)]

    def parse_fw(self, rproc: Rproc, fw: bytes) -> None:
        """The table, the dump's segments, and where the vector table is."""
        super().parse_fw(rproc, fw)
        segments = list(elf_loader.iter_load_segments(fw))
        self._vtor = self.machine.vector_table([segment.da for segment in segments])
        for segment in segments:
            rproc_coredump_add_segment(rproc, segment.da, segment.memsz)

    def start(self, rproc: Rproc) -> None:
        """Start a worker; ENOENT without the engine."""
        self._ready.clear()
        self._crashed = self._dying = self._stopping = False
        self._kind, self._registers = CrashType.FATAL_ERROR, ()
        try:
            self._worker = self._engine.spawn(
                self.machine,
                self.ram,
                core=self._core,
                vtor=self._vtor,
                on_mailbox=lambda data: self._mailbox(rproc, data),
                on_exit=lambda death: self._died(rproc, death),
                on_console=lambda data: self.console.output(data),
            )
        except OSError as failure:
            rproc.err(f"{self._core}: {failure.strerror}")
            raise
        if self._watchdog:
            self._watch(rproc, self._worker, self._heartbeat(), time.monotonic())

    def stop(self, rproc: Rproc) -> None:
        """Ask it to come to an end, then end it; after a crash, where it was."""
        worker = self._worker
        if worker is not None and rproc.state is State.CRASHED:
            worker.halt()
            self._registers = worker.registers(TELL_WITHIN)
        elif worker is not None and not (self._crashed or self._dying):
            self._stopping = True
            self.request_shutdown(rproc, worker)
        self.end()

    def request_shutdown(self, rproc: Rproc, worker: Worker) -> None:
        """Ask it to come to an end, and wait for it to agree, but not for long."""
        del rproc
        worker.send_mailbox(MAILBOX_SHUTDOWN)
        self._ready.wait(SHUTDOWN_GRACE)

    def end(self) -> None:
        """End what runs, at once."""
        if self._worker is not None:
            self._worker.stop()
            self._worker = None

    def coredump(self, rproc: Rproc) -> None:
        """All memory in use, and the registers, for a debugger."""
        segments = merged([*rproc.dump_segments, *self.memory_in_use()], self._is_one_memory)
        rproc.dump_segments.clear()
        for segment in segments:
            if self._is_one_memory(segment.da, segment.size):
                read = partial(self._read_memory, segment.da)
                rproc_coredump_add_custom_segment(rproc, segment.da, segment.size, read)
            else:
                rproc_coredump_add_segment(rproc, segment.da, segment.size)
        rproc_coredump(rproc, notes(self._elf_machine, self._registers, self._kind))

    def memory_in_use(self) -> Iterator[DumpSegment]:
        """What the firmware wrote to, but for the platform's own page."""
        limit = self.machine.platform_page.da
        for da, size in self.ram.occupied():
            if da < limit:
                yield DumpSegment(da, min(size, limit - da))

    def _is_one_memory(self, da: int, size: int) -> bool:
        return any(bank.find(da, size) >= 0 for bank in self.ram.banks)

    def _read_memory(self, da: int, offset: int, size: int) -> bytes:
        return bytes(self.ram.at(da + offset, size))

    def kick(self, rproc: Rproc, notifyid: int) -> None:
        """A byte into the mailbox."""
        del rproc
        worker = self._worker
        if worker is not None and notifyid <= MAILBOX_LAST_NOTIFYID:
            worker.kick(notifyid)

    def _type(self, data: bytes) -> int | None:
        worker = self._worker
        return None if worker is None else worker.send_console(data)

    def close(self) -> None:
        """End what still runs, give the RAM back."""
        self.end()
        self.console.close()
        # Devices that are gone still refer to each other, and to the rings in this RAM.
        gc.collect()
        with suppress(BufferError):  # somebody holds an endpoint open: the mapping goes with it
            self.ram.close()

    # On the engine's I/O thread, but for the first call of _watch().

    def _mailbox(self, rproc: Rproc, data: bytes) -> None:
        for byte in data:
            if byte <= MAILBOX_LAST_NOTIFYID:
                rproc_vq_interrupt(rproc, byte)
            elif byte == MAILBOX_READY:
                self._ready.set()
            elif byte == MAILBOX_CRASHED:
                self._says_that_it_crashed(rproc)

    def _says_that_it_crashed(self, rproc: Rproc) -> None:
        """It usually dies right afterwards, and then there is more to say."""
        self._dying = True
        worker = self._worker
        if worker is None:  # it was started just now
            self._report(rproc, CrashType.FATAL_ERROR)
        else:
            worker.call_later(CRASH_GRACE, lambda: self._report(rproc, CrashType.FATAL_ERROR))

    def _died(self, rproc: Rproc, death: Death) -> None:
        kind = death.crash_type
        if self._stopping and death.kind == "exit":
            self._ready.set()
            return
        rproc.err(f"{self._core}: {death.reason}")
        self._report(rproc, CrashType.FATAL_ERROR if kind is None else _CRASHES[kind])
        self._ready.set()

    def _heartbeat(self) -> int:
        word = self.ram.at(self.machine.platform_page.da, 4).cast("I")
        value: int = word[0]
        word.release()
        return value

    def _watch(self, rproc: Rproc, worker: Worker, beat: int, since: float) -> None:
        """Look again soon whether the heartbeat is still *beat*, as it is *since* then."""
        worker.call_later(self._watchdog / 4, lambda: self._look(rproc, worker, beat, since))

    def _look(self, rproc: Rproc, worker: Worker, beat: int, since: float) -> None:
        now, seen = time.monotonic(), self._heartbeat()
        if seen != beat:
            beat, since = seen, now
        elif now - since >= self._watchdog:
            rproc.err(f"{self._core}: no heartbeat for {self._watchdog * 1000:.0f} ms")
            self._report(rproc, CrashType.WATCHDOG)
            return
        self._watch(rproc, worker, beat, since)

    def _report(self, rproc: Rproc, kind: CrashType) -> None:
        """Once a boot."""
        if not self._crashed:
            self._crashed, self._kind = True, kind
            if self._worker is not None:
                self._worker.halt()
            rproc_report_crash(rproc, kind)


def _usage(pid: int) -> str:
    """What proc_pid_stat(5) says; nothing of a process that is gone."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text("ascii", "replace").rpartition(")")[2].split()
    except OSError:
        return ""
    cpu = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return f"pid {pid}\ncpu {cpu:.2f}\nrss {int(fields[21]) * os.sysconf('SC_PAGE_SIZE')}\n"
