"""dev/rpmsg_ctrlN."""

import errno
import struct

import pytest

from tests.rpmsg.link import code

CREATE_EPT, CREATE_DEV, RELEASE_DEV = 0x4028B501, 0x4028B503, 0x4028B504
ANY = 0xFFFFFFFF
CTRL = "rpmsg_ctrl virtio0.rpmsg_ctrl.0.0: "


def info(name, src, dst):
    return struct.pack("=32sII", name, src, dst)


class Ctrl:
    def __init__(self, one, path="/dev/rpmsg_ctrl0"):
        self.one = one
        self.handle = one.open(path)

    def __call__(self, cmd, name, src=ANY, dst=ANY):
        done = self.handle.ioctl(cmd, 0x1000, info(name, src, dst))
        self.one.settle()
        return done


@pytest.fixture
def ctrl(system):
    return Ctrl(system(("rpmsg-client-sample", 1025)))


def test_node(ctrl):
    one = ctrl.one
    device = "/sys/class/rpmsg/rpmsg_ctrl0"
    assert one.shell.ls(device) == ["dev", "device", "power", "subsystem", "uevent"]
    assert one.shell.readlink(f"{device}/device") == "../../../virtio0.rpmsg_ctrl.0.0"
    assert one.shell.cat(f"{device}/uevent").endswith("MINOR=0\nDEVNAME=rpmsg_ctrl0\n")
    assert code(ctrl.handle.read, 10, 0) == code(ctrl.handle.write, b"x", 0) == errno.EINVAL
    assert code(ctrl.handle.fsync) == errno.EINVAL
    assert ctrl.handle.stream
    one.open("/dev/rpmsg_ctrl0")


def test_ioctl_copies_first(ctrl):
    for cmd in (CREATE_EPT, 0x1234):
        assert code(ctrl.handle.ioctl, cmd, 0, b"") == errno.EFAULT
    assert code(ctrl.handle.ioctl, CREATE_EPT, 0x1000, b"short") == errno.EFAULT
    assert code(ctrl.handle.ioctl, 0x1234, 0x1000, b"") == errno.EINVAL
    assert code(ctrl.handle.ioctl, 0x4028B507, 0x1000, bytes(40)) == errno.EINVAL


@pytest.mark.parametrize(
    ("name", "src", "dst", "shown"),
    [
        (b"any", ANY, 0x600, "any -1 1536"),
        (b"both", ANY, ANY, "both -1 -1"),
        (b"", 0x501, 0x601, " 1281 1537"),
        (b"with/slash blank", 0x502, 0x602, "with/slash blank 1282 1538"),
        (b"n" * 40, 1, 2, "n" * 31 + " 1 2"),
        (b"big", 0x80000000, 0x80000000, "big -2147483648 -2147483648"),
        (b"nsaddr", 53, 53, "nsaddr 53 53"),
    ],
)
def test_create_endpoint_takes_anything(ctrl, name, src, dst, shown):
    assert ctrl(CREATE_EPT, name, src, dst) == b""
    where = "/sys/class/rpmsg/rpmsg0"
    values = [ctrl.one.shell.cat(f"{where}/{file}") for file in ("name", "src", "dst")]
    assert all(value.endswith("\n") for value in values)
    assert " ".join(value[:-1] for value in values) == shown
    assert ctrl.one.shell.cat(f"{where}/uevent").endswith("DEVNAME=rpmsg0\n")


def test_endpoints_live_below_the_control_device(ctrl):
    ctrl(CREATE_EPT, b"e", 1, 2)
    assert "rpmsg0" in ctrl.one.shell.ls(
        "/sys/bus/rpmsg/devices/virtio0.rpmsg_ctrl.0.0/rpmsg/rpmsg_ctrl0"
    )


def test_errors_of_the_address_come_at_open(ctrl):
    one = ctrl.one
    for name, src in (
        (b"one", 0x500),
        (b"two", 0x500),
        (b"zero", 0),
        (b"big", 0x80000000),
        (b"nsaddr", 53),
        (b"max", 0x7FFFFFFF),
    ):
        ctrl(CREATE_EPT, name, src, 0x600)
    one.klog()
    first = one.open("/dev/rpmsg0")
    assert code(one.open, "/dev/rpmsg1") == errno.EINVAL
    first.release()
    one.open("/dev/rpmsg1")
    one.open("/dev/rpmsg2")
    assert code(one.open, "/dev/rpmsg3") == errno.EINVAL
    assert code(one.open, "/dev/rpmsg4") == errno.EINVAL
    one.open("/dev/rpmsg5")
    log = one.klog()
    assert log[:2] == [CTRL + "idr_alloc failed: -28", "rpmsg rpmsg1: failed to open two"]
    assert "at lib/idr.c:86" in log[3]
    assert log[5:] == [
        CTRL + "idr_alloc failed: -22",
        "rpmsg rpmsg3: failed to open big",
        CTRL + "idr_alloc failed: -28",
        "rpmsg rpmsg4: failed to open nsaddr",
    ]
    assert code(one.open, "/dev/rpmsg3") == errno.EINVAL
    assert len(one.klog()) == 2


def test_create_and_release_channels(ctrl):
    one = ctrl.one
    one.received.clear()
    one.klog()
    ctrl(CREATE_DEV, b"rpmsg-raw", 0x500, 0x600)
    device = "/sys/bus/rpmsg/devices/virtio0.rpmsg-raw.1280.1536"
    assert one.shell.cat(f"{device}/announce") == "true\n"
    assert one.shell.cat(f"{device}/src") == "0x500\n"
    ctrl(CREATE_DEV, b"rpmsg-raw", ANY, 0x700)
    ctrl(CREATE_DEV, b"nodriver", 0x501, 0x600)
    assert code(ctrl, CREATE_DEV, b"rpmsg-raw", 0x500, 0x600) == errno.ENXIO
    assert one.klog() == [
        "virtio_rpmsg_bus virtio0: channel rpmsg-raw:500:600 already exist",
        "rpmsg rpmsg_ctrl0: failed to create rpmsg-raw channel",
    ]
    ctrl(RELEASE_DEV, b"rpmsg-raw", 0x500, ANY)
    ctrl(RELEASE_DEV, b"nodriver")
    announced = [(message.src, message.ns.name, message.ns.flags) for message in one.received]
    assert announced == [(0x500, "rpmsg-raw", 0), (0x500, "rpmsg-raw", 1)]


def test_release_of_what_is_not_there(ctrl):
    one = ctrl.one
    assert code(ctrl, RELEASE_DEV, b"nope", ANY, ANY) == errno.EINVAL
    assert one.klog()[-1] == "rpmsg rpmsg_ctrl0: failed to release nope channel (-22)"
    ctrl(RELEASE_DEV, b"rpmsg-client-sample", ANY, 1025)
    ctrl(RELEASE_DEV, b"rpmsg_ns", 53, 53)
    assert one.devices() == ["virtio0.rpmsg_ctrl.0.0"]


def test_unbinding_takes_the_endpoints_along(ctrl):
    one = ctrl.one
    ctrl(CREATE_EPT, b"e", 0x500, 0x600)
    handle = one.open("/dev/rpmsg0")
    driver = "/sys/bus/rpmsg/drivers/rpmsg_ctrl"
    one.shell.echo(f"{driver}/unbind", "virtio0.rpmsg_ctrl.0.0")
    assert one.shell.ls("/sys/class/rpmsg") == []
    assert code(handle.read, 1, 0) == errno.EPIPE
    one.shell.echo(f"{driver}/bind", "virtio0.rpmsg_ctrl.0.0")
    assert one.shell.ls("/sys/class/rpmsg") == ["rpmsg_ctrl1"]


def test_a_handle_keeps_the_number_across_a_stop(ctrl):
    one = ctrl.one
    one.stop()
    assert not one.shell.exists("/dev/rpmsg_ctrl0")
    assert code(ctrl, CREATE_EPT, b"e", 1, 2) == errno.ENOENT
    assert code(ctrl, CREATE_DEV, b"e", 1, 2) == errno.ENXIO
    assert code(ctrl, RELEASE_DEV, b"e", 1, 2) == errno.EINVAL
    one.start()
    assert one.shell.ls("/sys/class/rpmsg") == ["rpmsg_ctrl1"]
    ctrl.handle.release()
    ctrl.handle.release()
    one.stop()
    one.start()
    assert one.shell.ls("/sys/class/rpmsg") == ["rpmsg_ctrl0"]
    Ctrl(one)(CREATE_EPT, b"e", 1, 2)
    assert one.shell.exists("/dev/rpmsg0")


def test_an_open_that_meets_the_end_is_refused(ctrl):
    """An open has found the driver when the device goes: chrdev_open() gives ENXIO."""
    one = ctrl.one
    ctrl(CREATE_EPT, b"e", 1, 2)
    openers = [one.shell.lookup(f"/dev/{name}").opener for name in ("rpmsg_ctrl0", "rpmsg0")]
    ctrl.handle.release()
    one.stop()
    for opener in openers:
        assert code(opener, 0) == errno.ENXIO
