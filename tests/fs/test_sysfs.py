import errno
import os
import select

import pytest

from rprocfs.fs.kernfs import DEFAULT_POLLMASK, Tree, error
from rprocfs.fs.sysfs import SysfsFile, attribute, command, sysfs_streq
from rprocfs.testing.userspace import Userspace


class Thing:
    def __init__(self):
        self.level = "low"
        self.shown = 0
        self.written = []


@attribute
def level(thing):
    thing.shown += 1
    return thing.level


@level.store(sleeps=True)
def _(thing, buf):
    thing.written.append(buf)
    if sysfs_streq(buf, "bad"):
        raise error(errno.ERANGE)
    thing.level = buf.removesuffix("\n")


@attribute(name="serial-number")
def serial(thing):
    return "7"


@command("poke")
def poke(thing, buf):
    thing.written.append(buf)


@attribute
def broken(thing):
    raise error(errno.ENXIO)


@pytest.fixture
def thing():
    return Thing()


@pytest.fixture
def shell(thing):
    tree = Tree()
    for attr in (level, serial, poke, broken):
        tree.root.add(attr.name, SysfsFile(attr, thing))
    return Userspace(tree)


def _errno(call, *args):
    with pytest.raises(OSError) as caught:
        call(*args)
    return caught.value.errno


def test_modes_follow_from_what_is_there(shell):
    modes = {name: shell.lookup(name).mode for name in shell.ls("/")}
    assert modes == {"level": 0o644, "serial-number": 0o444, "poke": 0o200, "broken": 0o444}
    assert shell.lookup("level").size == 4096


def test_text_has_its_newline(shell):
    assert shell.cat("level") == "low\n"
    assert shell.cat("serial-number") == "7\n"


def test_one_write_is_one_store_newline_included(shell, thing):
    assert shell.echo("level", "high\n") == 5
    assert thing.written == ["high\n"]
    assert shell.cat("level") == "high\n"


def test_a_nul_ends_what_was_written_and_bytes_survive(shell, thing):
    assert shell.echo("level", b"on\0junk") == 7
    assert shell.echo("level", b"\xff\xc3\xa9") == 3
    assert thing.written == ["on", "\udcff\u00e9"]
    assert shell.cat_bytes("level") == b"\xff\xc3\xa9\n"


def test_a_page_at_most_is_taken_and_nothing_calls_nobody(shell, thing):
    assert shell.echo("level", "x" * 5000) == 4096
    assert thing.written == ["x" * 4096]
    assert shell.echo("level", "") == 0
    assert len(thing.written) == 1


def test_errors_of_show_and_store(shell, thing):
    assert _errno(shell.echo, "level", "bad\n") == errno.ERANGE
    assert thing.level == "low"
    assert _errno(shell.cat, "broken") == errno.ENXIO


def test_permission_bits_hold_for_root_too(shell):
    assert _errno(shell.open, "serial-number", os.O_WRONLY) == errno.EACCES
    assert _errno(shell.open, "poke", os.O_RDONLY) == errno.EACCES
    assert _errno(shell.open, "serial-number", os.O_RDWR) == errno.EACCES


def test_after_chmod_it_opens_but_io_is_eio(shell):
    shell.lookup("serial-number").setattr(mode=0o644)
    assert _errno(shell.echo, "serial-number", "8") == errno.EIO
    shell.lookup("poke").setattr(mode=0o600)
    assert _errno(shell.cat, "poke") == errno.EIO


def test_a_read_that_goes_on_keeps_its_text(shell, thing):
    handle = shell.open("level")
    assert handle.read(2, 0) == b"lo"
    thing.level = "changed"
    assert handle.read(10, 2) == b"w\n"
    assert handle.read(10, 4) == b""
    assert thing.shown == 1
    assert handle.read(10, 0) == b"changed\n"
    assert handle.read(3, 5) == b"ed\n"
    assert handle.read(3, 4096) == b""


def test_offsets_of_writes_are_ignored(shell, thing):
    handle = shell.open("level")
    handle.write(b"a", 100)
    handle.write(b"b", 0)
    assert thing.written == ["a", "b"]


def test_poll_has_priority_until_the_first_read(shell):
    handle = shell.open("level")
    assert handle.poll() == DEFAULT_POLLMASK | select.POLLERR | select.POLLPRI
    handle.read(10, 0)
    assert handle.poll() == DEFAULT_POLLMASK


def test_removed_while_open(shell, thing):
    handle = shell.open("level")
    handle.read(1, 0)
    file = shell.lookup("level")
    shell.tree.root.remove("level")
    assert handle.read(10, 1) == b"ow\n"
    assert _errno(handle.read, 10, 0) == errno.ENODEV
    assert _errno(handle.write, b"x", 0) == errno.ENODEV
    assert _errno(file.open, os.O_RDONLY) == errno.ENODEV
    assert thing.written == []


def test_what_sleeps_says_so(shell):
    assert shell.open("level").sleeps
    assert not shell.open("serial-number", os.O_RDONLY).sleeps


@pytest.mark.parametrize(
    ("written", "equal"), [("on", True), ("on\n", True), ("on\n\n", False), (" on", False)]
)
def test_sysfs_streq(written, equal):
    assert sysfs_streq(written, "on") is equal
