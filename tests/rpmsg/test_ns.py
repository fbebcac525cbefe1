"""The name service, with remotes that mean well and others."""

import errno

import pytest

from rprocfs.rpmsg.core import ChannelInfo
from rprocfs.rpmsg.hdr import RpmsgNsMsg
from tests.rpmsg.link import code

VIRTIO0 = "virtio_rpmsg_bus virtio0: "


def own(system):
    """The channels that the remote made."""
    return [name for name in system.devices() if "rpmsg_" not in name]


def test_announced_twice(system):
    one = system(("a", 1025))
    one.klog()
    one.announce("a", 1025)
    one.announce("a", 1026)
    assert own(one) == ["virtio0.a.-1.1025", "virtio0.a.-1.1026"]
    assert one.klog() == [
        VIRTIO0 + "creating channel a addr 0x401",
        VIRTIO0 + "channel a:ffffffff:401 already exist",
        VIRTIO0 + "rpmsg_create_channel failed",
        VIRTIO0 + "creating channel a addr 0x402",
    ]


def test_withdrawn(system):
    one = system(("rpmsg-raw", 1024), ("a", 1025))
    one.klog()
    one.withdraw("a", 9999)
    one.withdraw("nope", 1025)
    one.withdraw("rpmsg-raw", 1024)
    assert own(one) == ["virtio0.a.-1.1025"]
    assert one.shell.ls("/sys/class/rpmsg") == ["rpmsg_ctrl0"]
    assert one.klog() == [
        VIRTIO0 + "destroying channel a addr 0x270f",
        VIRTIO0 + "rpmsg_destroy_channel failed: -22",
        VIRTIO0 + "destroying channel nope addr 0x401",
        VIRTIO0 + "rpmsg_destroy_channel failed: -22",
        VIRTIO0 + "destroying channel rpmsg-raw addr 0x400",
    ]


def test_malformed(system):
    one = system()
    one.klog()
    for size in (0, 5, 39, 41):
        one.send(53, 53, bytes(size))
    assert one.klog() == [VIRTIO0 + f"malformed ns msg ({size})" for size in (0, 5, 39, 41)]


def test_without_the_feature_nobody_listens(system):
    one = system(("rpmsg-raw", 1024), features=0)
    assert one.devices() == ["virtio0.rpmsg_ctrl.0.0"]
    assert one.klog()[-1] == VIRTIO0 + "msg received with no recipient"


def test_unbound_driver(system):
    one = system()
    one.shell.echo("/sys/bus/rpmsg/drivers/rpmsg_ns/unbind", "virtio0.rpmsg_ns.53.53")
    one.announce("late", 1030)
    assert own(one) == []
    one.shell.echo("/sys/bus/rpmsg/drivers/rpmsg_ns/bind", "virtio0.rpmsg_ns.53.53")
    one.announce("late", 1030)
    assert own(one) == ["virtio0.late.-1.1030"]


def test_the_address_of_the_name_service_taken(system):
    one = system()
    one.shell.echo("/sys/bus/rpmsg/drivers/rpmsg_ns/unbind", "virtio0.rpmsg_ns.53.53")
    ctrl = one.channel("virtio0.rpmsg_ctrl.0.0")
    ept = ctrl.create_ept(lambda *_: None, None, ChannelInfo("taken", 53, 53))
    one.klog()
    bind = "/sys/bus/rpmsg/drivers/rpmsg_ns/bind"
    assert code(one.shell.echo, bind, "virtio0.rpmsg_ns.53.53") == errno.ENOMEM
    name = "rpmsg_ns virtio0.rpmsg_ns.53.53: "
    assert one.klog()[:2] == [name + "idr_alloc failed: -28", name + "failed to create the ns ept"]
    ept.destroy_ept()


@pytest.mark.parametrize(
    ("name", "device"),
    [
        (b"a/b", "virtio0.a!b.-1.9"),
        (b"..", "virtio0....-1.9"),
        (b".", "virtio0...-1.9"),
        (b"", "virtio0..-1.9"),
        (b"../../../etc", "virtio0...!..!..!etc.-1.9"),
        (b"new\nline", "virtio0.new\nline.-1.9"),
        (b"\xff\xfe", "virtio0.\udcff\udcfe.-1.9"),
        (b"cut\0off", "virtio0.cut.-1.9"),
        (b"n" * 32, f"virtio0.{'n' * 31}.-1.9"),
    ],
)
def test_names_stay_names(system, name, device):
    one = system()
    message = bytearray(RpmsgNsMsg("", 9).pack())
    message[: len(name)] = name
    one.send(53, 53, bytes(message))
    assert own(one) == [device]
    path = f"/sys/bus/rpmsg/devices/{device}"
    shown = name.split(b"\0")[0][:31]
    assert one.shell.cat_bytes(f"{path}/name") == shown + b"\n"
    assert one.shell.cat_bytes(f"{path}/uevent").startswith(b"MODALIAS=rpmsg:" + shown)
    one.send(53, 53, bytes(message[:-4]) + b"\1\0\0\0")
    assert own(one) == []


def test_two_names_with_one_file_name(system):
    one = system(("a/b", 9))
    one.klog()
    one.announce("a!b", 9)
    assert own(one) == ["virtio0.a!b.-1.9"]
    assert one.klog()[1:] == [
        "rpmsg virtio0.a!b.-1.9: device_add failed: -17",
        VIRTIO0 + "rpmsg_create_channel failed",
    ]


def test_the_remote_may_take_our_own_devices(system):
    one = system(("rpmsg-raw", 1024))
    one.withdraw("rpmsg_ns", 53)
    one.withdraw("rpmsg_ctrl", 0)
    assert one.devices() == ["virtio0.rpmsg-raw.-1.1024", "virtio0.rpmsg_ctrl.0.0"]
    raw = one.open("/dev/rpmsg0")
    one.write(raw, b"still there")
    assert raw.read(100, 0) == b"still there"


def test_data_right_behind_its_announcement_arrives(system):
    one = system()
    for number in range(5):
        one.remote.announce("rpmsg-raw", 2000 + number)
        one.remote.send(2000 + number, 1024 + number, b"first words")
    one.interrupt()
    for number in range(5):
        assert one.open(f"/dev/rpmsg{number}").read(100, 0) == b"first words"


def test_a_flood_of_channels_comes_and_goes(system):
    one = system()
    for number in range(60):
        one.announce("flood", number)
    assert len(own(one)) == 60
    one.stop()
    assert one.devices() == []
    assert one.start().devices() == ["virtio0.rpmsg_ctrl.0.0", "virtio0.rpmsg_ns.53.53"]
