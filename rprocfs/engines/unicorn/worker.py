"""The worker process of the Unicorn engine.

``main([probes, library, core, address, ram, doorbell, console, control, machine, "--", inputs,
debug, page, *devices])``: shared memory to record in (``NAME=FD,...``), a path, a name, a number,
four inherited descriptors, where the machine stands, three more descriptors, and what is connected
to its buses.
"""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import sys
import time

from rprocfs.arch.core import Boot
from rprocfs.engines.confinement.limits import address_space
from rprocfs.engines.confinement.lock import enter, lock
from rprocfs.engines.unicorn.debugger import DebugPort
from rprocfs.engines.unicorn.input_port import InputPort, follow
from rprocfs.engines.unicorn.libunicorn import Unicorn
from rprocfs.engines.unicorn.parts import parts
from rprocfs.engines.unicorn.ports import Closed, DoorbellPort, Halted, Port, wait
from rprocfs.engines.unicorn.probes import Probes
from rprocfs.engines.unicorn.ram import WorkerRam
from rprocfs.engines.unicorn.runner import Reset
from rprocfs.engines.unicorn.semihosting import Exit
from rprocfs.hw.clock import Clock
from rprocfs.hw.peripherals import Wires
from rprocfs.soc.devices import connect
from rprocfs.soc.machine import Machine, find_machine

CLEAN, CRASHED, FAILED = 0, 70, 71
DEBUG, INFO = "debug: ", "info: "
PR_SET_PDEATHSIG = 1
CONSOLE_ROOM, CONSOLE_BATCH = 4096, 256
#: What translated code and Python may take besides what they have, and descriptors.
MORE_MEMORY, DESCRIPTORS = 512 << 20, 32


def die_with_parent() -> None:
    """Let the kernel kill this process when the thread that started it is gone."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


class Processor:
    """Everything of one processor, wired together."""

    def __init__(
        self,
        library: str,
        boot: Boot,
        ram_fd: int,
        sockets: list[int],
        machine: Machine,
        page: int,
        devices: list[str],
        probes: dict[str, int],
    ) -> None:
        driven, debug_fd, doorbell, console, control = sockets
        now = Clock(time.monotonic_ns, time.thread_time_ns)
        core = machine.cores[boot.core]
        self.doorbell = DoorbellPort(doorbell, machine.doorbell)
        self.console = Port(console, CONSOLE_ROOM, CONSOLE_BATCH)
        banks = machine.seen_by(core.name)
        ram = WorkerRam(ram_fd, banks)
        unicorn = Unicorn(library, core.part)
        for bank in banks:
            unicorn.map_memory(bank.da, bank.size, ram.address + bank.offset)
        self.parts = parts(core, boot, unicorn, now, self._request_reset)
        wires = Wires(
            self.console, self.doorbell, now, die=self._die, debug=debug, memory=ram,
            core=core.name, **self.parts.wires,
        )  # fmt: skip
        self.control = Port(control)
        peripherals = machine.peripherals(wires)
        connect(peripherals, devices)
        follow(page, peripherals.inputs)
        inputs = InputPort(driven, peripherals.inputs)
        debugger = DebugPort(debug_fd)
        ports = (inputs, self.doorbell, self.console, debugger, self.control)
        self.core = self.parts.runner(ram, peripherals, ports, time.monotonic_ns, debug, info)
        if probes:
            self.core.record(Probes(probes))

    def _request_reset(self) -> None:
        self.core.request_reset("reset", "fatal error")

    def _die(self, reason: str, kind: str) -> None:
        self.core.request_reset(reason, kind)

    def run(self) -> tuple[int, str]:
        """Execute until the end; the exit status, and the lines for stderr."""
        try:
            self.core.run()
        except Closed:
            return CLEAN, ""
        except Halted:
            self._stand_still()
            return CLEAN, ""
        except Exit as end:
            (status,) = end.args
            text = f"exit status {status}\nfatal error\n{self.parts.told()}"
            return (CRASHED, text) if status else (CLEAN, "")
        except Reset as reset:
            return CRASHED, "{}\n{}\n".format(*reset.args) + self.parts.told()
        except self.parts.death as death:
            return CRASHED, self.parts.why(death) + self.parts.told()
        finally:
            self.console.flush()

    def _stand_still(self) -> None:
        """Tell the registers, and wait for the end."""
        os.write(2, self.parts.told().encode())
        try:
            while True:
                self.control.received.clear()
                wait((self.control,), None)
        except Closed:
            pass


def confine() -> None:
    """Keep from everything what is open already and what was imported."""
    limits = {
        resource.RLIMIT_AS: address_space(MORE_MEMORY),
        resource.RLIMIT_FSIZE: 0,
        resource.RLIMIT_NOFILE: DESCRIPTORS,
    }
    for line in [*enter(), *lock("worker", limits, {})]:
        debug(f"confinement: {line}")


def info(line: str) -> None:
    """A line for the log of rprocfs, at info level."""
    os.write(2, f"{INFO}{line}\n".encode())


def debug(line: str) -> None:
    """A line for the log of rprocfs, at debug level."""
    os.write(2, f"{DEBUG}{line}\n".encode())


def fail(error: BaseException | None) -> None:
    """The worker itself is broken: say so, and end."""
    os.write(2, f"worker: {error!r}\n".encode())
    sys.__excepthook__(type(error), error, error.__traceback__) if error else None
    os._exit(FAILED)


def main(arguments: list[str]) -> None:
    """Run the processor that *arguments* describe, and end the process."""
    sys.excepthook = lambda _type, error, _traceback: fail(error)
    sys.unraisablehook = lambda unraisable: fail(unraisable.exc_value)
    die_with_parent()
    end = arguments.index("--")
    probes, library, core, address, ram, *sockets, machine = arguments[:end]
    driven, debug_fd, page, *devices = arguments[end + 1 :]
    sockets = [driven, debug_fd, *sockets]
    fds = [os.dup(int(fd)) for fd in sockets]  # to numbers that select(2) knows
    for fd in sockets:
        os.close(int(fd))
    boot = Boot(core, int(address))
    words = (probe.partition("=") for probe in probes.split(",") if probe)
    shared = {name: int(fd) for name, _, fd in words}
    processor = Processor(
        library, boot, int(ram), fds, find_machine(machine), int(page), devices, shared
    )
    confine()
    status, text = processor.run()
    os.write(2, text.encode())
    # An instance of Unicorn that is alive when the interpreter ends crashes.
    os._exit(status)
