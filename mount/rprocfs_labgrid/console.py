"""The driver of what a processor says and hears, by shell commands on any board."""

from __future__ import annotations

import shlex
import time
from typing import ClassVar

import attr
from attr.validators import instance_of
from labgrid.driver.common import Driver
from labgrid.driver.consoleexpectmixin import ConsoleExpectMixin
from labgrid.driver.exception import ExecutionError
from labgrid.factory import target_factory
from labgrid.protocol import ConsoleProtocol
from labgrid.util import Timeout
from pexpect import TIMEOUT

#: Copies what comes from the file $1 to the file $2, and says which process does.
_LISTEN = (
    "{{ exec 3<>{file} && {{ stty raw -echo <&3 2>/dev/null; "
    "cat <&3 >{log} 2>/dev/null 3>&- & echo $!; }}; }}"
)
#: So many bytes are looked at in one command: their text is four times as long.
_CHUNK = 4096
_TICK = 0.05


@target_factory.reg_driver
@attr.s(eq=False)
class RemoteprocConsoleDriver(ConsoleExpectMixin, Driver, ConsoleProtocol):
    """A console: an rpmsg terminal of the processor, or the console that rprocfs gives it.

    What the firmware says from the activation on is kept on the board, in a file of /tmp, until
    the deactivation.

    Args:
        channel (str): the channel with a terminal, such as ``rpmsg-tty``; if empty, the file
            ``console`` in the processor's directory (rprocfs with the option ``console``)
        timeout (float): seconds to wait for the channel
    """

    bindings: ClassVar[dict[str, object]] = {
        "rproc": "RemoteprocDriver",
        "command": "CommandProtocol",
    }

    channel: str = attr.ib(default="", validator=instance_of(str))
    timeout: float = attr.ib(default=10.0, converter=float, validator=instance_of(float))
    txdelay: float = attr.ib(default=0.0, converter=float, validator=instance_of(float))
    txchunk: int = attr.ib(default=1, validator=instance_of(int))

    def on_activate(self) -> None:
        """Find the file and listen."""
        rproc = self.rproc
        self._file = shlex.quote(
            rproc.wait_for_channel(self.channel, self.timeout)
            if self.channel
            else f"{rproc.directory}/console"
        )
        (self._log,) = self.command.run_check("mktemp /tmp/labgrid-console.XXXXXX")
        (self._listener,) = self.command.run_check(_LISTEN.format(file=self._file, log=self._log))
        self._offset = 0

    def on_deactivate(self) -> None:
        """Listen no more. A board that is off meanwhile has nothing left."""
        self.command.run(f"kill {self._listener}; rm -f {self._log}")

    def _read(self, size: int = 1, timeout: float = 0.0, max_size: int | None = None) -> bytes:
        """At least one byte, and more if they are there. pexpect.TIMEOUT after *timeout* seconds.

        *size* is a hint, as it is for labgrid's serial ports.
        """
        end = Timeout(float(timeout))
        limit = min(max_size or _CHUNK, _CHUNK)
        while True:
            late = end.expired
            lines = self.command.run_check(
                f"tail -c +{self._offset + 1} {self._log} | head -c {limit} | od -An -v -tx1"
            )
            if data := bytes.fromhex("".join(lines)):
                self._offset += len(data)
                return data
            if late:
                raise TIMEOUT(f"nothing came in {timeout:.2f} seconds")
            time.sleep(_TICK)

    def _write(self, data: bytes) -> int:
        told = "".join(f"\\{byte:03o}" for byte in data)
        _, stderr, status = self.command.run(f"printf '{told}' > {self._file}")
        if status:
            raise ExecutionError(f"console: {(stderr or ['cannot be written'])[-1]}", [], stderr)
        return len(data)
