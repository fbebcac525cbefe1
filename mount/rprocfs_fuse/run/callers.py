"""Which system call a caller of the mount is in, and its memory -- /proc/PID/syscall, ptrace(2).

A caller that waits for our answer stays in its call until then. So the answer may depend on the
call, and what the call points at may be read and written meanwhile.

What stat(2) of an open file says is the kernel's to write. To change it the caller is stopped on
its way out of the call, before it sees anything. A caller that another one traces already, as
gdb(1) and strace(1) do, cannot be stopped: it sees the regular file that it has opened.
"""

from __future__ import annotations

import errno
import os
import platform
import re
import stat
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path

from rprocfs.fs.chardev import DeviceNode
from rprocfs.fs.kernfs import error
from rprocfs_fuse import linux
from rprocfs_fuse.mounted import Callers, Show
from rprocfs_fuse.run import seccomp
from rprocfs_fuse.run.memory import Memory
from rprocfs_fuse.run.stat_calls import QUESTIONS, Question, layout

#: The calls that look at a name.
STAT_BY_NAME = ("stat", "lstat", "newfstatat", "statx")
#: The number of ioctl(2) in 32-bit programs, of i386 and of arm; their ``struct termios`` is ours.
_IOCTL_32 = 54
#: What the file says of a task that is not asleep.
_RUNNING = b"running"
_CAP_SYS_PTRACE = 1 << 19
#: In its status: the signals for it. That of a whole process is put there for each thread.
_PENDING = re.compile(rb"^SigPnd:\s*([0-9a-f]+)$", re.MULTILINE)
_SIGKILL = 1 << 8
#: The number and the six arguments of a call; then comes the stack pointer.
_ARGUMENTS = 7


def may_trace() -> bool:
    """Whether the daemon may trace every process of the run, and knows the machine's calls.

    Yama and containers may forbid it: the supervisor, our parent, stands for the command.
    """
    return seccomp.native() is not None and _has_own_proc() and _may_trace()


def traced_callers(memory: Memory) -> TracedCallers:
    """If :func:`may_trace` says so; *memory* is that of the callers."""
    known = seccomp.native()
    assert known is not None
    return TracedCallers(known[1], memory)


class TracedCallers(Callers):
    """Those of a machine whose system calls have these *numbers*."""

    def __init__(self, numbers: Mapping[str, int], memory: Memory) -> None:
        self._memory = memory
        self._names = {numbers[name]: name for name in QUESTIONS if name in numbers}
        self._by_name = {numbers[name] for name in STAT_BY_NAME if name in numbers}
        self._ioctls = {numbers["ioctl"], _IOCTL_32}
        self._supervisor = os.getppid()

    def is_stat(self, task: int) -> bool | None:
        """See :meth:`Callers.is_stat`; False of a task that is gone, or not of our namespace."""
        call = _call(task)
        return None if call is None else bool(call) and call[0] in self._by_name

    def showing(self, task: int, node: DeviceNode) -> Show | bool | None:
        """See :meth:`Callers.showing`.

        Its registers are read now: arm64 forgets the call on the way out (``do_signal()`` --
        arch/arm64/kernel/signal.c).
        """
        call = _call(task)
        if call is None:
            return None
        if not call or call[0] not in self._names or self._of_supervisor(task):
            return False
        number, *args = call
        return partial(self._show, task, node, QUESTIONS[self._names[number]](tuple(args)))

    def _of_supervisor(self, task: int) -> bool:
        """It looks at open files of the command, and wants to know what they are to the kernel."""
        return os.access(f"/proc/{self._supervisor}/task/{task}", os.F_OK)

    def _show(
        self, task: int, node: DeviceNode, question: Question, answer: Callable[[], None]
    ) -> None:
        try:
            linux.trace(task)
        except OSError:  # it is gone, or another one traces it
            answer()
            return
        answer()
        signal = linux.wait_for_stop(task)
        if signal is None:
            return
        with suppress(OSError):
            self._change(task, node, question)
        linux.let_go(task, signal)

    def _change(self, task: int, node: DeviceNode, question: Question) -> None:
        where = layout(platform.machine(), question)
        found = bytearray(self._memory.read(task, question.buffer, where.size))
        if len(found) != where.size:
            return
        ino, mode = where.read(found)
        if (ino, stat.S_IFMT(mode)) == (node.ino, node.kind):
            where.change(found, node.special | stat.S_IMODE(mode), node.devt)
            self._memory.write(task, question.buffer, bytes(found))

    def is_killed(self, task: int) -> bool:
        """See :meth:`Callers.is_killed`."""
        try:
            status = Path(f"/proc/{task}/status").read_bytes()
        except OSError:
            return True
        found = _PENDING.search(status)
        return bool(found and int(found[1], 16) & _SIGKILL)

    def ioctl(
        self, task: int, command: int, argument: int, sizes: tuple[int, int]
    ) -> tuple[bytes, Callable[[bytes], None]]:
        """See :meth:`Callers.ioctl`."""
        takes, gives = sizes
        data = b""
        if takes:
            self._check(task, command, argument)
            with suppress(OSError):
                data = self._memory.read(task, argument, takes)
            if len(data) != takes:
                raise error(errno.EFAULT)
        return data, partial(self._put, task, command, argument, gives)

    def _put(self, task: int, command: int, argument: int, gives: int, data: bytes) -> None:
        if not gives:
            return
        self._check(task, command, argument)
        try:
            count = self._memory.write(task, argument, data[:gives])
        except OSError:
            count = 0
        if count != len(data):
            raise error(errno.EFAULT)

    def _check(self, task: int, command: int, argument: int) -> None:
        """EINTR unless it still waits: its number may be another's by now."""
        call = _call(task)
        if call is None:
            return  # a signal woke it, and it will wait again
        if len(call) < 4 or call[0] not in self._ioctls or call[3] != argument:
            raise error(errno.EINTR)
        if call[2] & 0xFFFFFFFF != command:
            raise error(errno.EINTR)


def _call(task: int) -> tuple[int, ...] | None:
    """The number and the arguments of the call that it is in; None if it runs, () if in none."""
    try:
        fd = os.open(f"/proc/{task}/syscall", os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return ()
    try:
        words = os.read(fd, 256).split()
    except OSError:
        return ()
    finally:
        os.close(fd)
    if words[:1] == [_RUNNING]:
        return None
    call = tuple(int(word, 0) for word in words)
    # A thread of io_uring(7) has the registers of the call that made it, and no stack.
    return call[:_ARGUMENTS] if len(call) > _ARGUMENTS and call[_ARGUMENTS] else ()


def _has_own_proc() -> bool:
    """Whether our /proc has our numbers: it may be that of another PID namespace."""
    try:
        return Path("/proc/self").readlink() == Path(str(os.getpid()))
    except OSError:
        return False


def _may_trace() -> bool:
    try:
        Path(f"/proc/{os.getppid()}/syscall").read_bytes()
        status = Path("/proc/self/status").read_text("utf-8", "replace")
    except OSError:
        return False
    found = re.search(r"^CapEff:\s*([0-9a-f]+)$", status, re.MULTILINE)
    return bool(found and int(found[1], 16) & _CAP_SYS_PTRACE) and linux.has_ptrace()
