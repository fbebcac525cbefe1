"""What the daemon knows and the supervisor asks: the kernel log, and the devices in ``/dev``.

One answer for each question, over a pipe; and at any time the news that it is worth
asking again what could not be answered.
"""

from __future__ import annotations

import errno
import threading
from collections.abc import Iterator
from contextlib import suppress
from multiprocessing.connection import Connection
from typing import Any, NamedTuple

from rprocfs.base.model import DriverModel
from rprocfs.base.module import Modules
from rprocfs.base.syslog import Syslog
from rprocfs.fs.chardev import DeviceNode
from rprocfs.fs.kernfs import Dir, Node, error
from rprocfs.fs.wait import WaitQueue, WouldBlock
from rprocfs.locking import LockClass, new_lock
from rprocfs_fuse.run.seccomp import Continue

#: The news.
_AGAIN = "again"


class DeviceFile(NamedTuple):
    """A device node as stat(2) is to show it."""

    mode: int
    devt: tuple[int, int]


class Teller(threading.Thread):
    """Answers on *pipe*, which it closes, until the other end is closed."""

    def __init__(self, pipe: Connection, model: DriverModel, modules: Modules) -> None:
        super().__init__(name="rprocfs-teller", daemon=True)
        self._pipe = pipe
        self._dev = model.dev
        self._kmsg = model.kmsg
        self._modules = modules
        self._syslog = Syslog(model.kmsg)
        self._lock = new_lock(LockClass.PIPE)

    def run(self) -> None:
        """Until the end."""
        questions: dict[str, Any] = {
            "syslog": self._ask_syslog,
            "device": self._ask_device,
            "load module": self._load_module,
            "has module": self._modules.is_loaded,
        }
        with self._pipe, suppress(EOFError, OSError):
            while True:
                name, *arguments = self._pipe.recv()
                answer: object = questions[name](*arguments)
                self._send(answer)
        self._kmsg.wait_queue.remove(self._news)

    def _send(self, answer: object) -> None:
        with self._lock:
            self._pipe.send(answer)

    def _news(self) -> None:
        with suppress(OSError):
            self._send(_AGAIN)

    def _ask_syslog(self, kind: int, length: int) -> tuple[int, bytes] | int:
        try:
            return self._syslog.call(kind, length)
        except WouldBlock as wait:
            wait.queue.add(self._news)
        except OSError as problem:
            return problem.errno or errno.EIO
        try:
            return self._syslog.call(kind, length)  # it may have come in between
        except WouldBlock:
            return errno.EAGAIN

    def _ask_device(self, ino: int) -> DeviceFile | None:
        for node in _below(self._dev):
            if node.ino == ino and isinstance(node, DeviceNode):
                return DeviceFile(node.special | node.mode, node.devt)
        return None

    def _load_module(self, name: str, arguments: str) -> int:
        if self._modules.is_loaded(name):
            return errno.EEXIST
        try:
            self._modules.load(f"{name} {arguments}")
        except OSError as problem:
            return problem.errno or errno.EIO
        except LookupError:
            return errno.ENOENT
        return 0


def _below(directory: Dir) -> Iterator[Node]:
    for node in list(directory.children.values()):
        yield node
        if isinstance(node, Dir):
            yield from _below(node)


class Daemon:
    """The other end. Without the daemon, it is up to the kernel: Continue."""

    def __init__(self, pipe: Connection) -> None:
        self._pipe = pipe
        self._lock = new_lock(LockClass.ASKING)
        self._news = WaitQueue()

    @property
    def fd(self) -> int:
        """What can be read when there is news."""
        return self._pipe.fileno()

    def syslog(self, kind: int, length: int) -> tuple[int, bytes]:
        """See :meth:`Syslog.call`."""
        answer = self._ask("syslog", kind, length)
        if answer == errno.EAGAIN:
            raise WouldBlock(self._news)
        if isinstance(answer, int):
            raise error(answer)
        result, data = answer
        return result, data

    def device(self, ino: int) -> DeviceFile | None:
        """The device node with that inode number."""
        answer: DeviceFile | None = self._ask("device", ino)
        return answer

    def load_module(self, name: str, arguments: str) -> int:
        """Load a module of the board: 0 or an errno, EEXIST if it is there."""
        answer: int = self._ask("load module", name, arguments)
        return answer

    def has_module(self, name: str) -> bool:
        """Has the board loaded that module."""
        answer: bool = self._ask("has module", name)
        return answer

    def listen(self) -> bool:
        """Take in news, if there is any; False when the daemon is gone."""
        try:
            with self._lock:
                while self._pipe.poll():
                    self._pipe.recv()
        except (EOFError, OSError):
            return False
        finally:
            self._news.wake_up()
        return True

    def _ask(self, *question: object) -> Any:
        again = False
        try:
            with self._lock:
                self._pipe.send(question)
                while (answer := self._pipe.recv()) == _AGAIN:
                    again = True
        except (EOFError, OSError):
            raise Continue from None
        finally:
            if again:
                self._news.wake_up()
        return answer
