"""stat(2) of device nodes under rprocfs run: of their names, which the daemon shows as devices."""

import os
import signal
import stat
import struct
import sys
import threading
from contextlib import contextmanager

import pytest

from rprocfs.base.devtmpfs import UserNode
from rprocfs.fs.chardev import DeviceNode
from rprocfs.fs.kernfs import File, Handle, Tree
from rprocfs_fuse.protocol import wire
from rprocfs_fuse.protocol.wire import Opcode
from rprocfs_fuse.run import callers
from tests.mount.fake_kernel import FakeKernel
from tests.mount.test_run import board, runner  # noqa: F401 - fixtures

ATTR = struct.Struct("=QQQQQQIIIIIIII")


@pytest.fixture
def tree():
    tree = Tree()
    dev = tree.root.mkdirs("dev")
    dev.add("kmsg", DeviceNode(lambda _flags: Handle(), (1, 300), 0o644))
    dev.add("disk", UserNode(stat.S_IFBLK | 0o600, (8, 1)))
    dev.add("plain", File(0o600))
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
    with FakeKernel(tree, is_stat=lambda _task: said[0]) as kernel:
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
    with FakeKernel(tree, is_stat=asked.append) as kernel:
        kernel.send(Opcode.LOOKUP, kernel.lookup("dev"), b"plain\0")
        assert kernel.getattr(1)[0] == 0
        assert asked == []
    with FakeKernel(tree, is_stat=lambda task: bool(asked.append(task))) as kernel:
        look(kernel, "kmsg")
        assert asked == [os.getpid()]


def test_others_are_served_until_a_caller_can_be_looked_at(tree):
    asleep = threading.Event()
    with FakeKernel(tree, is_stat=lambda _task: asleep.is_set() or None) as kernel:
        waiting = kernel.send(Opcode.LOOKUP, kernel.lookup("dev"), b"kmsg\0")
        assert kernel.getattr(1)[0] == 0
        assert kernel.reply(waiting, timeout=0) is None
        asleep.set()
        code, payload = kernel.reply(waiting)
        assert (code, ATTR.unpack_from(payload, 40)[9]) == (0, stat.S_IFCHR | 0o644)


def test_a_directory_lists_the_types(tree):
    for is_stat, kind in ((None, stat.S_IFREG), (lambda _task: False, stat.S_IFCHR)):
        with FakeKernel(tree, is_stat=is_stat) as kernel:
            dev = kernel.lookup("dev")
            _, payload = kernel.ask(Opcode.OPENDIR, dev, wire.OPEN_IN.pack(0, 0))
            number = wire.OPEN_OUT.unpack(payload)[0]
            body = wire.READ_IN.pack(number, 0, 4096, 0, 0, 0, 0)
            _, listed = kernel.ask(Opcode.READDIR, dev, body)
            at = listed.index(b"kmsg")
            assert int.from_bytes(listed[at - 4 : at], "little") == kind >> 12


# What a caller is in.


@pytest.fixture
def is_stat():
    found = callers.looker()
    if found is None:
        pytest.skip("no right to trace")
    return found


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
