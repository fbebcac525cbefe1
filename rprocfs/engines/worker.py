"""The parent's side of a worker process, the same for all engines.

**What a worker gets.** It inherits the memfd of the RAM and its ends of three stream
sockets, and is started on the I/O thread, since the kernel ties the death signal of
the parent to the *thread* that forked. When the control socket ends, so does it.

**What it tells.** Messages of the doorbell, in the codec of its machine; what the firmware
writes to its console; its exit status; on a crash (status 70)
the reason in the first line of stderr, the remoteproc crash type in the second, and the
registers in a third one.

**Callbacks** are called on the I/O thread, one at a time for all workers of an
:class:`~rprocfs.engines.io_thread.IoThread`; that for messages on the thread which takes
doorbells (:mod:`rprocfs.lib.irq`). They must be quick and must not wait for
anybody who is in :meth:`.engine.Engine.spawn` or :meth:`Worker.stop`, as these wait for the I/O
thread. :meth:`Worker.stop` may be called in the others. None is called after ``stop`` returned.
"""

from __future__ import annotations

import errno
import logging
import os
import socket
import threading
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from typing import TYPE_CHECKING

from rprocfs.engines import registers
from rprocfs.engines.death import Death
from rprocfs.engines.io_thread import IoThread
from rprocfs.locking import LockClass, might_sleep, new_lock

if TYPE_CHECKING:
    from rprocfs.arch.core import CoreSpec
    from rprocfs.engines.fork_server import Process
    from rprocfs.engines.gdb.link import Link, OnPacket
    from rprocfs.soc.machine import Machine

log = logging.getLogger(__name__)

CONSOLE_KEPT, STDERR_KEPT, CHUNK = 64 << 10, 4096, 4096
#: Reads that take what fits into a socket.
LEFT = 64


class Worker:
    """One running core of *machine*: memory by memfd, doorbell and console by socket.

    Made by :meth:`.engine.Engine.spawn`. Whoever spawned it calls :meth:`stop`, also when the
    worker died by itself; its process, descriptors and thread are gone afterwards.
    """

    #: Its sockets, by the names that its command line has them under.
    sockets: tuple[str, ...] = ("doorbell", "console", "control")

    def __init__(
        self,
        io: IoThread,
        machine: Machine,
        core: CoreSpec,
        death: Callable[[CoreSpec, int, str], Death],
        on_message: Callable[[int, bytes], bool | None],
        on_exit: Callable[[Death], None],
        on_console: Callable[[bytes], None] | None,
    ) -> None:
        self._io, self._death, self._core = io, death, core
        self._on_message, self._on_exit = on_message, on_exit
        self._doorbell_codec = machine.doorbell()
        self._on_console = on_console
        self._lock = new_lock(LockClass.WORKER)
        self._open = False
        self._stopped = False
        self._console_kept = bytearray()
        self._stderr_kept = bytearray()
        self._registers: tuple[int, ...] = ()
        #: The process stack pointer of an Armv7-M core that died on the main stack, if it is known.
        self.psp: int | None = None
        self.halted = False  # from the start on, for a debugger
        self._told = threading.Event()  # all that there is to know about the registers

    def _start(
        self,
        begin: Callable[[Mapping[str, int], int], Process],
        files: Mapping[str, int],
    ) -> None:
        """On the I/O thread: create the sockets, the process by *begin*, and watch them."""
        with ExitStack() as opened, ExitStack() as theirs:
            fds = dict(files)
            ours = {}
            for name in self.sockets:
                kind = socket.SOCK_SEQPACKET if name == "debug" else socket.SOCK_STREAM
                ours[name], other = socket.socketpair(type=kind)
                opened.callback(ours[name].close)
                fds[name] = theirs.enter_context(other).fileno()
                ours[name].setblocking(False)
            self._doorbell, self._console, self._control = list(ours.values())[:3]
            self._inputs = ours.get("inputs")
            if "debug" in ours:
                self._debug = ours["debug"]
            if self.halted:
                self._halt_at_start()
            self._stderr, other_end = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
            opened.callback(os.close, self._stderr)
            theirs.callback(os.close, other_end)
            os.set_blocking(other_end, True)
            might_sleep("starting a process")
            self._process = begin(fds, other_end)
            opened.callback(self._kill)
            self._pidfd = os.pidfd_open(self._process.pid)
            opened.callback(os.close, self._pidfd)
            for fd, callback in self._sources():
                self._io.watch(fd, callback)
                opened.callback(self._io.unwatch, fd)
            bell = self._doorbell.fileno()
            self._io.irqs.request(bell, self._rang, self._io)
            opened.callback(self._io.irqs.free, bell)
            self._opened = opened.pop_all()
            self._open = True

    def _sources(self) -> list[tuple[int, Callable[[], object]]]:
        """What is read besides, by whom. An engine that has more to listen to adds to it."""
        return [
            (self._console.fileno(), self._read_console),
            (self._stderr, self._read_stderr),
            (self._pidfd, self._died),
        ]

    @property
    def pid(self) -> int:
        """The process, for a debugger or a test; it may be gone."""
        return self._process.pid

    @property
    def console(self) -> bytes:
        """The end of what the firmware wrote to its console, up to 64 KiB."""
        return bytes(self._console_kept)

    def send(self, channel: int, payload: bytes = b"") -> bool:
        """Send a message, behind all that were sent before. Never waits.

        False: it was not sent, because the worker is dead or there is no room. What that
        means is up to the mailbox: a hint, for instance, is pending already. ValueError for
        a message that the mailbox cannot carry.
        """
        data = self._doorbell_codec.encode(channel, payload)
        # A socket of this kind takes so short a message as a whole, or not at all.
        return self._send(self._doorbell, data) == len(data)

    def send_console(self, data: bytes) -> int:
        """Send input to the console; how many bytes there was room for."""
        return self._send(self._console, data)

    def send_input(self, line: bytes) -> int:
        """Send a line about an input: as :meth:`send_console`; an engine may know of none."""
        return 0 if self._inputs is None else self._send(self._inputs, line)

    def _send(self, to: socket.socket, data: bytes) -> int:
        with self._lock:
            if not self._open:
                return 0
            try:
                return to.send(data, socket.MSG_DONTWAIT | socket.MSG_NOSIGNAL)
            except (BlockingIOError, BrokenPipeError, ConnectionResetError):
                return 0

    def call_later(self, seconds: float, function: Callable[[], object]) -> None:
        """Call *function* on the I/O thread after *seconds*, unless the worker is gone by then."""
        with self._lock:
            if self._open:
                self._io.call_later(seconds, lambda: function() if self._alive else None)

    def halt(self) -> None:
        """Execute nothing more, and tell the registers. Does not wait; not all workers can."""
        self._told.set()

    def debug(self, on_packet: OnPacket) -> Link:
        """Halt the core for a debugger. On the I/O thread, where *on_packet* is called, too.

        ESRCH if the process is gone; EOPNOTSUPP if the engine has no stub; ENOENT if that is not
        installed.
        """
        if not self._alive:
            raise ProcessLookupError(errno.ESRCH, "the processor does not run any more")
        return self._link(on_packet)

    def _link(self, on_packet: OnPacket) -> Link:
        """See :meth:`debug`; the process is alive."""
        del on_packet
        raise OSError(errno.EOPNOTSUPP, "the engine has no stub for a debugger")

    def _halt_at_start(self) -> None:
        """Have the process stand in front of the first instruction. EOPNOTSUPP."""
        raise OSError(errno.EOPNOTSUPP, "the engine cannot begin halted")

    def registers(self, seconds: float) -> tuple[int, ...]:
        """The registers of the core when it died or was halted: see :mod:`.registers`.

        Waits up to *seconds* for them after :meth:`halt`.
        """
        might_sleep("waiting for registers")
        self._told.wait(seconds)
        return self._registers

    def named_registers(self) -> dict[str, int]:
        """All registers that were told, by their names: those, and more if an engine has more."""
        return dict(zip(self._core.registers.names, self._registers, strict=False))

    @property
    def told(self) -> bool:
        """Whether all that there is to know about the registers is known."""
        return self._told.is_set()

    def _tell(self, values: tuple[int, ...]) -> None:
        self._registers = self._registers or values
        self._told.set()

    def _registers_in(self, stderr: str) -> tuple[int, ...]:
        self.psp = registers.psp_from_worker(stderr)
        return registers.from_worker(stderr, len(self._core.registers.names))

    @property
    def _alive(self) -> bool:
        return self._open and not self._stopped

    def stop(self) -> None:
        """Kill the process, reap it, close everything. Returns when all of it is gone.

        May be called again, by any thread, and after the worker died by itself.
        """
        with self._lock:
            first, self._stopped = not self._stopped, True
        self._kill()
        if first:
            self._io.call(self._close)
            self._io.release()

    def _kill(self) -> None:
        might_sleep("waiting for a process")
        self._process.kill()
        self._process.wait()

    def _close(self) -> None:
        """On the I/O thread: release everything, if that was not done before."""
        with self._lock:
            was_open, self._open = self._open, False
        if was_open:
            self._opened.close()

    def _rang(self) -> bool:
        data = _read(self._doorbell.fileno())
        if data == b"":
            self._io.irqs.disable(self._doorbell.fileno())
        return not data or self._deliver(data)

    def _read_doorbell(self) -> bool:
        data = _read(self._doorbell.fileno())
        if data:
            self._deliver(data)
        return bool(data)

    def _deliver(self, data: bytes) -> bool:
        """Hand the messages on; whether one of them was for anything."""
        handled = False
        for channel, payload in self._doorbell_codec.decode(data):
            if not self._stopped and self._on_message(channel, payload) is not False:
                handled = True
        return handled

    def _read_console(self) -> bool:
        data = self._receive(self._console.fileno())
        self._console_kept += data
        del self._console_kept[:-CONSOLE_KEPT]
        if data and self._on_console is not None and not self._stopped:
            self._on_console(data)
        return bool(data)

    def _read_stderr(self) -> bool:
        data = self._receive(self._stderr)
        self._keep_stderr(data)
        return bool(data)

    def _keep_stderr(self, data: bytes) -> None:
        """The beginning: the worker says first why it died."""
        self._stderr_kept += data[: STDERR_KEPT - len(self._stderr_kept)]

    def _receive(self, fd: int, size: int = CHUNK) -> bytes:
        """What is there to read; at the end of the file, *fd* is watched no longer."""
        data = _read(fd, size)
        if data == b"":
            self._io.unwatch(fd)
        return data or b""

    def _died(self) -> None:
        """The process is gone: take what it left, release everything, tell."""
        self._io.irqs.free(self._doorbell.fileno())
        for read in (self._read_doorbell, self._read_console, self._read_stderr):
            self._take_rest(read)
        stderr = self._stderr_kept.decode("utf-8", "replace")
        death = self._explain(self._process.wait(), stderr)
        self._tell(self._registers_in(stderr))
        log.debug("worker %d: %s", self._process.pid, death)
        self._close()
        if not self._stopped:
            self._on_exit(death)

    def _take_rest(self, read: Callable[[], bool]) -> None:
        """What the process left; not what somebody who survived it goes on to send."""
        for _ in range(LEFT):
            if not self._open or not read():
                return

    def _explain(self, status: int, stderr: str) -> Death:
        return self._death(self._core, status, stderr)


def _read(fd: int, size: int = CHUNK) -> bytes | None:
    """What is there to read, None if there is nothing, b"" at the end of the file."""
    try:
        return os.read(fd, size)
    except BlockingIOError:
        return None
    except ConnectionResetError:
        return b""
