"""The native engine: a program of this host is the firmware, in a process of its own.

The contract is that of :mod:`.worker`; the worker is :mod:`.native_launcher`, which puts
the program into a sandbox (:mod:`.native_sandbox`) and watches it. What the program finds
there is described in ``rprocfs/kit/rprocfs_native.h``.

The program is a sealed memfd: what was checked is what is executed, wherever the file is,
and whether or not it has an x bit.
"""

from __future__ import annotations

import errno
import fcntl
import os
import select
import socket
import sys
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from rprocfs.engines.death import Death, signal_name
from rprocfs.engines.engine import Capability, Engine
from rprocfs.engines.fork_server import ForkServers
from rprocfs.engines.io_thread import IoThread
from rprocfs.engines.native import debugger
from rprocfs.engines.native.launcher import DOORBELL, MEMORY
from rprocfs.engines.worker import STDERR_KEPT, Worker
from rprocfs.soc.vsoc import Vsoc

if TYPE_CHECKING:
    from rprocfs.arch.core import Boot, CoreSpec
    from rprocfs.engines.gdb.link import Link, OnPacket
    from rprocfs.soc.machine import Machine

# Isolated and without site-packages, as for Unicorn.
START = (
    "import sys; sys.path.append(sys.argv.pop(1)); "
    "from rprocfs.engines.native.launcher import main; main(sys.argv[1:])"
)
ROOT = Path(__file__).parents[3]
SEALS = fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_WRITE | fcntl.F_SEAL_SEAL
MFD_EXEC = 0x10
#: Seconds until a launcher that does not answer is taken for broken; it takes 0.03.
START_TIMEOUT, STOP_TIMEOUT = 10.0, 2.0


class NativeWorker(Worker):
    """A launcher, and below it the program."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._news = bytearray()
        self._started = threading.Event()
        self._gdbserver = debugger.Gdbserver(self._io, lambda: debugger.program_below(self.pid))

    def _sources(self) -> list[tuple[int, Callable[[], object]]]:
        return [(self._control.fileno(), self._read_control), *super()._sources()]

    def _read_control(self) -> bool:
        data = self._receive(self._control.fileno())
        self._news += data[: STDERR_KEPT - len(self._news)]
        if not data or data.endswith(b"\0"):
            self._started.set()
        return bool(data)

    def wait_started(self) -> list[str]:
        """Until the program runs; what its sandbox has to do without. OSError: it does not run."""
        if not self._started.wait(START_TIMEOUT) or not self._news.endswith(b"\0"):
            raise OSError(errno.EIO, "the launcher failed")
        news = self._news[:-1].decode("utf-8", "replace").splitlines()
        for line in news:
            if line.startswith("!"):
                code, _, text = line[1:].partition(" ")
                known = code.isdecimal() and int(code) in errno.errorcode
                raise OSError(int(code) if known else errno.EIO, text)
        return [line[1:] for line in news]

    def _link(self, on_packet: OnPacket) -> Link:
        """See :meth:`Worker.debug`."""
        return self._gdbserver.link(on_packet)

    def _close(self) -> None:
        self._gdbserver.close()
        super()._close()

    def _kill(self) -> None:
        """Have the launcher end everything below it."""
        self._gdbserver.kill()
        with suppress(OSError):
            self._control.shutdown(socket.SHUT_RDWR)
        with suppress(ProcessLookupError):
            if self._process.poll() is None:  # once it is reaped its number may be another's
                pidfd = os.pidfd_open(self._process.pid)
                ended = select.poll()
                ended.register(pidfd, select.POLLIN)
                ended.poll(STOP_TIMEOUT * 1000)
                os.close(pidfd)
        super()._kill()

    def _explain(self, status: int, stderr: str) -> Death:
        self._started.set()
        return super()._explain(status, stderr)


class NativeEngine(Engine):
    """Runs one processor as a program of this host, *cpu_seconds* at most; 0: any."""

    worker = NativeWorker
    capabilities: ClassVar[frozenset[Capability]] = frozenset({Capability.GDB})

    def __init__(self, io: IoThread | None = None, servers: ForkServers | None = None) -> None:
        super().__init__(io, servers)
        self.cpu_seconds = 0
        self._environment: dict[str, str] = {}

    def load(self, image: bytes, table_size: int) -> None:
        """Take *image* for the next spawn, its table being the first bytes of the RAM."""
        self.unload()
        self.files["program"] = _sealed(image)
        self._environment["RPROCFS_TABLE_SIZE"] = hex(table_size)

    def unload(self) -> None:
        """Forget the image."""
        for fd in self.files.values():
            os.close(fd)
        self.files.clear()

    def debugger_missing(self) -> str:
        """Without gdbserver."""
        return debugger.missing()

    def death(self, core: CoreSpec, status: int, stderr: str) -> Death:
        """Signals by their names: the launcher knows numbers only."""
        death = super().death(core, status, stderr)
        number = death.reason.removeprefix("signal ")
        if death.kind != "crash" or not number.isdecimal():
            return death
        return replace(death, reason=f"killed by {signal_name(int(number))}")

    def command(self, machine: Machine, boot: Boot, fds: Mapping[str, int]) -> list[str]:
        """The launcher's command line. TypeError for a SoC that a program does not know."""
        if not isinstance(machine, Vsoc):
            raise TypeError(f"no program is firmware for {machine.name}")
        environment = {
            "PATH": "/usr/bin:/bin",
            "RPROCFS_NATIVE": "1",
            "RPROCFS_MEMORY_FD": str(MEMORY),
            "RPROCFS_DOORBELL_FD": str(DOORBELL),
            "RPROCFS_MEMORY_DA": hex(machine.ram.da),
            "RPROCFS_MEMORY_SIZE": hex(machine.ram.size),
            "RPROCFS_TABLE_DA": hex(machine.ram.da),
            "RPROCFS_HEARTBEAT_DA": hex(machine.platform_page.da),
        } | self._environment
        python = [sys.executable, "-I", "-S", "-c", START, str(ROOT)]
        names = ("program", "ram", "doorbell", "console", "control")
        words = [f"{name}={value}" for name, value in environment.items()]
        limits = boot.core, str(self.cpu_seconds)
        return [*python, *limits, *(str(fds[name]) for name in names), *words]


def _sealed(image: bytes) -> int:
    flags = os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING
    try:
        fd = os.memfd_create("rproc-program", flags | MFD_EXEC)
    except OSError:  # before Linux 6.3, where every memfd may be executed
        fd = os.memfd_create("rproc-program", flags)
    with open(fd, "wb", closefd=False) as file:
        file.write(image)
    fcntl.fcntl(fd, fcntl.F_ADD_SEALS, SEALS)
    return fd
