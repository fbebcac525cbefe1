"""Something that executes the instructions of cores, as its parent sees it."""

from __future__ import annotations

import errno
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from enum import StrEnum
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from rprocfs.engines.death import Death, explain
from rprocfs.engines.fork_server import Command, ForkServers, Process, start
from rprocfs.engines.io_thread import IoThread
from rprocfs.engines.memory import SharedRam
from rprocfs.engines.worker import Worker

if TYPE_CHECKING:
    from rprocfs.arch.core import Boot, CoreSpec
    from rprocfs.soc.machine import Machine


class Capability(StrEnum):
    """What an engine may be able to do besides."""

    COVERAGE = "it counts what a core executes"
    EVENTS = "it tells which exceptions a core takes"
    SAMPLES = "it tells now and then where a core is"
    GDB = "a debugger can examine the core"
    HALTED = "a core can begin halted"
    INPUTS = "the outside of the SoC can be driven"


class Engine(ABC):
    """Something that executes the instructions of a SoC's cores, each in its own process.

    *io* may be shared by several engines; without it the engine has one of its own,
    whose thread exists while workers do. *servers* belong to the same *io*; without them each
    worker begins at its boot.
    """

    #: What :meth:`spawn` makes.
    worker: type[Worker] = Worker
    #: What else it can do.
    capabilities: ClassVar[frozenset[Capability]] = frozenset()

    def __init__(self, io: IoThread | None = None, servers: ForkServers | None = None) -> None:
        self._io = io or IoThread()
        self._servers = servers
        self.files: dict[str, int] = {}  # what a worker inherits besides, by name
        self.devices: Sequence[str] = ()  # at the SoC's buses: see rprocfs.soc.devices

    def can(self, core: CoreSpec) -> frozenset[Capability]:
        """Its :attr:`capabilities` for that *core*."""
        del core
        return self.capabilities

    def debugger_missing(self) -> str:
        """Why no debugger can come, though it has :attr:`Capability.GDB`; empty: one can."""
        return ""

    @abstractmethod
    def command(self, machine: Machine, boot: Boot, fds: Mapping[str, int]) -> list[str]:
        """The worker's command line; *fds* has ``ram doorbell console control``, and *files*."""

    def open(self, machine: Machine) -> None:
        """Cores of *machine* are going to be spawned, until :meth:`close`."""

    def close(self) -> None:
        """What :meth:`open` began ends."""

    def begin(
        self, machine: Machine, command: Command, fds: Mapping[str, int], stderr: int
    ) -> Process:
        """On the I/O thread: the process of *command* (its descriptors). OSError."""
        del machine
        return start(command(fds), fds.values(), stderr)

    def death(self, core: CoreSpec, status: int, stderr: str) -> Death:
        """What the end of a worker of *core* means: see :func:`.death.explain`."""
        del core
        return explain(status, stderr)

    def spawn(
        self,
        machine: Machine,
        ram: SharedRam,
        boot: Boot,
        *,
        on_message: Callable[[int, bytes], bool | None],
        on_exit: Callable[[Death], None],
        on_console: Callable[[bytes], None] | None = None,
    ) -> Worker:
        """Release a core of *machine*, whose memory is *ram*, as *boot* says.

        *on_message* gets (channel, payload) of every message of the core, and returns False for
        one that was for nothing. *on_exit* is called
        once if the worker dies other than by :meth:`Worker.stop`. OSError if it cannot be
        started.
        """
        core = machine.cores.get(boot.core)
        if core is None:
            raise ValueError(f"{machine.name} has no core {boot.core!r}")
        if boot.halted and Capability.HALTED not in self.can(core):
            raise OSError(errno.EOPNOTSUPP, "the engine cannot begin halted")
        self._io.acquire()
        worker = self.worker(self._io, machine, core, self.death, on_message, on_exit, on_console)
        worker.halted = boot.halted
        with ExitStack() as undo:
            undo.callback(self._io.release)
            begin = partial(self.begin, machine, partial(self.command, machine, boot))
            self._io.call(lambda: worker._start(begin, {"ram": ram.fd, **self.files}))
            undo.pop_all()
        return worker
