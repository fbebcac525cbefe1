"""The Unicorn engine: executes Cortex-M and Cortex-R code where no QEMU is installed."""

from __future__ import annotations

import errno
import importlib.util
import logging
import sys
from collections.abc import Callable, Mapping
from ctypes.util import find_library
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING

from rprocfs.arch.armv7m import features
from rprocfs.arch.armv7r import features as armv7r
from rprocfs.engines import registers
from rprocfs.engines.engine import Capability, Engine
from rprocfs.engines.gdb.link import Link, OnPacket
from rprocfs.engines.gdb.packet import INTERRUPT, LONGEST
from rprocfs.engines.gdb.stub import GO_ON, HALT, REQUEST
from rprocfs.engines.worker import STDERR_KEPT, Worker

if TYPE_CHECKING:
    from rprocfs.arch.core import Boot, CoreSpec
    from rprocfs.engines.fork_server import Command, Process
    from rprocfs.soc.machine import Machine

log = logging.getLogger(__name__)

# Isolated and without site-packages, a worker starts 20 ms earlier. It finds this
# package by its path, and as an import, so that the compiled files are used.
START = (
    "import sys; sys.path += [sys.argv.pop(1), sys.argv.pop(1)]; "
    "from rprocfs.engines.unicorn.worker import main; main(sys.argv[1:])"
)
FORK_SERVER = START.replace("unicorn.worker", "unicorn.fork_server")
#: Memory that a worker shares with its parent if something is to be recorded.
PROBES = ("coverage", "events", "samples")
#: How lines for the log begin, and their levels.
LEVELS = {b"debug: ": logging.DEBUG, b"info: ": logging.INFO}
ROOT = Path(__file__).parents[3]


@cache
def library() -> str | None:
    """Where the Unicorn library is, None if it is not installed."""
    found = importlib.util.find_spec("unicorn")
    for place in (found and found.submodule_search_locations) or ():
        for name in ("libunicorn.so.2", "libunicorn.so"):
            if (path := Path(place, "lib", name)).exists():
                return str(path)
    return find_library("unicorn")


def search_path(machine: Machine) -> tuple[str, str]:
    """Where a worker finds this package, and that of a *machine* which comes in another one."""
    package = machine.source.partition(":")[0].partition(".")[0]
    spec = importlib.util.find_spec(package)
    assert spec is not None, f"{machine.name} is nowhere: {machine.source}"
    place = next(iter(spec.submodule_search_locations or ()), spec.origin)
    return str(ROOT), str(Path(place or ROOT).parent)


class UnicornLink(Link):
    """The socket of a worker's stub, which keeps messages apart."""

    def __init__(self, core: CoreSpec, send: Callable[[bytes], object]) -> None:
        self._send = send
        if core.architecture == "armv7r":
            self.names, self.sizes = armv7r.NAMES, armv7r.SIZES
        else:
            self.names, self.sizes = features.names(core.part), features.sizes(core.part)

    def send(self, payload: bytes) -> None:
        """See :class:`Link`."""
        self._send(REQUEST + payload)

    def interrupt(self) -> None:
        """See :class:`Link`."""
        self._send(INTERRUPT)

    def close(self) -> None:
        """See :class:`Link`."""
        self._send(GO_ON)


class UnicornWorker(Worker):
    """A process that halts by a byte on its control socket, and tells its registers on stderr.

    So it does what is for the log, in lines that begin with one of LEVELS.
    """

    sockets = (*Worker.sockets, "inputs", "debug")
    _begun = b""  # of a line of stderr
    _on_packet: OnPacket | None = None

    def _sources(self) -> list[tuple[int, Callable[[], object]]]:
        return [*super()._sources(), (self._debug.fileno(), self._read_debug)]

    def _link(self, on_packet: OnPacket) -> Link:
        """See :class:`Worker`."""
        self._on_packet = on_packet
        self._send(self._debug, HALT)
        return UnicornLink(self._core, partial(self._send, self._debug))

    def _halt_at_start(self) -> None:
        self._debug.send(HALT)

    def named_registers(self) -> dict[str, int]:
        """See :class:`Worker`: with the system registers."""
        names = armv7r.SYSTEM if self._core.architecture == "armv7r" else features.SYSTEM
        told = registers.system_from_worker(
            self._stderr_kept.decode("utf-8", "replace"), len(names)
        )
        return super().named_registers() | dict(zip(names, told, strict=False))

    def _read_debug(self) -> bool:
        data = self._receive(self._debug.fileno(), LONGEST)
        if data and self._on_packet is not None and not self._stopped:
            self._on_packet(data.removeprefix(REQUEST))
        return bool(data)

    def halt(self) -> None:
        """See :class:`Worker`."""
        self._send(self._control, b"h")

    def _keep_stderr(self, data: bytes) -> None:
        lines = (self._begun + data).splitlines(keepends=True)
        whole = not lines or lines[-1].endswith(b"\n")
        whole = whole or len(lines[-1]) >= STDERR_KEPT  # longer than any of its lines
        self._begun = b"" if whole else lines.pop()
        for line in lines:
            word, _, text = line.partition(b" ")
            level = LEVELS.get(word + b" ")
            if level is None:
                super()._keep_stderr(line)
            else:
                log.log(level, "worker %d: %s", self.pid, text.decode("utf-8", "replace")[:-1])
        if self._stderr_kept.startswith(registers.TOLD.encode()) and data.endswith(b"\n"):
            self._tell(self._registers_in(self._stderr_kept.decode("utf-8", "replace")))


class UnicornEngine(Engine):
    """Runs each core in a worker process around Unicorn."""

    worker = UnicornWorker
    _opened = False
    capabilities = frozenset(
        {
            Capability.COVERAGE, Capability.EVENTS, Capability.GDB, Capability.HALTED,
            Capability.INPUTS, Capability.SAMPLES,
        }
    )  # fmt: skip

    def open(self, machine: Machine) -> None:
        """See :class:`Engine`: a fork server begins, soon."""
        if self._servers is not None and (server := _fork_server(machine)):
            self._servers.acquire(server)
            self._opened = True

    def close(self) -> None:
        """See :class:`Engine`."""
        if self._servers is not None and self._opened:
            self._servers.release()
            self._opened = False

    def begin(
        self, machine: Machine, command: Command, fds: Mapping[str, int], stderr: int
    ) -> Process:
        """See :class:`Engine`: forked, if there is a server."""
        servers = self._servers if self._opened else None
        server = servers.get(_fork_server(machine)) if servers is not None else None
        if servers is not None and server is not None:
            words = command(server.numbers(fds))[len(_python(START, machine)) :]
            forked = server.fork(words, fds.values(), stderr)
            if forked is not None:
                return forked
            servers.end()
        return super().begin(machine, command, fds, stderr)

    def command(self, machine: Machine, boot: Boot, fds: Mapping[str, int]) -> list[str]:
        """The worker's command line; ENOENT if Unicorn is not installed."""
        unicorn = library()
        if unicorn is None:
            raise FileNotFoundError(errno.ENOENT, "the unicorn library is not installed")
        python = _python(START, machine)
        sockets = [str(fds[name]) for name in ("ram", "doorbell", "console", "control")]
        inputs = [str(fds["inputs"]), str(fds["debug"]), str(fds.get("input-page", -1))]
        core = [boot.core, str(boot.address)]
        probes = ",".join(f"{name}={fds[name]}" for name in PROBES if name in fds)
        inputs += self.devices
        return [*python, probes, unicorn, *core, *sockets, machine.source, "--", *inputs]


def _python(code: str, machine: Machine) -> list[str]:
    """A Python that executes *code*, and finds what *machine* is made of."""
    return [sys.executable, "-I", "-S", "-c", code, *search_path(machine)]


def _fork_server(machine: Machine) -> list[str]:
    """The command line of a fork server; empty if Unicorn is not installed."""
    unicorn = library()
    return [*_python(FORK_SERVER, machine), unicorn, machine.source] if unicorn else []
