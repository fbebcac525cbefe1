"""What is gone is given back, whatever the kernel and the clients still know of it."""

import ctypes
import errno
import os
import subprocess
import sys
import threading
import time
from contextlib import nullcontext
from pathlib import Path

import pytest

from rprocfs.fs.sysfs import SysfsFile
from rprocfs.system import System
from rprocfs_fuse import transport
from rprocfs_fuse.protocol.devfuse import DevfuseMount
from tests.mount.sample import ro

PROCESSOR = {"compatible": "rprocfs,cortex-m4", "engine": "unicorn"}


def _memories():
    return [
        link
        for fd in Path("/proc/self/fd").iterdir()
        if os.path.islink(fd) and "memfd:" in (link := os.readlink(fd))
    ]


def _look_at_everything(top):
    """As find(1) and cat(1) do; the descriptors stay open."""
    opened = []
    for where, _, names in os.walk(top):
        for name in names:
            path = f"{where}/{name}"
            if os.path.isfile(path) and os.access(path, os.R_OK):
                os.stat(path)
                opened.append(os.open(path, os.O_RDONLY | os.O_NONBLOCK))
    return opened


@pytest.fixture
def system():
    with System() as system:
        yield system


def test_memory_of_removed_processors(system, mountpoint, kind):
    """Names that the kernel remembers, and files that are open, keep nothing; no collector runs."""
    before = len(_memories())
    with transport.mount(system.tree, mountpoint, transport.MountOptions(kind)):
        opened = []
        try:
            for _ in range(5):
                device = system.add_processor(PROCESSOR)
                opened += _look_at_everything(f"{mountpoint}/sys/devices")
                opened += _look_at_everything(f"{mountpoint}/sys/kernel/debug")
                device.platform_device_del()
            assert opened
            assert len(_memories()) == before
        finally:
            for fd in opened:
                os.close(fd)


def test_threads_of_a_transport_leave_no_object(sample, mountpoint, kind):
    """logging makes one for a thread that is not Python's: libfuse starts and ends many."""
    with transport.mount(sample.tree, mountpoint, transport.MountOptions(kind)):
        with pytest.raises(OSError, match="Input/output"):
            (mountpoint / "broken").read_text()  # which logs
        assert not [thread for thread in threading.enumerate() if thread.name.startswith("Dummy")]


#: Objects that live for a while and refer to themselves, as those of a processor do: how many
#: are there at most, of which 5000 are in use.
GARBAGE = """
from collections import deque
from rprocfs_fuse.command.daemon import forget_what_stays
in_use = deque(maxlen=5000)
class Gone:
    alive = 0
    def __init__(self):
        self.me = self
        Gone.alive += 1
    def __del__(self):
        Gone.alive -= 1
def make(_):
    in_use.append(Gone())
    return Gone.alive
forget_what_stays()
print(max(map(make, range(200_000))))
"""


def test_what_refers_to_itself_goes_soon():
    """A daemon that makes and removes processors all day has those of the last minutes."""
    done = subprocess.run(
        [sys.executable, "-c", GARBAGE], env=os.environ, capture_output=True, text=True, check=True
    )
    assert int(done.stdout) < 30_000


@pytest.fixture
def requests(system, mountpoint, monkeypatch):
    """What a mount of the system knows that its kernel knows."""
    made = []

    class Watched(DevfuseMount):
        def __init__(self, *args):
            super().__init__(*args)
            made.append(self._connection.requests)

    monkeypatch.setattr("rprocfs_fuse.protocol.devfuse.DevfuseMount", Watched)
    with transport.mount(system.tree, mountpoint):
        yield made[0]


def _forgotten(requests, mountpoint):
    """Without a look-up that would tell the kernel; names that stay are kept."""
    deadline = time.monotonic() + 10
    while dead := [node.path for node in requests.nodes.values() if not node.alive]:
        assert time.monotonic() < deadline, dead
        os.stat(mountpoint)  # a round trip: the FORGETs come with it


def test_the_kernel_forgets_what_is_removed(system, mountpoint, requests):
    device = system.add_processor(PROCESSOR)
    for fd in _look_at_everything(f"{mountpoint}/sys/devices"):
        os.close(fd)
    assert [node for node in requests.nodes.values() if "remoteproc0" in node.path]
    device.platform_device_del()
    _forgotten(requests, mountpoint)


def test_the_kernel_forgets_a_directory_that_was_in_use(system, mountpoint, requests):
    """A name that is looked for in what is gone would keep it."""
    device = system.add_processor(PROCESSOR)
    where = os.open(f"{mountpoint}/sys/class/remoteproc/remoteproc0/", os.O_RDONLY)
    device.platform_device_del()
    for name in ("state", "nothing"):
        with pytest.raises(FileNotFoundError):
            os.stat(name, dir_fd=where)
    os.close(where)
    _forgotten(requests, mountpoint)


def _number(path):
    """libfuse's number of what it knows by this name, by name_to_handle_at(2)."""
    handle = (ctypes.c_uint32 * 34)(128)
    mount_id = ctypes.c_int()
    libc = ctypes.CDLL(None, use_errno=True)
    where = (ctypes.c_int(-100), os.fsencode(path), handle, ctypes.byref(mount_id), ctypes.c_int(0))
    assert libc.name_to_handle_at(*where) == 0, os.strerror(ctypes.get_errno())
    return tuple(handle[2:5])


def _refused(target):
    raise PermissionError(errno.EPERM, os.strerror(errno.EPERM), target)


@pytest.mark.parametrize(
    ("is_root", "is_open"),
    [(True, False), (True, True), (False, False)],
    ids=["root", "root, open when it goes", "user"],
)
def test_libfuse_forgets_what_is_removed(sample, mountpoint, monkeypatch, is_root, is_open):
    """A name that it remembers keeps its number, also if another file has it now."""
    if not is_root:
        monkeypatch.setattr("rprocfs_fuse.fusepy.forgetting.reconfigure", _refused)
    root, path = sample.tree.root, f"{mountpoint}/gone/below/ro"
    with transport.mount(sample.tree, mountpoint, transport.MountOptions("fusepy")):
        numbers, deadline, patience = set(), time.monotonic() + 20, 1
        while len(numbers) < 2:
            assert time.monotonic() < deadline, numbers
            root.mkdirs("gone/below").add("ro", SysfsFile(ro, sample))
            numbers.add(_number(path))
            with open(path) if is_open else nullcontext():
                root.remove("gone")
            root.mkdirs("next")
            root.remove("next")
            for _ in range(patience):  # more time to forget it each time, before it is made again
                os.stat(f"{mountpoint}/ro")
            patience *= 2
