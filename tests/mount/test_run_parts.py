"""The pieces of rprocfs run that need no namespace."""

import ctypes
import mmap
import os
import struct

import pytest

from rprocfs.fs.kernfs import Dir, File, Link, Tree
from rprocfs_fuse.run import calls, seccomp, uevents
from rprocfs_fuse.run.glance import NAME, glances
from rprocfs_fuse.run.overlay import HIDDEN_DEV, HiddenDir, plan
from tests.mount.run_parts import verdict

NOTIFY, ALLOW = 0x7FC00000, 0x7FFF0000


# What is covered, and what shines through.


@pytest.fixture
def tree():
    tree = Tree()
    for path in ("class/remoteproc", "class/tty", "bus/rpmsg", "devices/platform", "kernel/debug"):
        tree.root.mkdirs(f"sys/{path}")
    tree.root.mkdirs("sys/module/firmware_class/parameters").add("path", File(0o644))
    tree.root.mkdirs("dev").add("kmsg", File(0o644))
    return tree


@pytest.fixture
def real(tmp_path):
    for path in (
        "sys/class/net",
        "sys/class/remoteproc/real",
        "sys/class/tty",
        "sys/bus/pci",
        "sys/devices/platform/serial",
        "sys/devices/virtual/tty",
        "sys/kernel/mm",
        "sys/kernel/debug/tracing",
        "sys/module/firmware_class/parameters",
        "lib",
        "dev/pts",
    ):
        (tmp_path / path).mkdir(parents=True, exist_ok=True)
    (tmp_path / "sys/module/firmware_class/parameters/path").touch()
    (tmp_path / "sys/class/tty/tty0").symlink_to("../../devices/virtual/tty/tty0")
    for name in ("null", "kmsg", "rpmsg7", "rpmsg_other", "ptmx", "pts/ptmx"):
        (tmp_path / "dev" / name).touch()
    (tmp_path / "dev/fd").symlink_to("/proc/self/fd")
    return tmp_path


def _plan(tree, real):
    return {cover.source: cover for cover in plan(tree, str(real))}


def _binds(covers, source):
    return sorted(covers[source].binds)


def test_directories_of_ours_lie_on_the_real_ones(tree, real):
    covers = _plan(tree, real)
    assert covers["sys/class"].target == f"{real}/sys/class"
    assert _binds(covers, "sys/class") == ["net"]
    assert _binds(covers, "sys/bus") == ["pci"]
    assert _binds(covers, "sys/devices") == ["platform/serial", "virtual/tty"]
    assert isinstance(tree.root.children["sys"].children["class"].children["net"], Dir)


def test_what_is_ours_alone_shows_nothing_real(tree, real):
    covers = _plan(tree, real)
    assert _binds(covers, "sys/kernel/debug") == []
    sys = tree.root.children["sys"]
    assert not sys.children["class"].children["remoteproc"].children
    assert not sys.children["kernel"].children["debug"].children


def test_links_need_no_mount(tree, real):
    _plan(tree, real)
    tty0 = tree.root.children["sys"].children["class"].children["tty"].children["tty0"]
    assert isinstance(tty0, Link)
    assert tty0.readlink() == "../../devices/virtual/tty/tty0"


def test_a_file_of_ours_needs_no_bind(tree, real):
    (real / "sys/module/kvm").mkdir()
    assert _binds(_plan(tree, real), "sys/module") == ["kvm"]


def test_what_is_missing_is_made_in_the_directory_above(tree, real):
    tree.root.mkdirs("sys/kernel/config")
    covers = _plan(tree, real)
    assert _binds(covers, "sys/kernel") == ["mm"]


def test_firmware_of_another_directory(tree, real, tmp_path):
    images = tmp_path / "images"
    images.mkdir()
    tree.root.mkdirs("lib").add("firmware", Link(str(images)))
    covers = _plan(tree, real)
    assert covers["lib"].target == f"{real}/lib"  # there is no lib/firmware to lie on
    (real / "lib/firmware").mkdir()
    tree.root.children["lib"].remove("firmware")
    tree.root.children["lib"].add("firmware", Link(str(images)))
    assert _plan(tree, real)[str(images)].target == f"{real}/lib/firmware"
    tree.root.children["lib"].remove("firmware")
    tree.root.children["lib"].add("firmware", Link(str(real / "lib/firmware")))
    assert not [name for name in _plan(tree, real) if "lib" in name]


def test_dev(tree, real):
    covers = _plan(tree, real)
    assert _binds(covers, "dev") == ["null", "pts", "rpmsg_other"]
    dev = tree.root.children["dev"].children
    assert dev["ptmx"].readlink() == "pts/ptmx"
    assert dev["fd"].readlink() == "/proc/self/fd"
    assert not dev["kmsg"].lasting
    assert dev["null"].lasting
    assert "rpmsg7" not in dev


def test_ptmx_where_that_of_pts_may_not_be_opened(tree, real):
    os.unlink(real / "dev/pts/ptmx")
    covers = _plan(tree, real)
    assert "." in covers["dev"].binds
    dev = tree.root.children["dev"]
    assert dev.children["ptmx"].readlink() == f"{HIDDEN_DEV}/ptmx"
    assert isinstance(dev.lookup(HIDDEN_DEV), HiddenDir)
    assert HIDDEN_DEV not in [node.name for node in dev.entries()]


def test_what_is_real_shines_through_while_no_module_hides_it(tree, real):
    (real / "dev/hvc0").touch()
    (real / "sys/devices/virtual/tty/hvc0").mkdir()
    tree.root.mkdirs("sys/devices/virtual/tty")
    covers = _plan(tree, real)
    assert "hvc0" in covers["dev"].binds
    assert "virtual/tty/hvc0" in covers["sys/devices"].binds


def test_a_loaded_module_hides_what_it_will_bring(tree, real):
    (real / "dev/hvc0").touch()
    (real / "sys/module/kvm").mkdir()
    (real / "sys/devices/virtual/tty/hvc0").mkdir()
    tree.root.mkdirs("sys/devices/virtual/tty")
    tree.root.mkdirs("sys/module/virtio_console").add("refcnt", File(0o444))
    covers = _plan(tree, real)
    assert "hvc0" not in covers["dev"].binds
    assert "virtual/tty/hvc0" not in covers["sys/devices"].binds
    assert "kvm" in covers["sys/module"].binds
    (real / "sys/module/virtio_console").mkdir()
    assert "virtio_console" not in _plan(tree, real)["sys/module"].binds


# System calls.


@pytest.mark.parametrize("machine", sorted(seccomp.NATIVE))
def test_the_filter_picks_what_it_should_and_nothing_else(machine):
    arch, numbers = seccomp.NATIVE[machine]
    program = calls.filter_program(machine)

    def picked(name, *args):
        return verdict(program, arch, numbers[name], args) == NOTIFY

    assert picked("syslog", 3)
    assert picked("ioctl", 5, 0x5401)
    assert picked("ioctl", 5, 0x541B)
    assert not picked("ioctl", 5, 0x5402 + 0x100)
    assert not picked("ioctl", 0x5401, 5)
    assert picked("write", 1, 0xDEAD, 0)
    assert picked("read", 1, 0xDEAD, 0)
    assert not picked("write", 1, 0xDEAD, 1)
    asked = (*calls.STAT_CALLS, *calls.STATFS_CALLS)
    assert all(picked(name) for name in asked if name in numbers)
    quick = calls.filter_program(machine, devices=False)
    left = {name for name in asked if verdict(quick, arch, numbers.get(name, 999)) == NOTIFY}
    assert left == set(calls.STATFS_CALLS)
    traced = calls.filter_program(machine, traced=True)
    for name, args, expected in (
        ("fstat", (3,), ALLOW), ("newfstatat", (3, 0, 0, 0x1000), ALLOW),
        ("statx", (3, 0, 0x1000), ALLOW), ("statx", (3, 0, 0x4000), ALLOW),
        ("statx", (3, 0, 0x5900), NOTIFY), ("stat", (0,), ALLOW), ("lstat", (0,), ALLOW),
        ("ioctl", (3, 0x5401), ALLOW), ("ioctl", (3, 0x541B), NOTIFY),
    ):  # fmt: skip
        assert verdict(traced, arch, numbers.get(name, 999), args) == expected, (name, args)
    tree = calls.filter_program(machine, traced=True, device_tree=True)
    for name, args, expected in (
        ("newfstatat", (3, 0, 0, 0x1000), ALLOW), ("newfstatat", (3, 0, 0, 0x1100), NOTIFY),
        ("newfstatat", (3, 0, 0, 0), NOTIFY), ("statx", (3, 0, 0x1000), NOTIFY),
        ("fstat", (3,), ALLOW), ("openat", (3,), NOTIFY),
    ):  # fmt: skip
        assert verdict(tree, arch, numbers[name], args) == expected, (name, args)
    assert all(picked(name) for name in calls.MODULE_CALLS)
    assert not picked("openat", 1, 2)
    others = set(range(500)) - set(numbers.values())
    assert {verdict(program, arch, number) for number in others} == {ALLOW}
    assert verdict(program, 0x40000003, numbers["syslog"]) == ALLOW


LOOKED_AT_AGAIN = [
    b"/dev/kmsg",
    b"/dev/anything",
    b"/proc/device-tree",
    b"device-tree",
    b"/tmp/link/kmsg",
    b"kmsg",
    b"/" + b"x/" * 400,
]


@pytest.mark.parametrize("path", LOOKED_AT_AGAIN)
def test_what_may_be_a_device_gets_a_second_look(path):
    text = ctypes.create_string_buffer(path)
    where = ctypes.addressof(text)
    for name, args in (
        ("stat", (where, 0)), ("newfstatat", (-100, where, 0, 0)), ("statx", (9, where)),
    ):  # fmt: skip
        assert not glances()[name](os.getpid(), args)


def test_what_cannot_be_a_device_is_the_kernels_at_once(monkeypatch):
    look, here = glances(), -100 & 0xFFFFFFFFFFFFFFFF
    for path in (b"/etc/passwd", b"relative", b"/", b""):
        text = ctypes.create_string_buffer(path)
        where = ctypes.addressof(text)
        assert look["stat"](os.getpid(), (where, 0))
        assert look["newfstatat"](os.getpid(), (here, where, 0, 0))
    monkeypatch.chdir("/dev")
    assert not look["newfstatat"](os.getpid(), (here, where, 0, 0))
    with open("/dev/null") as null, open("/etc/passwd") as file:
        assert not look["fstat"](os.getpid(), (null.fileno(), 0))
        assert look["fstat"](os.getpid(), (file.fileno(), 0))
    assert not look["stat"](os.getpid(), (1, 0))


def test_with_a_daemon_that_shows_devices_a_name_alone_says_enough(monkeypatch):
    look, here = glances(traced=True), -100 & 0xFFFFFFFFFFFFFFFF
    monkeypatch.chdir("/dev")
    for path, at_once in (
        (b"kmsg", True), (b"/dev/kmsg", True), (b"/proc/device-tree/model", False),
        (b"device-tree", False),
    ):  # fmt: skip
        text = ctypes.create_string_buffer(path)
        where = ctypes.addressof(text)
        assert look["newfstatat"](os.getpid(), (here, where, 0, 0)) is at_once
        assert look["statx"](os.getpid(), (here, where, 0, 0, 0)) is at_once
        assert not look["statx"](os.getpid(), (3, where, 0x5000, 0, 0))
    assert not look["stat"](os.getpid(), (1, 0))


def test_a_path_at_the_end_of_a_page_gets_a_second_look_if_it_goes_on():
    area = mmap.mmap(-1, 2 * mmap.PAGESIZE)
    start = ctypes.addressof(ctypes.c_char.from_buffer(area))
    for path, at_once in ((b"/etc\0", True), (b"/etc/passwd\0", False)):
        area[mmap.PAGESIZE - 5 : mmap.PAGESIZE - 5 + len(path)] = path
        assert glances()["stat"](os.getpid(), (start + mmap.PAGESIZE - 5, 0)) is at_once


def test_an_unknown_machine_has_no_filter():
    assert calls.filter_program("pdp11") is None


@pytest.mark.parametrize(
    ("path", "may_be"),
    [
        (b"/dev/rpmsg0", True),
        (b"rpmsg_ctrl12", True),
        (b"./x/ttyRPMSG0", True),
        (b"/sys/class/remoteproc/remoteproc0", True),
        (b"/dev/kmsg", True),
        (b"x/null", False),
        (b"/x/rpmsg", False),
        (b"/x/rpmsg0/x", False),
        (b"/x/xrpmsg0", False),
        (b"", False),
    ],
)
def test_names_that_may_be_devices_of_ours(path, may_be):
    assert bool(NAME.search(path)) == may_be


# Events.


def test_an_event_is_a_netlink_message():
    env = {"SUBSYSTEM": "rpmsg", "MODALIAS": "rpmsg:x"}
    message = uevents.message("add", "/devices/x", env)
    length, kind, flags, _, _ = struct.unpack_from("=IHHII", message)
    assert (length, kind, flags) == (len(message), 0x10, 1)
    assert message[16:] == (
        b"add@/devices/x\0ACTION=add\0DEVPATH=/devices/x\0SUBSYSTEM=rpmsg\0MODALIAS=rpmsg:x\0"
    )
