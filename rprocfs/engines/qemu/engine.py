"""The QEMU engine: executes a machine's firmware in a QEMU process.

The contract is that of :mod:`.worker`, with these differences. The control socket speaks
QMP. QEMU does not end with it, so the kernel is asked to kill it with its parent, by
:mod:`.launcher`, which confines it. It dies
by SIGABRT where a processor locks up, and says so on stderr; a processor that resets
itself is paused, and told by an event.

The image is in the shared memory before QEMU starts. It is never given ``-kernel`` or a
loader device: these copy the image again at a reset, over the resource table that the
framework filled in.
"""

from __future__ import annotations

import errno
import fcntl
import logging
import os
import re
import shutil
import socket
import struct
import sys
import termios
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from rprocfs.engines.death import CrashType, Death
from rprocfs.engines.engine import Capability, Engine
from rprocfs.engines.qemu import debugger, qmp, targets
from rprocfs.engines.worker import STDERR_KEPT, Worker

if TYPE_CHECKING:
    from rprocfs.arch.core import Boot, CoreSpec
    from rprocfs.engines.gdb.link import Link, OnPacket
    from rprocfs.soc.machine import Machine

log = logging.getLogger(__name__)

#: How :mod:`.launcher` begins what its confinement has to do without.
CONFINEMENT = b"confinement: "

#: Seconds after a doorbell that QEMU has not looked at, until it is made to look.
POKE_AFTER, POKE_AT_MOST = 0.02, 0.2

#: Seconds that QEMU has to tell the registers of a processor that reset itself.
TELL_WITHIN = 0.5

#: Serial ports in the order of the machine's UARTs.
SERIAL = ("console", "doorbell")

SANDBOX = "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny"

# Semihosting is for the firmware to end: its file calls go to a debugger, which refuses them.
# Without target=gdb they open files of this host, sandbox or not.
SEMIHOSTING = ("-semihosting-config", "enable=on,target=gdb")

# As for Unicorn, isolated and without site-packages.
START = (
    "import sys; sys.path.append(sys.argv.pop(1)); "
    "from rprocfs.engines.qemu.launcher import main; main(sys.argv[1:])"
)
ROOT = Path(__file__).parents[3]

# What QEMU says where it does not start.
_COMPLAINT = re.compile(r"^(?:/\S*)?(qemu(?:-system-\w+)?: (?!warning).*)", re.MULTILINE)


def program(name: str = "qemu-system-arm") -> str | None:
    """Where this QEMU is, None if it is not installed."""
    return shutil.which(name)


class QemuWorker(Worker):
    """A QEMU process."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._receiver = qmp.Receiver()
        self._shutdown: str | None = None
        self._poking = False
        self._stub = debugger.Stub(self._io, self._core, self._command)

    def _sources(self) -> list[tuple[int, Callable[[], object]]]:
        self._control.send(qmp.CAPABILITIES + qmp.QUERY_STATUS)
        return [(self._control.fileno(), self._read_control), *super()._sources()]

    def send(self, channel: int, payload: bytes = b"") -> bool:
        """Send a message, and see to it that QEMU looks at it.

        What arrives before the firmware switches reception on makes QEMU stop listening
        until something else wakes it.
        """
        sent = super().send(channel, payload)
        self._poke_soon()
        return sent

    def send_console(self, data: bytes) -> int:
        """As the doorbell."""
        sent = super().send_console(data)
        self._poke_soon()
        return sent

    def _poke_soon(self) -> None:
        if not self._poking:
            self._poking = True
            self.call_later(POKE_AFTER, lambda: self._poke(POKE_AFTER))

    def _poke(self, after: float) -> None:
        """On the I/O thread: while something that was sent is unread, wake QEMU."""
        self._poking = False
        if _unread(self._doorbell.fileno()) or _unread(self._console.fileno()):
            self._poking = True
            self._send(self._control, qmp.QUERY_STATUS)
            after = min(after * 1.25, POKE_AT_MOST)
            self.call_later(after, lambda: self._poke(after))

    def _read_control(self) -> bool:
        data = self._receive(self._control.fileno())
        for message in self._receiver.feed(data):
            reason = qmp.shutdown_reason(message)
            if reason is not None and self._shutdown is None:
                self._shutdown = reason
                self._end_of_reset() if reason == "guest-reset" else self._process.kill()
            if message.get("id") == "gdb" and "error" in message:
                log.warning("worker %d: gdb: %s", self.pid, message["error"])
            if message.get("id") == "registers":
                self._tell(targets.registers(self._core, str(message.get("return"))))
                if self._shutdown is not None:
                    self._process.kill()
        return bool(data)

    def _link(self, on_packet: OnPacket) -> Link:
        """See :class:`Worker`."""
        return self._stub.link(on_packet)

    def _command(self, line: bytes, fds: tuple[int, ...]) -> None:
        """Send QMP, and a descriptor with it."""
        with suppress(OSError):  # it is dead or dying
            socket.send_fds(self._control, [line], fds, socket.MSG_DONTWAIT | socket.MSG_NOSIGNAL)

    def _halt_at_start(self) -> None:
        """By an option of the command line."""

    def _close(self) -> None:
        self._stub.close()
        super()._close()

    def named_registers(self) -> dict[str, int]:
        """See :class:`Worker`: with the stack pointers."""
        told = super().named_registers()
        return told | targets.stack_pointers(self._core, told)

    def halt(self) -> None:
        """See :class:`Worker`."""
        self._send(self._control, qmp.STOP + qmp.REGISTERS)

    def _end_of_reset(self) -> None:
        """It is paused: kill it as soon as its registers are known."""
        self._send(self._control, qmp.REGISTERS)
        self.call_later(TELL_WITHIN, self._process.kill)

    def _keep_stderr(self, data: bytes) -> None:
        """The end: what QEMU says last is why it died. The launcher's lines are for the log."""
        for line in data.split(b"\n"):
            if line.startswith(CONFINEMENT):
                log.debug("worker %d: %s", self.pid, line.decode("utf-8", "replace"))
        self._stderr_kept += data
        del self._stderr_kept[:-STDERR_KEPT]

    def _explain(self, status: int, stderr: str) -> Death:
        self._take_rest(self._read_control)
        self._tell(targets.registers(self._core, stderr))
        if self._shutdown == "guest-reset":
            return Death("crash", CrashType.FATAL_ERROR, "reset")
        if self._shutdown is not None:
            return Death("exit", None, f"clean exit: {self._shutdown}")
        return super()._explain(status, stderr)


def _unread(fd: int) -> bool:
    """Whether the other end of a socket has not read everything."""
    return fcntl.ioctl(fd, termios.TIOCOUTQ, bytes(4)) != struct.pack("i", 0)


class QemuEngine(Engine):
    """Runs each core in a QEMU process."""

    worker = QemuWorker
    capabilities: ClassVar[frozenset[Capability]] = frozenset({Capability.GDB, Capability.HALTED})
    machines: ClassVar[Mapping[tuple[str, str], tuple[str, ...]]] = targets.MACHINES

    def command(self, machine: Machine, boot: Boot, fds: Mapping[str, int]) -> list[str]:
        """QEMU's command line; ENOENT if it is not installed."""
        name, *which = self.machines[machine.name, boot.core]
        qemu = program(name)
        if qemu is None:
            raise FileNotFoundError(errno.ENOENT, f"{name} is not installed")
        return [
            *(sys.executable, "-I", "-S", "-c", START, str(ROOT), str(os.getpid())),
            qemu,
            *(part.format(address=boot.address) for part in which),
            *_memory(machine, fds["ram"]),
            *_sockets(machine, fds),
            *("-display", "none", "-nodefaults", "-no-user-config"),
            *("-action", "reboot=shutdown,shutdown=pause,panic=pause"),
            *("-d", "guest_errors", "-trace", "nvic_escalate_*", "-sandbox", SANDBOX),
            *SEMIHOSTING,
            *(("-S",) if boot.halted else ()),
        ]

    def death(self, core: CoreSpec, status: int, stderr: str) -> Death:
        """A test device ends QEMU with a status and without a word; see :func:`targets.lockup`."""
        lockup = targets.lockup(core, status, stderr)
        if lockup is not None:
            return lockup
        if status > 0:
            complaints = _COMPLAINT.findall(stderr)
            if complaints:
                return Death("failure", None, complaints[-1])
            return Death("crash", CrashType.FATAL_ERROR, f"exit status {status}")
        return super().death(core, status, stderr)


def _memory(machine: Machine, fd: int) -> list[str]:
    size, path = machine.memory_size, f"/proc/self/fd/{fd}"
    backend = f"memory-backend-file,id=ram,size={size},mem-path={path},share=on"
    return ["-object", backend, "-m", f"{size >> 20}M"]


def _sockets(machine: Machine, fds: Mapping[str, int]) -> list[str]:
    serial = SERIAL if machine.console else SERIAL[1:]
    words = []
    for name in (*serial, "control"):
        words += ["-chardev", f"socket,id={name},fd={fds[name]}"]
    for name in serial:
        words += ["-serial", f"chardev:{name}"]
    return [*words, "-mon", "chardev=control,mode=control"]
