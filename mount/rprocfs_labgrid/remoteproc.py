"""The driver of a remote processor, by shell commands on any board that runs Linux."""

from __future__ import annotations

import re
import shlex
import time
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import ClassVar, TypeVar

import attr
from attr.validators import instance_of, optional
from labgrid.driver.common import Driver
from labgrid.driver.exception import ExecutionError
from labgrid.factory import target_factory
from labgrid.protocol import BootstrapProtocol
from labgrid.step import step
from labgrid.util import Timeout

T = TypeVar("T")

_CLASS = "/sys/class/remoteproc"
_DEBUGFS = "/sys/kernel/debug/remoteproc"
_DUMPS = "/sys/class/devcoredump"
_FIRMWARE = "/lib/firmware"
#: Each channel of the processor behind the path $PWD: its name, and its device in /dev or ``-``.
_CHANNELS = (
    "cd -P . && for d in /sys/bus/rpmsg/devices/*/; do "
    'r=$(cd -P "$d" && pwd); case $r in "$PWD"[/#]*) ;; *) continue ;; esac; '
    'n=-; for c in "$d"rpmsg/rpmsg* "$d"tty/tty*; do '
    '[ -e "/dev/${c##*/}" ] && n=/dev/${c##*/}; done; '
    'echo "$n $(cat "$d"name)"; done'
)
#: The dump of the processor whose directory is $PWD.
_DUMP = (
    "cd -P . && for d in {dumps}/*/; do "
    '[ "$(cd -P "$d"failing_device 2>/dev/null && pwd)" = "$PWD" ] && echo "$d"data; done; :'
)
#: Seconds between two looks; each is a command on the board.
_TICK = 0.1


@target_factory.reg_driver
@attr.s(eq=False)
class RemoteprocDriver(Driver, BootstrapProtocol):
    """A remote processor: its firmware, state, channels, trace buffers, crashes and dumps.

    It needs a driver with the CommandProtocol, such as ``SSHDriver``, ``ShellDriver`` or
    ``RprocfsCommandDriver``, whose user may write the files of sysfs and debugfs; the board needs a
    POSIX shell. :meth:`load` also needs the FileTransferProtocol. Times are in seconds.
    ExecutionError: what the kernel refused, with its answer and the end of its log, or what did not
    come in time.

    Args:
        remoteproc (str): ``remoteproc0``, or what the file ``name`` of the processor says
        image (str): the key of its firmware in the ``images`` of the environment
    """

    bindings: ClassVar[dict[str, object]] = {
        "command": "CommandProtocol",
        "files": {"FileTransferProtocol", None},
    }

    remoteproc: str = attr.ib(default="remoteproc0", validator=instance_of(str))
    image: str | None = attr.ib(default=None, validator=optional(instance_of(str)))

    def on_activate(self) -> None:
        """Forget which number the processor had."""
        self._number: str | None = None

    @Driver.check_active
    @step(args=["filename"])
    def load(self, filename: str | None = None) -> None:
        """Copy an image to the board's /lib/firmware and make it the next one to boot.

        Without *filename* it is the ``image`` of the environment.
        """
        if filename is None:
            if self.image is None:
                raise ExecutionError("load: neither a file nor an image of the environment")
            filename = str(self.target.env.config.get_image_path(self.image))
        if self.files is None:
            raise ExecutionError("load: no driver can copy files to this board")
        name = Path(filename).name
        self.files.put(str(filename), str(PurePosixPath(_FIRMWARE) / name))
        self._write("firmware", name)

    @Driver.check_active
    @step(args=["firmware"])
    def boot(self, firmware: str | None = None) -> None:
        """Start it, with the image *firmware* of /lib/firmware unless that is None."""
        if firmware is not None:
            self._write("firmware", firmware)
        self._write("state", "start")

    @Driver.check_active
    @step()
    def stop(self) -> None:
        """Stop it."""
        self._write("state", "stop")

    @Driver.check_active
    @step(result=True)
    def get_state(self) -> str:
        """The word in the file ``state``: ``offline``, ``running``, ``crashed`` ..."""
        return self._read("state")

    @Driver.check_active
    @step(result=True)
    def get_name(self) -> str:
        """The word in the file ``name``."""
        return self._read("name")

    @Driver.check_active
    @step(result=True)
    def get_firmware(self) -> str:
        """The image in /lib/firmware that is booted next, or runs."""
        return self._read("firmware")

    @Driver.check_active
    @step(args=["state"])
    def wait_for_state(self, state: str, timeout: float = 10.0) -> None:
        """Wait until the file ``state`` says *state*."""
        self._wait(lambda: self._read("state") == state or None, timeout, f"to be {state}")

    @Driver.check_active
    @step(result=True)
    def get_channels(self) -> dict[str, str | None]:
        """The rpmsg channels that it announced: the name, and the device node if there is one."""
        found: dict[str, str | None] = {}
        for line in self._run(_CHANNELS, "its channels"):
            node, _, name = line.partition(" ")
            found[name] = found.get(name) or (None if node == "-" else node)
        return found

    @Driver.check_active
    @step(args=["name"], result=True)
    def wait_for_channel(self, name: str, timeout: float = 10.0) -> str:
        """The device node of the channel *name*, such as ``/dev/rpmsg0``, once it is there."""
        what = f"to have a device for channel {name}"
        return self._wait(lambda: self._node(name), timeout, what)

    @Driver.check_active
    @step(args=["name"], result=True)
    def request(self, name: str, data: bytes, timeout: float = 10.0) -> bytes:
        """Send *data* on the channel *name*, as one message, and return the next one that comes.

        A terminal is put into raw mode, and has no messages: what has come is returned.
        """
        node = self.wait_for_channel(name, timeout)
        told = "".join(f"\\{byte:03o}" for byte in data)
        # dd writes once: the printf of bash writes each line by itself.
        said = self._run(
            f"exec 3<>{node} && {{ stty raw -echo <&3 2>/dev/null; "
            f"printf '{told}' | dd obs=65536 2>/dev/null >&3 && "
            f"timeout {timeout:g} dd bs=65536 count=1 <&3 2>/dev/null | od -An -v -tx1; }}",
            f"request on {name}",
            timeout=timeout + 10,
        )
        if not said:
            raise self._failed(f"request on {name}: no answer in {timeout:g} s")
        return bytes.fromhex("".join(said))

    @Driver.check_active
    @step(args=["number"], result=True)
    def get_trace(self, number: int = 0) -> str:
        """The trace buffer *number*, as far as it was written."""
        lines = self._run(f"cat {_DEBUGFS}/${{PWD##*/}}/trace{number}", f"trace{number}")
        return "".join(f"{line}\n" for line in lines).replace("\0", "")

    @Driver.check_active
    @step(args=["pattern"], result=True)
    def expect_trace(self, pattern: str, timeout: float = 10.0, number: int = 0) -> re.Match[str]:
        """Wait until the regular expression *pattern* is in the trace buffer *number*."""
        wanted = re.compile(pattern, re.MULTILINE)
        return self._wait(
            lambda: wanted.search(self.get_trace(number)), timeout, f"to trace {pattern!r}"
        )

    @Driver.check_active
    @step(args=["kind"])
    def crash(self, kind: int = 2) -> None:
        """Make the kernel believe that it crashed: 0 MMU fault, 1 watchdog, 2 fatal error."""
        self._run(f"echo {kind:d} > {_DEBUGFS}/${{PWD##*/}}/crash", "crash")

    @Driver.check_active
    @step(args=["action"])
    def set_recovery(self, action: str) -> None:
        """Write ``enabled``, ``disabled`` or ``recover`` to the file ``recovery``."""
        self._write("recovery", action)

    @Driver.check_active
    @step(args=["mode"])
    def set_coredump(self, mode: str) -> None:
        """Make dumps of crashes: ``enabled``, ``inline`` or ``disabled``."""
        self._write("coredump", mode)

    @Driver.check_active
    @step(args=["destination"])
    def get_coredump(self, destination: str, timeout: float = 10.0) -> None:
        """Wait for the dump of a crash, save it as the file *destination*, and dismiss it."""
        if self.files is None:
            raise ExecutionError("coredump: no driver can copy files from this board")
        find = _DUMP.format(dumps=_DUMPS)
        data = self._wait(lambda: self._first(find), timeout, "to leave a dump")
        copy = f"/tmp/{data.replace('/', '-')}"  # noqa: S108 - of the board; in sysfs its size is 0
        try:
            self._run(f"cat {data} > {copy}", "coredump")
            self.files.get(copy, destination)
        finally:
            self._run(f"rm -f {copy}; echo 1 > {data}", "coredump")

    @Driver.check_active
    @step(result=True)
    def get_log(self, lines: int = 10) -> list[str]:
        """The last lines of the kernel log about remoteproc, virtio and rpmsg."""
        pattern = "remoteproc|rproc|virtio|rpmsg"
        stdout, _, _ = self.command.run(f"dmesg | grep -E '{pattern}' | tail -n {lines:d}")
        return list(stdout)

    @property
    def directory(self) -> str:
        """Its directory in /sys/class/remoteproc."""
        if re.fullmatch(r"remoteproc\d+", self.remoteproc):
            return f"{_CLASS}/{self.remoteproc}"
        if self._number is None:
            label = shlex.quote(self.remoteproc)
            found, _, _ = self.command.run(f"cd {_CLASS} && grep -lxF -e {label} */name")
            if not found:
                there, _, _ = self.command.run(f"cd {_CLASS} && cat */name")
                names = ", ".join(there) or "none"
                raise ExecutionError(f"the board has no processor {self.remoteproc}, but {names}")
            self._number = str(PurePosixPath(found[0]).parent)
        return f"{_CLASS}/{self._number}"

    def _node(self, channel: str) -> str | None:
        channels: dict[str, str | None] = self.get_channels()
        return channels.get(channel)

    def _first(self, command: str) -> str | None:
        return next(iter(self._run(command, "dump")), None)

    def _read(self, file: str) -> str:
        return "\n".join(self._run(f"cat {file}", file))

    def _write(self, file: str, text: str) -> None:
        self._run(f"echo {shlex.quote(text)} > {file}", f"{text} > {file}")

    def _run(self, command: str, what: str, timeout: float = 30.0) -> list[str]:
        """The output of *command*, run in the processor's directory. ExecutionError."""
        stdout, stderr, status = self.command.run(
            f"cd {self.directory} && {command}", timeout=timeout
        )
        if status:
            raise self._failed(f"{what}: {(stderr or stdout or [f'exit status {status}'])[-1]}")
        return list(stdout)

    def _failed(self, problem: str) -> ExecutionError:
        return ExecutionError(f"{self.remoteproc}: {problem}", self.get_log(), [])

    def _wait(self, look: Callable[[], T | None], timeout: float, what: str) -> T:
        end = Timeout(float(timeout))
        while True:
            late = end.expired
            if (found := look()) is not None:
                return found
            if late:
                raise self._failed(
                    f"waited {timeout:g} s for it {what}; it is {self._read('state')}"
                )
            time.sleep(_TICK)
