"""What the processors of the family of vsoc/1 have in common: doorbell and heartbeat.

The bytes of the doorbell are those of :mod:`rprocfs.soc.vsoc`. Every processor of this
family is a SoC of its own.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, ClassVar, cast

from rprocfs.base.property import Key
from rprocfs.drivers.worker.driver import WorkerDriver, refused
from rprocfs.drivers.worker.ops import WorkerOps
from rprocfs.remoteproc.dump_segment import DumpSegment
from rprocfs.remoteproc.regions import Memory
from rprocfs.remoteproc.rproc import rproc_vq_interrupt
from rprocfs.remoteproc.state import CrashType
from rprocfs.soc.vsoc import (
    MAILBOX_CRASHED,
    MAILBOX_LAST_NOTIFYID,
    MAILBOX_READY,
    MAILBOX_SHUTDOWN,
    Vsoc,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from rprocfs.base.platform import PlatformDevice
    from rprocfs.engines.worker import Worker
    from rprocfs.remoteproc.rproc import Rproc

#: Seconds that the firmware has to answer a request to shut down before it is stopped.
SHUTDOWN_GRACE = 0.05

#: Seconds that firmware which says that it crashed has to die of it, which tells more.
CRASH_GRACE = 0.2


class VsocOps(WorkerOps):
    """*watchdog* is after how many seconds without a heartbeat it is taken for dead, 0: never."""

    watchdog: float = 0

    @property
    def machine(self) -> Vsoc:
        """The machine, which is of this family."""
        return cast(Vsoc, self.soc.machine)

    def da_to_va(self, rproc: Rproc, da: int, length: int) -> memoryview | None:
        """The RAM, but for the platform's own page."""
        if da + length > self.machine.platform_page.da:
            return None
        return super().da_to_va(rproc, da, length)

    def memories(self, rproc: Rproc) -> Iterable[Memory]:
        """The RAM, but for the platform's own page."""
        del rproc
        ram = self.machine.ram
        return [Memory("ram", ram.da, self.machine.platform_page.da - ram.da)]

    def start(self, rproc: Rproc) -> None:
        """Start a worker, and watch its heartbeat; ENOENT without the engine."""
        super().start(rproc)
        if self.watchdog and self._worker is not None:
            self._watch(rproc, self._worker, self._heartbeat(), time.monotonic())

    def kick(self, rproc: Rproc, notifyid: int) -> None:
        """Ring. A doorbell that is full has a hint pending already."""
        del rproc
        if notifyid <= MAILBOX_LAST_NOTIFYID:
            self.send(notifyid)

    def request_shutdown(self, rproc: Rproc, worker: Worker) -> None:
        """Ask, and wait for the consent."""
        del rproc
        worker.send(MAILBOX_SHUTDOWN)
        self.ended.wait(SHUTDOWN_GRACE)

    def memory_in_use(self) -> Iterator[DumpSegment]:
        """What the firmware wrote to, but for the platform's own page."""
        limit = self.machine.platform_page.da
        for segment in super().memory_in_use():
            if segment.da < limit:
                yield DumpSegment(segment.da, min(segment.size, limit - segment.da))

    # On the engine's I/O thread, but for the first call of _watch().

    def message(self, rproc: Rproc, channel: int, payload: bytes) -> bool | None:
        """A vring's number, or one of the codes."""
        del payload
        if channel <= MAILBOX_LAST_NOTIFYID:
            return rproc_vq_interrupt(rproc, channel)
        if channel == MAILBOX_READY:
            self.ended.set()
        elif channel == MAILBOX_CRASHED:
            self._says_that_it_crashed(rproc)
        return None

    def _says_that_it_crashed(self, rproc: Rproc) -> None:
        """It usually dies right afterwards, and then there is more to say."""
        self._dying = True
        worker = self._worker
        if worker is None:  # it was started just now
            self._report(rproc, CrashType.FATAL_ERROR)
        else:
            worker.call_later(CRASH_GRACE, lambda: self._report(rproc, CrashType.FATAL_ERROR))

    def _heartbeat(self) -> int:
        word = self.soc.memory.at(self.machine.platform_page.da, 4).cast("I")
        value: int = word[0]
        word.release()
        return value

    def _watch(self, rproc: Rproc, worker: Worker, beat: int, since: float) -> None:
        """Look again soon whether the heartbeat is still *beat*, as it is *since* then."""
        worker.call_later(self.watchdog / 4, lambda: self._look(rproc, worker, beat, since))

    def _look(self, rproc: Rproc, worker: Worker, beat: int, since: float) -> None:
        now, seen = time.monotonic(), self._heartbeat()
        debugger = self.debugger
        # Time may stand still in a debugger.
        if seen != beat or (debugger is not None and debugger.attached):
            beat, since = seen, now
        elif now - since >= self.watchdog:
            rproc.err(f"{self._core}: no heartbeat for {self.watchdog * 1000:.0f} ms")
            self._report(rproc, CrashType.WATCHDOG)
            return
        self._watch(rproc, worker, beat, since)


class VsocDriver(WorkerDriver):
    """A platform driver of such processors; the last part of ``compatible`` names the core."""

    ops: type[WorkerOps] = VsocOps
    properties: ClassVar[Mapping[str, Key]] = {
        **WorkerDriver.properties,
        "watchdog-ms": Key(int, "how long its heartbeat may stand still; 0: for ever"),
    }

    def core(self, device: PlatformDevice) -> str:
        """``rprocfs,CORE``."""
        return str(device.properties.get("compatible", self.compatible[-1])).partition(",")[2]

    def make_ops(self, device: PlatformDevice) -> WorkerOps:
        """With its watchdog. EINVAL for one that makes no sense."""
        has = device.properties.get
        watchdog = has("watchdog-ms", 0)
        if watchdog < 0:
            raise refused(device, f"bad watchdog-ms {watchdog}")
        ops = super().make_ops(device)
        assert isinstance(ops, VsocOps)
        # Time stands still in a debugger.
        ops.watchdog = 0 if has("gdb") else watchdog / 1000
        return ops
