"""serve TRANSPORT DIR NUMBER: the tree that is measured, over one of our transports."""

import sys
from collections import deque
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "mount")]

from rprocfs.fs.chardev import DeviceNode
from rprocfs.fs.kernfs import Handle, Tree
from rprocfs.fs.sysfs import SysfsFile, attribute
from rprocfs.fs.wait import WaitQueue, WouldBlock
from rprocfs_fuse import transport
from rprocfs_fuse.command import daemon


@attribute
def attr(_owner):
    """What is read."""
    return "running"


class Echo(Handle):
    """What is written can be read again, message by message."""

    stream = True

    def __init__(self, _flags):
        self._messages = deque()
        self._queue = WaitQueue()

    @property
    def wait_queue(self):
        """See Handle."""
        return self._queue

    def read(self, size, offset):
        """See Handle."""
        if not self._messages:
            raise WouldBlock(self._queue)
        return self._messages.popleft()[:size]

    def write(self, data, offset):
        """See Handle."""
        self._messages.append(data)
        self._queue.wake_up()
        return len(data)


def tree(number):
    """The tree that the C filesystem has, too."""
    made = Tree()
    made.root.mkdirs("sys").add("attr", SysfsFile(attr, None))
    made.root.mkdirs("dev").add("echo", DeviceNode(Echo, (0, 0)))
    above = made.root.mkdirs("tree")
    for index in range(number):
        below = above.mkdirs(f"d{index}")
        for name in range(5):
            below.add(f"f{name}", SysfsFile(attr, None))
    return made


def main(kind, directory, number):
    """Serve until a signal comes."""
    options = transport.MountOptions(kind)

    def run(ready, ends):
        with transport.mount(tree(int(number)), directory, options, lambda: ends.put(None)):
            ready()
            ends.get()

    daemon.in_foreground(run)


main(*sys.argv[1:])
