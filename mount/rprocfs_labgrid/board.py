"""The drivers of a board: its power, and commands and files on it."""

from __future__ import annotations

import json
import shlex
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import IO, ClassVar

import attr
from labgrid.driver.commandmixin import CommandMixin
from labgrid.driver.common import Driver
from labgrid.driver.exception import ExecutionError
from labgrid.driver.powerdriver import PowerResetMixin
from labgrid.factory import target_factory
from labgrid.protocol import CommandProtocol, FileTransferProtocol, PowerProtocol
from labgrid.step import step

from rprocfs_fuse.testing.keeper import Keeper
from rprocfs_labgrid.resource import RprocfsBoard

#: Writes standard input to the file $1, or to $2 in the directory $1.
_PUT = '[ -d "$1" ] && set -- "$1/$2"; exec cat > "$1"'
_PIPE = subprocess.PIPE


@target_factory.reg_driver
@attr.s(eq=False)
class RprocfsPowerDriver(Driver, PowerResetMixin, PowerProtocol):
    """The power of a board of rprocfs.

    That of an ``RprocfsBoard`` is off when the driver is activated, and again when it is
    deactivated. That of a ``NetworkRprocfsBoard`` is off when its place is acquired and when it is
    released; meanwhile it stays as it is from one client to the next. ExecutionError: the board
    cannot be made, with the complaint of ``rprocfs run``, or is not to be reached.
    """

    bindings: ClassVar[dict[str, object]] = {"board": {"RprocfsBoard", "NetworkRprocfsBoard"}}

    def __attrs_post_init__(self) -> None:
        """As all drivers."""
        super().__attrs_post_init__()
        self._keeper: Keeper | None = None

    def on_activate(self) -> None:
        """Start what keeps the board, unless the exporter did."""
        if isinstance(self.board, RprocfsBoard):
            self._keeper = Keeper(self.board.words())

    def on_deactivate(self) -> None:
        """End the board, if it is this machine's."""
        keeper, self._keeper = self._keeper, None
        if keeper is not None:
            keeper.close()

    @Driver.check_active
    @step()
    def on(self) -> None:
        """Make the board; nothing if it is on."""
        self._ask("on")

    @Driver.check_active
    @step()
    def off(self) -> None:
        """End the board and all that runs on it; nothing if it is off."""
        self._ask("off")

    @Driver.check_active
    @step()
    def cycle(self) -> None:
        """A fresh board."""
        self._ask("off")
        self._ask("on")

    @Driver.check_active
    @step(result=True)
    def get(self) -> bool:
        """Whether it is on."""
        return self._ask("get")

    def door(
        self,
        words: Sequence[str],
        stdin: IO[bytes] | None = None,
        timeout: float | None = None,
    ) -> subprocess.CompletedProcess[bytes]:
        """Run ``rprocfs_fuse.testing.door`` with *words*, where the board is."""
        way = self._keeper.command if self._keeper else shlex.split(self.board.door or "")
        if not way:
            raise ExecutionError(f"{self.title}: its place is not acquired")
        return subprocess.run(
            self.board.wrap_command([*way, *words]),
            stdin=stdin or subprocess.DEVNULL, stdout=_PIPE, stderr=_PIPE, timeout=timeout,
            check=False,
        )  # fmt: skip

    @property
    def title(self) -> str:
        """The board in a message."""
        host = getattr(self.board, "host", None)
        return f"board {self.board.board or 'default'}" + (f" on {host}" if host else "")

    def failed(self, what: str, done: subprocess.CompletedProcess[bytes]) -> ExecutionError:
        """The error for *what*, which ended as *done*."""
        said = done.stderr.decode("utf-8", "replace").splitlines()
        problem = said[-1] if said else f"exit status {done.returncode}"
        return ExecutionError(f"{self.title}: {what}: {problem}", [], said)

    def _ask(self, verb: str) -> bool:
        done = self.door([verb])
        if done.returncode:
            raise self.failed(f"power {verb}", done)
        return bool(json.loads(done.stdout))


@target_factory.reg_driver
@attr.s(eq=False)
class RprocfsCommandDriver(CommandMixin, Driver, CommandProtocol, FileTransferProtocol):
    """Shell commands and files on a board of rprocfs that is on."""

    bindings: ClassVar[dict[str, object]] = {"power": "RprocfsPowerDriver"}

    @Driver.check_active
    @step(args=["cmd"], result=True)
    def run(
        self, cmd: str, codec: str = "utf-8", decodeerrors: str = "strict",
        timeout: float | None = None,
    ) -> tuple[list[str], list[str], int]:  # fmt: skip
        """Standard output, standard error and exit status of the shell command *cmd*.

        A command that takes longer than *timeout*, in seconds, is killed:
        subprocess.TimeoutExpired.
        """
        return self._run(cmd, codec=codec, decodeerrors=decodeerrors, timeout=timeout)

    @Driver.check_active
    @step(args=["filename", "remotepath"])
    def put(self, filename: str, remotepath: str = "") -> None:
        """Copy the file *filename* to the board, as *remotepath* or into that directory."""
        path = Path(filename)
        with path.open("rb") as stdin:
            self._check(["sh", "-c", _PUT, "sh", remotepath or ".", path.name], stdin=stdin)

    @Driver.check_active
    @step(args=["filename", "destination"])
    def get(self, filename: str, destination: str = ".") -> None:
        """Copy the board's file *filename* to *destination*, or into that directory."""
        data, path = self._check(["cat", "--", filename]), Path(destination)
        (path / Path(filename).name if path.is_dir() else path).write_bytes(data)

    def get_status(self) -> int:
        """1: commands can be given."""
        return 1

    def _run(
        self, cmd: str, codec: str = "utf-8", decodeerrors: str = "strict",
        timeout: float | None = None,
    ) -> tuple[list[str], list[str], int]:  # fmt: skip
        done = self.power.door(["run", "sh", "-c", cmd], timeout=timeout)
        stdout, stderr = (
            text.decode(codec, decodeerrors).splitlines() for text in (done.stdout, done.stderr)
        )
        return stdout, stderr, done.returncode

    def _check(self, command: Sequence[str], stdin: IO[bytes] | None = None) -> bytes:
        done = self.power.door(["run", *command], stdin=stdin)
        if done.returncode:
            raise self.power.failed(shlex.join(command), done)
        stdout: bytes = done.stdout
        return stdout
