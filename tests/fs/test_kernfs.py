import errno
import os
import stat
import weakref

import pytest

from rprocfs.fs.chardev import DeviceNode
from rprocfs.fs.debugfs import DebugfsFile
from rprocfs.fs.kernfs import Dir, File, Handle, Link, Tree
from rprocfs.fs.sysfs import SysfsFile, attribute


@pytest.fixture
def tree():
    return Tree()


def _errno(call, *args):
    with pytest.raises(OSError) as caught:
        call(*args)
    return caught.value.errno


def test_names_numbers_and_links_count(tree):
    devices = tree.root.mkdirs("sys/devices")
    assert tree.root.mkdirs("sys/devices") is devices
    tree.root.mkdirs("sys/class")
    sys = tree.root.lookup("sys")
    assert devices.path == "/sys/devices"
    assert tree.root.path == "/"
    assert sys.nlink == 4
    assert devices.nlink == 2
    assert stat.S_ISDIR(sys.st_mode)
    inodes = {tree.root.ino, sys.ino, devices.ino, sys.lookup("class").ino}
    assert len(inodes) == 4


def test_a_name_stands_once(tree):
    tree.root.add("a", Dir())
    assert _errno(tree.root.add, "a", Dir()) == errno.EEXIST
    assert _errno(tree.root.lookup, "b") == errno.ENOENT


def test_removal_buries_everything_below_and_numbers_are_not_used_again(tree):
    gone = []
    tree.removed.append(lambda parent, name: gone.append((parent.path, name)))
    top = tree.root.add("top", Dir())
    below = top.mkdirs("a/b")
    tree.root.remove("top")
    tree.root.remove("top")
    assert not top.alive
    assert not below.alive
    assert gone == [("/", "top"), ("/top", "a"), ("/top/a", "b")]
    assert _errno(below.add, "late", Dir()) == errno.ENOENT
    assert tree.root.add("top", Dir()).ino > below.ino


class Shown:
    """What a file stands for."""

    def open(self, _flags):
        return Handle()


@attribute
def name(_shown):
    return "name"


def _sysfs(shown):
    return SysfsFile(name, shown)


def _debugfs(shown):
    return DebugfsFile(lambda: repr(shown).encode(), lambda data: print(shown, data))


def _device(shown):
    return DeviceNode(shown.open, (10, 1))


@pytest.mark.parametrize(
    ("make", "gone"),
    [(_sysfs, errno.ENODEV), (_debugfs, errno.EIO), (_device, errno.ENXIO)],
)
def test_a_removed_file_does_not_keep_what_it_showed(tree, make, gone):
    shown = Shown()
    alive = weakref.ref(shown)
    file = tree.root.mkdirs("top/below").add("file", make(shown))
    handle = file.open(os.O_RDWR) if make is not _sysfs else file.open(os.O_RDONLY)
    del shown
    tree.root.remove("top")
    assert alive() is None
    assert _errno(file.open, os.O_RDONLY) in (errno.ENODEV, errno.ENOENT, errno.ENXIO)
    if make is not _device:
        assert _errno(handle.read, 100, 0) == gone


def test_links_are_relative_as_in_sysfs(tree):
    target = tree.root.mkdirs("sys/devices/platform/rproc-sim.0/remoteproc/remoteproc0")
    platform = tree.root.mkdirs("sys/devices/platform/rproc-sim.0")
    class_link = tree.root.mkdirs("sys/class/remoteproc").add("remoteproc0", Link(target))
    device = target.add("device", Link(platform))
    assert class_link.readlink() == ("../../devices/platform/rproc-sim.0/remoteproc/remoteproc0")
    assert device.readlink() == "../../../rproc-sim.0"
    assert tree.root.add("fixed", Link("/lib/firmware")).readlink() == "/lib/firmware"


def test_only_the_framework_changes_the_shape(tree):
    assert _errno(tree.root.create, "x", 0o644) == errno.EACCES
    assert _errno(tree.root.mkdir, "x", 0o755) == errno.EPERM
    assert _errno(tree.root.rmdir, "x") == errno.EPERM


def test_owner_and_mode_stay(tree):
    node = tree.root.add("f", File(0o444))
    node.setattr(mode=0o100644, uid=5)
    node.setattr(gid=6)
    assert (node.mode, node.uid, node.gid) == (0o644, 5, 6)
    assert stat.S_ISREG(node.st_mode)
