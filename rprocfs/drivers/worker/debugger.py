"""A processor's debugger: where it is found, and what the rest of the driver has to know of it.

A halted processor is not a crashed one: its state stays ``running``, and watchdogs wait. The
files ``gdb`` and ``gdb_halt`` are no kernel's, so a strict tree has none.
"""

from __future__ import annotations

import errno
from functools import partial
from typing import TYPE_CHECKING

from rprocfs.drivers.worker.crash_dump import SIGNALS
from rprocfs.engines.engine import Capability
from rprocfs.engines.gdb import address as gdb_address
from rprocfs.engines.gdb.server import GdbServer
from rprocfs.fs.kernfs import error
from rprocfs.fs.sysfs import attribute
from rprocfs.lib.kstrtox import kstrtobool
from rprocfs.locking import LockClass, new_lock
from rprocfs.remoteproc import boot
from rprocfs.remoteproc.state import CrashType, State

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from rprocfs.engines.engine import Engine
    from rprocfs.engines.io_thread import IoThread
    from rprocfs.engines.worker import Worker
    from rprocfs.remoteproc.rproc import Rproc


class Debugger:
    """The debugger of *rproc*, on *io*; its *engine* and core *can* do so much.

    *address* is where it listens while the processor runs, empty if it does not; *halt*: each boot
    begins halted, if there is an address.
    """

    def __init__(
        self, io: IoThread, rproc: Rproc, engine: Engine, can: Collection[Capability]
    ) -> None:
        self._io, self._rproc, self._engine, self._can = io, rproc, engine, can
        self._lock = new_lock(LockClass.DEBUGGER)
        self._server: GdbServer | None = None
        self._worker: Worker | None = None
        self.address = ""
        self._halt_next = False  # the boot that a client asked for
        self.halt = False

    @property
    def attached(self) -> bool:
        """Whether a client is there, or the core waits for one: time may stand still."""
        server = self._server
        return server is not None and server.attached

    def listen(self, address: str) -> None:
        """Listen at *address* while the processor runs, nowhere if it is empty.

        EINVAL for an address that makes no sense; EOPNOTSUPP if the engine has no stub, ENOENT if
        what it needs for one is not installed. If the processor runs, the errno of bind(2), and
        then nothing changes.
        """
        if address and Capability.GDB not in self._can:
            raise error(errno.EOPNOTSUPP)
        if address and (missing := self._engine.debugger_missing()):
            self._rproc.err(f"gdb {address}: {missing}")
            raise error(errno.ENOENT)
        with self._lock:
            if address == self.address:
                return
            try:
                gdb_address.check(address or ":1")
            except ValueError as failure:
                self._rproc.err(f"gdb {address}: {failure}")
                raise error(errno.EINVAL) from failure
            worker = self._worker
            server = self._serve(address) if address and worker is not None else None
            before, self._server, self.address = self._server, server, address
            if server is not None and worker is not None:
                server.started(worker, halted=False)
        if before is not None:
            before.close()

    def _serve(self, address: str) -> GdbServer:
        try:
            return GdbServer(
                self._io, address, self._reset, lambda why: self._rproc.err(f"gdb {address}: {why}")
            )
        except OSError as failure:
            self._rproc.err(f"gdb {address}: {failure.strerror}")
            raise

    def halt_at_boot(self, halt: bool) -> None:
        """Whether each boot begins halted. EOPNOTSUPP if the engine cannot do that."""
        if halt and Capability.HALTED not in self._can:
            raise error(errno.EOPNOTSUPP)
        self.halt = halt

    def close(self) -> None:
        """Listen no more."""
        with self._lock:
            before, self._server = self._server, None
        if before is not None:
            before.close()

    # What happens to the processor.

    def starting(self) -> bool:
        """The processor is about to be started; whether it begins halted. The errno of bind(2)."""
        halted, self._halt_next = self._halt_next, False
        with self._lock:
            if self.address and self._server is None:
                self._server = self._serve(self.address)
            return self._server is not None and (halted or self.halt)

    def started(self, worker: Worker, halted: bool) -> None:
        """The processor runs, or stands in front of its first instruction."""
        self._worker = worker
        if self._server is not None:
            self._server.started(worker, halted)

    def stopped(self) -> None:
        """It does not run any more."""
        self._worker = None
        if self._server is not None:
            self._server.stopped()

    def crashed(
        self,
        registers: Mapping[str, int],
        memory: Callable[[], Mapping[int, bytes]],
        kind: CrashType,
    ) -> None:
        """It crashed; a client may look at what is left of it."""
        server = self._server
        if server is not None and server.attached:
            server.crashed(registers, memory(), SIGNALS[kind])

    def _reset(self, halt: bool) -> None:
        """On the I/O thread: boot it anew, for a client."""
        server = self._server
        if Capability.HALTED not in self._can:
            if server is not None:
                server.not_started("the engine cannot begin halted")
            return
        self._rproc.workqueue.queue_work(partial(self._restart, halt))

    def _restart(self, halt: bool) -> None:
        rproc, server = self._rproc, self._server
        try:
            with rproc.lock:
                if rproc.state not in (State.RUNNING, State.CRASHED):
                    raise OSError(errno.EINVAL, f"the processor is {rproc.state}")
                boot.rproc_stop(rproc, crashed=rproc.state is State.CRASHED)
                self._halt_next = halt
                boot.rproc_start(rproc, boot.request_firmware(rproc))
        except OSError as failure:
            if server is not None:
                server.not_started(failure.strerror or str(failure))
            return
        # Only now: what a debugger asks next finds the state "running".
        if server is not None:
            server.restarted()
        rproc.ops.settle(rproc)


@attribute(empty_line=True)
def gdb(debugger: Debugger) -> str:
    """The argument of gdb's ``target remote``; empty if no debugger can come."""
    return debugger.address


@gdb.store(sleeps=True)
def _(debugger: Debugger, buf: str) -> None:
    """``PATH`` or ``:PORT``, or nothing: see :meth:`Debugger.listen`."""
    debugger.listen(buf.removesuffix("\n"))


@attribute
def gdb_halt(debugger: Debugger) -> str:
    """``1`` if each boot begins halted, until a debugger lets the core go on."""
    return str(int(debugger.halt))


@gdb_halt.store
def _(debugger: Debugger, buf: str) -> None:
    """A boolean: see :meth:`Debugger.halt_at_boot`."""
    try:
        halt = kstrtobool(buf)
    except ValueError as failure:
        raise error(errno.EINVAL) from failure
    debugger.halt_at_boot(halt)
