"""What the daemon does of stat(2) and ioctl(2) of device nodes under rprocfs run."""

import ctypes
import errno
import os
import platform
import signal
import stat
import struct
import sys
import threading
from contextlib import contextmanager
from functools import partial
from typing import ClassVar

import pytest

from rprocfs.base.devtmpfs import UserNode
from rprocfs.fs.chardev import DeviceNode
from rprocfs.fs.kernfs import File, Handle, Tree
from rprocfs_fuse.mounted import Callers
from rprocfs_fuse.protocol import wire
from rprocfs_fuse.protocol.wire import Opcode
from rprocfs_fuse.run import seccomp
from rprocfs_fuse.run.callers import may_trace, traced_callers
from rprocfs_fuse.run.memory import Memory
from rprocfs_fuse.run.stat_calls import STAT_LAYOUT
from tests.mount.fake_kernel import FakeKernel
from tests.mount.test_run import board, runner  # noqa: F401 - fixtures


class Said(Callers):
    """Callers that are in stat(2) if *said* says so; what was shown to them as a device."""

    def __init__(self, said, memory=b""):
        self._said = said
        self.memory = memory
        self.shown = []

    def is_stat(self, task):
        return self._said(task)

    def showing(self, task, node):
        said = self._said(task)
        return partial(self._show, task, node) if said else said

    def _show(self, task, node, answer):
        self.shown.append((task, node.devt))
        answer()

    def is_killed(self, task):
        return False

    def ioctl(self, task, command, argument, sizes):
        self.asked = (task, command, argument)
        return self.memory[: sizes[0]], self.shown.append


class Terminal(Handle):
    ioctl_sizes: ClassVar = {0x5401: (0, 4), 0x5402: (4, 0)}

    def ioctl(self, cmd, arg, data):
        return b"read" if cmd == 0x5401 else b"got " + data


ATTR = struct.Struct("=QQQQQQIIIIIIII")


@pytest.fixture
def tree():
    tree = Tree()
    dev = tree.root.mkdirs("dev")
    dev.add("kmsg", DeviceNode(lambda _flags: Handle(), (1, 300), 0o644))
    dev.add("disk", UserNode(stat.S_IFBLK | 0o600, (8, 1)))
    dev.add("plain", File(0o600))
    dev.add("tty", DeviceNode(lambda _flags: Terminal(), (2, 0)))
    return tree


def look(kernel, name):
    """What LOOKUP, then GETATTR say a name in dev is: node id and (mode, rdev) of each."""
    _, payload = kernel.ask(Opcode.LOOKUP, kernel.lookup("dev"), name.encode() + b"\0")
    nodeid = int.from_bytes(payload[:8], "little")
    first = ATTR.unpack_from(payload, 40)
    _, payload = kernel.getattr(nodeid)
    second = ATTR.unpack_from(payload, 16)
    return nodeid, (first[9], first[13]), (second[9], second[13])


def devices(number):
    major, minor = number
    return minor & 0xFF | major << 8 | (minor & ~0xFF) << 12


# The daemon.


def test_a_name_is_a_device_to_stat_and_a_file_to_the_rest(tree):
    said = [True, False]
    with FakeKernel(tree, callers=Said(lambda _task: said[0])) as kernel:
        special, *attributes = look(kernel, "kmsg")
        assert attributes == [(stat.S_IFCHR | 0o644, devices((1, 300)))] * 2
        assert look(kernel, "disk")[1] == (stat.S_IFBLK | 0o600, devices((8, 1)))
        assert look(kernel, "plain")[1] == (stat.S_IFREG | 0o600, 0)
        said.pop(0)
        regular, *attributes = look(kernel, "kmsg")
        assert attributes == [(stat.S_IFREG | 0o644, 0)] * 2
        assert special != regular
        known = kernel.connection.requests
        assert known.nodes[special] is known.nodes[regular]
        for number in (special, regular):
            kernel.send(Opcode.FORGET, number, wire.FORGET_IN.pack(1))
        kernel.lookup("dev")
        assert not {special, regular} & {*known.nodes, *known.lookups}


def test_the_daemon_asks_about_the_task_of_the_request(tree):
    asked = []
    with FakeKernel(tree, callers=Said(asked.append)) as kernel:
        kernel.send(Opcode.LOOKUP, kernel.lookup("dev"), b"plain\0")
        assert kernel.getattr(1)[0] == 0
        assert asked == []
    with FakeKernel(tree, callers=Said(lambda task: bool(asked.append(task)))) as kernel:
        look(kernel, "kmsg")
        assert asked == [os.getpid()] * 2


def test_others_are_served_until_a_caller_can_be_looked_at(tree):
    asleep = threading.Event()
    with FakeKernel(tree, callers=Said(lambda _task: asleep.is_set() or None)) as kernel:
        waiting = kernel.send(Opcode.LOOKUP, kernel.lookup("dev"), b"kmsg\0")
        assert kernel.getattr(1)[0] == 0
        assert kernel.reply(waiting, timeout=0) is None
        asleep.set()
        code, payload = kernel.reply(waiting)
        assert (code, ATTR.unpack_from(payload, 40)[9]) == (0, stat.S_IFCHR | 0o644)


def test_a_directory_lists_the_types(tree):
    for callers, kind in ((None, stat.S_IFREG), (Said(lambda _task: False), stat.S_IFCHR)):
        with FakeKernel(tree, callers=callers) as kernel:
            dev = kernel.lookup("dev")
            _, payload = kernel.ask(Opcode.OPENDIR, dev, wire.OPEN_IN.pack(0, 0))
            number = wire.OPEN_OUT.unpack(payload)[0]
            body = wire.READ_IN.pack(number, 0, 4096, 0, 0, 0, 0)
            _, listed = kernel.ask(Opcode.READDIR, dev, body)
            at = listed.index(b"kmsg")
            assert int.from_bytes(listed[at - 4 : at], "little") == kind >> 12


def test_an_open_file_is_shown_as_a_device_to_stat_alone(tree):
    callers = Said(lambda _task: False)
    with FakeKernel(tree, callers) as kernel:
        file, plain = kernel.open("dev/kmsg"), kernel.lookup("dev/plain")
        assert kernel.getattr(file.nodeid)[0] == 0
        callers._said = lambda _task: True
        code, payload = kernel.getattr(file.nodeid)
        assert (code, ATTR.unpack_from(payload, 16)[9]) == (0, stat.S_IFREG | 0o644)
        assert callers.shown == [(os.getpid(), (1, 300))]
        seek_end = wire.GETATTR_IN.pack(wire.GETATTR_FH, 0, file.number)
        assert kernel.ask(Opcode.GETATTR, file.nodeid, seek_end)[0] == 0
        assert kernel.getattr(plain)[0] == 0
        assert kernel.ask(Opcode.GETATTR, 1 << 60, seek_end)[0] == errno.ESTALE
        assert len(callers.shown) == 1


def test_an_old_ioctl_of_a_terminal_uses_the_memory_of_its_caller(tree):
    callers = Said(lambda _task: False, b"1234567")
    with FakeKernel(tree, callers) as kernel:
        tty, kmsg = kernel.open("dev/tty"), kernel.open("dev/kmsg")

        def ioctl(file, cmd):
            body = wire.IOCTL_IN.pack(file.number, 0, cmd, 0x1000, 0, 0)
            return kernel.ask(Opcode.IOCTL, file.nodeid, body)

        done = (0, wire.IOCTL_OUT.pack(0, 0, 0, 0))
        assert ioctl(tty, 0x5401) == done
        assert ioctl(tty, 0x5402) == done
        assert callers.asked == (os.getpid(), 0x5402, 0x1000)
        assert callers.shown == [b"read", b"got 1234"]
        assert ioctl(kmsg, 0x5401) == (errno.ENOTTY, b"")


# What a caller is in.


@pytest.fixture
def is_stat():
    if not may_trace():
        pytest.skip("no right to trace")
    with Memory() as memory:
        yield traced_callers(memory).is_stat


@contextmanager
def child(work):
    pid = os.fork()
    if not pid:
        work()
        os._exit(0)
    try:
        yield pid
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


def busy():
    while True:
        pass


def test_what_sleeps_in_another_call_is_not_in_stat(is_stat):
    with child(signal.pause) as pid:
        while (answer := is_stat(pid)) is None:
            pass
        assert answer is False


def test_what_runs_cannot_be_looked_at(is_stat):
    with child(busy) as pid:
        while (answer := is_stat(pid)) is False:  # it has yet to return from fork(2)
            pass
        assert answer is None


def test_what_is_gone_is_not_in_stat(is_stat):
    with child(signal.pause) as pid:
        pass
    assert is_stat(pid) is False


# All of it.

EVERYWHERE = """
dir=$(mktemp -d); ln -s /dev/remoteproc0 $dir/m4; cd $dir
stat -L -c %F m4; stat -c %F m4; find -L . -type c; printf start > m4
cat /sys/class/remoteproc/remoteproc0/state; rm m4; rmdir $dir
find /dev -type c -name 'remoteproc*' | wc -l; find /dev -type f -name 'remoteproc*' | wc -l
"""


def test_a_device_is_one_by_whatever_name(runner):  # noqa: F811
    assert runner.sh(EVERYWHERE).splitlines() == [
        "character special file", "symbolic link", "./m4", "running", "2", "0",
    ]  # fmt: skip


#: Threads that open a name, while others look at it: each gets what is right for it.
TOGETHER = """
import os, stat, threading
wrong = []
def look():
    for _ in range(300):
        if not stat.S_ISCHR(os.stat("/dev/kmsg").st_mode):
            wrong.append("a file")
def use():
    for _ in range(300):
        fd = os.open("/dev/kmsg", os.O_RDONLY | os.O_NONBLOCK)
        if not stat.S_ISCHR(os.fstat(fd).st_mode):
            wrong.append("an open file")
        os.close(fd)
threads = [threading.Thread(target=target) for target in (look, use) * 4]
for thread in threads: thread.start()
for thread in threads: thread.join()
print(wrong)
"""


def test_names_are_looked_at_and_opened_at_once(runner):  # noqa: F811
    done = runner.run(sys.executable, "-c", TOGETHER)
    assert (done.stdout, done.stderr) == ("[]\n", "")


#: Signals come in while the file is looked at; the calls know nothing of that, nor of us.
DISTURBED = """
import os, signal, stat
came = []
signal.signal(signal.SIGALRM, lambda *_: came.append(1))
fd = os.open("/dev/kmsg", os.O_RDONLY | os.O_NONBLOCK)
signal.setitimer(signal.ITIMER_REAL, 0.0005, 0.0005)
kinds = {stat.S_IFMT(os.fstat(fd).st_mode) for _ in range(300)}
kinds |= {stat.S_IFMT(os.stat(f"/proc/self/fd/{fd}").st_mode) for _ in range(300)}
signal.setitimer(signal.ITIMER_REAL, 0)
print(bool(came), kinds == {stat.S_IFCHR})
for line in open("/proc/self/status"):
    if line.startswith("TracerPid"):
        print(line.split())
"""


def test_a_caller_notices_nothing_of_how_it_sees_a_device(runner):  # noqa: F811
    done = runner.run(sys.executable, "-c", DISTURBED)
    assert (done.stdout, done.stderr) == ("True True\n['TracerPid:', '0']\n", "")


#: Killed, and stopped and continued, while they look; then all is as before.
KILLED = """
import os, signal, stat, time
fd = os.open("/dev/kmsg", os.O_RDONLY | os.O_NONBLOCK)
for turn in range(40):
    ready, here = os.pipe()
    pid = os.fork()
    if not pid:
        os.write(here, b"!")
        while True:
            assert stat.S_ISCHR(os.fstat(fd).st_mode)
    os.read(ready, 1)
    os.kill(pid, signal.SIGSTOP)
    print(os.WIFSTOPPED(os.waitpid(pid, os.WUNTRACED)[1]), end=" ")
    os.kill(pid, signal.SIGCONT)
    print(os.WIFCONTINUED(os.waitpid(pid, os.WCONTINUED)[1]), end=" ")
    os.kill(pid, signal.SIGKILL)
    print(os.WTERMSIG(os.waitpid(pid, 0)[1]))
    os.close(ready), os.close(here)
print(stat.S_ISCHR(os.fstat(fd).st_mode))
"""


def test_a_caller_may_be_killed_while_it_looks(runner):  # noqa: F811
    done = runner.run(sys.executable, "-c", KILLED)
    assert (done.stdout, done.stderr) == ("True True 9\n" * 40 + "True\n", "")


#: A caller that is traced by another sees the file that it has opened.
TRACED = """
import ctypes, os, stat
fd = os.open("/dev/kmsg", os.O_RDONLY | os.O_NONBLOCK)
pid = os.fork()
if not pid:
    ctypes.CDLL(None).ptrace(0, 0, 0, 0)
    os._exit(stat.S_IFMT(os.fstat(fd).st_mode) >> 12)
print(os.waitpid(pid, 0)[1] >> 8 == stat.S_IFREG >> 12)
"""


def test_a_caller_that_is_traced_is_left_to_its_tracer(runner):  # noqa: F811
    done = runner.run(sys.executable, "-c", TRACED)
    assert (done.stdout, done.stderr) == ("True\n", "")


#: statx(2) that wants no news is not asked of the daemon.
CACHED = """
import ctypes, os, stat, struct
from rprocfs_fuse.run import seccomp
fd = os.open("/dev/kmsg", os.O_RDONLY | os.O_NONBLOCK)
for flags in (0x1000, 0x5000):
    found = ctypes.create_string_buffer(256)
    number = seccomp.native()[1]["statx"]
    ctypes.CDLL(None).syscall(number, fd, b"", flags, 0x7FF, found)
    mode, = struct.unpack_from("=H", found, 28)
    print(stat.S_ISCHR(mode), *struct.unpack_from("=II", found, 128))
"""


def test_an_open_file_is_a_device_also_to_statx(runner):  # noqa: F811
    done = runner.run(sys.executable, "-c", CACHED)
    assert (done.stdout, done.stderr) == ("True 1 11\n" * 2, "")


def test_what_is_asked_is_read_before_it_is_answered(monkeypatch):
    """As arm64 forgets it afterwards: the registers are faked, all else is a real process."""
    if not may_trace():
        pytest.skip("no right to trace")
    node = DeviceNode(lambda _flags: Handle(), (1, 11), 0o644)
    where, numbers = STAT_LAYOUT[platform.machine()], seccomp.native()[1]
    status = bytearray(where.size)
    struct.pack_into("=Q", status, where.ino, node.ino)
    struct.pack_into("=I", status, where.mode, stat.S_IFREG | 0o600)
    buffer = ctypes.create_string_buffer(bytes(status), where.size)
    calls = [(numbers["fstat"], 3, ctypes.addressof(buffer), 0, 0, 0, 0)]
    monkeypatch.setattr("rprocfs_fuse.run.callers._call", lambda _task: calls[-1])
    with Memory() as memory, child(signal.pause) as pid:
        traced_callers(memory).showing(pid, node)(lambda: calls.append(()))
        found = memory.read(pid, ctypes.addressof(buffer), where.size)
        assert where.read(bytearray(found)) == (node.ino, stat.S_IFCHR | 0o600)
        assert calls[1:] == [()]


#: The calls of a 32-bit program, made by the instruction that it has for them.
OLD_CALLS = """
import ctypes, glob, os, platform, stat, struct, sys, time
if platform.machine() != "x86_64":
    print("True\\nTrue")
    sys.exit()
libc = ctypes.CDLL(None, use_errno=True)
libc.mmap.restype = ctypes.c_void_p
libc.mmap.argtypes = (ctypes.c_void_p, ctypes.c_size_t, *[ctypes.c_int] * 3, ctypes.c_long)
page = libc.mmap(None, 4096, 7, 0x62, -1, 0)
ctypes.memmove(page, bytes.fromhex("5389f889f387d1cd805bc3"), 11)
call = ctypes.CFUNCTYPE(*[ctypes.c_int] * 5)(page)
with open("/sys/class/remoteproc/remoteproc0/state", "w") as state:
    state.write("start")
while not (found := glob.glob("/dev/ttyRPMSG*")):
    time.sleep(0.01)
tty = os.open(found[0], os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
result = call(54, tty, 0x5401, page + 256)
if result == -38:  # the kernel has no such calls
    print("True\\nTrue")
    sys.exit()
print(result == 0 and any(ctypes.string_at(page + 256, 36)))
print(call(197, tty, page + 512, 0) == 0)
"""


def test_a_32_bit_program_may_use_a_terminal(runner):  # noqa: F811
    done = runner.run(sys.executable, "-c", OLD_CALLS)
    assert (done.stdout, done.stderr) == ("True\nTrue\n", "")


#: A thread looks at a device while another one executes a program, or ends the process.
ENDED = """
import os, sys, threading, time
fd = os.open("/dev/kmsg", os.O_RDONLY | os.O_NONBLOCK)
def look():
    while True:
        os.fstat(fd)
def end(turn):
    time.sleep(turn % 10 / 5000)
    if turn % 2:
        os._exit(0)
    os.execv("/bin/true", ["true"])
for turn in range(80):
    pid = os.fork()
    if not pid:
        for _ in range(2):
            threading.Thread(target=look, daemon=True).start()
        if turn % 4 < 2:
            end(turn)
        threading.Thread(target=end, args=(turn,), daemon=True).start()
        look()
    _, status = os.waitpid(pid, 0)
    print(status, end=" ")
"""


def test_a_caller_may_be_ended_by_another_thread_while_it_looks(runner):  # noqa: F811
    done = runner.run(sys.executable, "-c", ENDED)
    assert (done.stdout, done.stderr) == ("0 " * 80, "")
