"""A board that runs for a test, with commands inside."""

from __future__ import annotations

import os
import socket
import struct
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any, Self

import rprocfs
import rprocfs_fuse
from rprocfs_fuse.testing import inside
from rprocfs_fuse.testing.deadline import TIMEOUT, wait_until
from rprocfs_fuse.testing.heard import records
from rprocfs_fuse.testing.processor import BoardProcessor

#: Seconds that a board may take to be there, and to be gone.
PATIENCE = 30
#: How ``rprocfs run -o symbolize`` begins the lines of backtraces, and how much of it is read.
BACKTRACE = "rprocfs: backtrace: "
_LONGEST = 1 << 20

#: ``struct ucred``: pid, uid, gid.
_UCRED = struct.Struct("iII")
_CLASS = "sys/class/remoteproc"
_PACKAGES = (rprocfs.__spec__.origin or "", rprocfs_fuse.__spec__.origin or "")


class BoardError(RuntimeError):
    """The board could not be made; the text is what ``rprocfs run`` complained of."""


class RprocBoard:
    """``rprocfs run`` with its arguments *words*, which stays until it is closed.

    *path* is the root of what commands see: ``board.path / "sys/class/remoteproc"``. As in
    ``rprocfs run``, nobody else sees the board, and any number of them run side by side.
    BoardError.
    """

    path: Path

    def __init__(self, *words: str) -> None:
        self._stack = ExitStack()
        self._stderr = tempfile.TemporaryFile()  # noqa: SIM115 - closed by close()
        self._door, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._door.settimeout(PATIENCE)
        self._door.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        with theirs:
            self._process = subprocess.Popen(
                [
                    sys.executable,
                    "-m",
                    "rprocfs",
                    "run",
                    "-o",
                    "symbolize",
                    *words,
                    "--",
                    *_inside(theirs),
                ],
                env=os.environ | {"PYTHONPATH": python_path()},
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=self._stderr,
                start_new_session=True,
            )
        try:
            holder = self._holder()
        except OSError as problem:
            self.close()
            raise BoardError(f"the board does not come: {problem}") from problem
        if holder is None:
            self._process.wait(PATIENCE)
            self._stderr.seek(0)
            complaint = self._stderr.read().decode("utf-8", "replace").strip()
            self.close()
            raise BoardError(complaint or "the board did not come")
        self.path = Path(f"/proc/{holder}/root")

    def _holder(self) -> int | None:
        """The process behind the door, by its number here: it has another one inside."""
        said, messages, _, _ = self._door.recvmsg(100, socket.CMSG_SPACE(_UCRED.size))
        for _, kind, data in messages:
            if said and kind == socket.SCM_CREDENTIALS:
                pid: int = _UCRED.unpack(data)[0]
                return pid
        return None

    def run(
        self, args: str | Sequence[str | os.PathLike[str]], *, shell: bool = False, **kwargs: Any
    ) -> subprocess.CompletedProcess[Any]:
        """Run a command inside; like :func:`subprocess.run`, with its arguments and exceptions."""
        door = self.door()
        words = [args] if isinstance(args, str) else [os.fspath(word) for word in args]
        shell_words = ["/bin/sh", "-c"] if shell else []
        check = kwargs.pop("check", False)
        command = [*_inside(door), *shell_words, *words]
        fds = [door.fileno(), *kwargs.pop("pass_fds", ())]
        try:
            done = subprocess.run(command, check=False, pass_fds=fds, **kwargs)
        except subprocess.TimeoutExpired as expired:
            expired.cmd = args
            raise
        done.args = args
        if check:
            done.check_returncode()
        return done

    def door(self) -> socket.socket:
        """What :func:`rprocfs_fuse.testing.inside.relay` starts a command by, in any process.

        It stays the board's. BoardError: the board is closed.
        """
        if self._door.fileno() < 0:
            raise BoardError("the board is closed")
        return self._door

    @property
    def alive(self) -> bool:
        """Whether the board is there still: not closed, and not ended by anything else."""
        return self._door.fileno() >= 0 and self._process.poll() is None

    def dmesg(self) -> str:
        """The board's kernel log, a line a record, without time stamps."""
        fd = os.open(self.path / "dev/kmsg", os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            return "\n".join(records(fd))
        finally:
            os.close(fd)

    def backtraces(self) -> str:
        """A line for each frame of each crash so far, behind the processor's name."""
        said = os.pread(self._stderr.fileno(), _LONGEST, 0).decode("utf-8", "replace")
        lines = (line.removeprefix(BACKTRACE) for line in said.splitlines()
                 if line.startswith(BACKTRACE))  # fmt: skip
        return "\n".join(lines)

    def wait_for(self, pattern: str, timeout: float = TIMEOUT) -> Path:
        """Wait until a file is there; its path outside.

        *pattern* is a path on the board, such as ``dev/rpmsg0``, or a glob of one; *timeout* is
        in seconds. RprocTimeout.
        """
        inner = pattern.lstrip("/")
        return wait_until(
            lambda: next(self.path.glob(inner), None), timeout, lambda: f"/{inner} to be there"
        )

    def processors(self) -> list[str]:
        """The names in ``/sys/class/remoteproc``, by their numbers."""
        there = (path.name for path in (self.path / _CLASS).glob("remoteproc*"))
        return sorted(there, key=lambda name: int(name.removeprefix("remoteproc")))

    def rproc(self, which: str | None = None) -> BoardProcessor:
        """The processor *which*: ``remoteproc1``, or what its file ``name`` says; or the first.

        It is closed with the board. BoardError: there is none.
        """
        names = {name: (self.path / _CLASS / name / "name").read_text().rstrip("\n")
                 for name in self.processors()}  # fmt: skip
        for name, label in names.items():
            if which in (None, name, label):
                processor = BoardProcessor(self, name)
                self._stack.callback(processor.close)
                return processor
        there = ", ".join(f"{name} ({label})" for name, label in names.items()) or "none"
        raise BoardError(f"the board has no processor {which or ''}; there are: {there}")

    def close(self) -> None:
        """End the board and everything inside. May be called twice."""
        self._stack.close()
        with suppress(OSError):  # close() alone is not enough: who runs a command has it, too
            self._door.shutdown(socket.SHUT_RDWR)
        self._door.close()
        self._stderr.close()
        try:
            self._process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()


def _inside(door: socket.socket) -> list[str]:
    return [sys.executable, "-I", inside.__file__, str(door.fileno())]


def python_path() -> str:
    """Where the packages are, also of a checkout that is not installed."""
    ours = [str(Path(place).parents[1]) for place in _PACKAGES]
    return os.pathsep.join(filter(None, [*ours, os.environ.get("PYTHONPATH")]))
