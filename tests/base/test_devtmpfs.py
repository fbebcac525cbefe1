import errno
import os
import stat

import pytest

from rprocfs.base.device import Class, Device
from rprocfs.base.devtmpfs import MAX_SIZE, RENAME_NOREPLACE, Devtmpfs
from rprocfs.base.model import DriverModel
from rprocfs.fs.kernfs import Handle
from rprocfs.testing.userspace import Userspace
from rprocfs_fuse.operations import Operations


class Answer(Handle):
    def read(self, size, offset):
        return b"here"[offset : offset + size]


@pytest.fixture
def model():
    model = DriverModel()
    model.dev.allow()
    return model


@pytest.fixture
def dev(model):
    return model.dev


@pytest.fixture
def device(model):
    device = Device(model, "thing0", class_=Class(model, "thing"))
    device.set_devnode((200, 1), lambda flags: Answer())
    return device


def _errno(call, *args):
    with pytest.raises(OSError) as caught:
        call(*args)
    return caught.value.errno


def test_nothing_can_be_made_unless_that_is_allowed():
    dev = DriverModel().dev
    assert _errno(dev.create, "f", 0o644) == errno.EACCES
    dev.add("old", Devtmpfs())
    for call, *args in (
        (dev.mkdir, "d", 0o755), (dev.symlink, "l", "x"), (dev.unlink, "old"),
        (dev.rmdir, "old"), (dev.mknod, "n", stat.S_IFCHR | 0o600, (1, 3)),
        (dev.rename, "old", dev, "new", 0),
    ):  # fmt: skip
        assert _errno(call, *args) == errno.EPERM
    assert dev.mkdirs("a/b").parent.name == "a"
    dev.allow()
    assert dev.children["a"].children["b"].symlink("x", "y").readlink() == "y"


def test_a_node_that_the_user_makes_opens_the_device_of_its_number(model, dev, device):
    node = dev.mknod("mine", stat.S_IFCHR | 0o640, (200, 1))
    assert (node.special, node.mode) == (stat.S_IFCHR, 0o640)
    shell = Userspace(model.tree)
    assert _errno(shell.cat, "/dev/mine") == errno.ENXIO
    device.device_add()
    assert shell.cat("/dev/mine") == "here"
    block = dev.mknod("block", stat.S_IFBLK | 0o600, (200, 1))
    assert _errno(block.open, os.O_RDONLY) == errno.ENXIO
    assert dev.mknod("pipe", stat.S_IFIFO | 0o600, (0, 0)).st_mode == stat.S_IFIFO | 0o600
    device.device_del()
    assert _errno(shell.cat, "/dev/mine") == errno.ENXIO


def test_what_a_user_put_in_its_place_stays(model, dev, device):
    file = dev.create("thing0", 0o644)
    device.device_add()
    assert dev.children["thing0"] is file
    device.device_del()
    assert dev.children["thing0"] is file


def test_a_node_that_was_renamed_opens_no_more_when_the_device_is_gone(model, dev, device):
    device.device_add()
    dev.rename("thing0", dev.mkdirs("below"), "other", 0)
    shell = Userspace(model.tree)
    assert shell.cat("/dev/below/other") == "here"
    device.device_del()
    assert _errno(shell.cat, "/dev/below/other") == errno.ENXIO


def test_a_device_is_found_by_its_number(model, device):
    shell = Userspace(model.tree)
    device.device_add()
    assert shell.cat("/sys/dev/char/200:1/dev") == "200:1\n"
    device.device_del()
    assert shell.ls("/sys/dev/char") == []


def test_rename(dev):
    d, e = dev.mkdir("d", 0o755), dev.mkdir("e", 0o755)
    file = dev.create("f", 0o644)
    links = dev.nlink
    dev.rename("f", d, "g", 0)
    assert (file.path, "f" in dev.children) == ("/dev/d/g", False)
    assert _errno(dev.rename, "e", dev, "d", 0) == errno.ENOTEMPTY
    dev.rename("e", d, "h", 0)
    assert (e.path, dev.nlink, d.nlink) == ("/dev/d/h", links - 1, 3)
    dev.create("f", 0o644)
    assert _errno(dev.rename, "f", d, "g", RENAME_NOREPLACE) == errno.EEXIST
    assert _errno(dev.rename, "f", d, "g", 2) == errno.EINVAL
    dev.rename("f", d, "g", 0)
    assert not file.alive
    assert _errno(dev.rename, "f", d, "g", 0) == errno.ENOENT
    assert _errno(dev.rmdir, "d") == errno.ENOTEMPTY


def test_files(dev):
    file = dev.create("f", 0o644)
    handle = file.open(os.O_RDWR)
    assert handle.write(b"abc", 2) == 3
    assert (handle.read(10, 0), file.size) == (b"\0\0abc", 5)
    file.open(os.O_WRONLY | os.O_APPEND).write(b"!", 0)
    file.truncate(3)
    assert handle.read(10, 0) == b"\0\0a"
    file.truncate(4)
    assert handle.read(10, 0) == b"\0\0a\0"
    assert _errno(handle.write, b"x", MAX_SIZE) == errno.ENOSPC
    assert _errno(file.truncate, MAX_SIZE + 1) == errno.EFBIG
    file.open(os.O_WRONLY | os.O_TRUNC)
    assert file.size == 0


def test_what_a_user_makes_is_that_users(model, dev):
    dev.mkdirs("tmp").mode = 0o777
    operations = Operations(model.tree)
    caller = operations.caller(7, 8, 1)
    made = [
        operations.mkdir(dev.children["tmp"], "d", 0o755, caller),
        operations.symlink(dev.children["tmp"], "l", "x", caller),
        operations.create(dev.children["tmp"], "f", 0o600, os.O_RDWR, caller)[0],
        operations.mknod(dev.children["tmp"], "p", stat.S_IFIFO | 0o600, (0, 0), caller),
    ]
    assert [(node.uid, node.gid) for node in made] == [(7, 8)] * 4
    assert _errno(operations.symlink, dev, "l", "x", caller) == errno.EACCES
