"""Channels and drivers: names, attributes, matching, drivers of one's own."""

import errno

import pytest

from rprocfs.kernel import LINUX_6_1
from rprocfs.rpmsg.core import ChannelInfo, RpmsgDriver, rpmsg_find_device
from tests.rpmsg.link import code

DEVICES = "/sys/bus/rpmsg/devices"
DRIVERS = "/sys/bus/rpmsg/drivers"
RAW = "virtio0.rpmsg-raw.-1.1024"
SAMPLE = "virtio0.rpmsg-client-sample.-1.1025"


class Sample(RpmsgDriver):
    """rpmsg_client_sample: answers whatever comes."""

    name = "rpmsg_client_sample"
    id_table = ("rpmsg-client-sample",)

    def __init__(self):
        self.got = []
        self.removed = []

    def probe(self, device):
        device.endpoint.send(b"hello")

    def callback(self, rpdev, data, priv, src):
        self.got.append((data, src))
        if len(self.got) < 3:
            rpdev.endpoint.send(data + b"!")

    def remove(self, device):
        self.removed.append(device.name)


def test_bus_before_start(system):
    one = system()
    one.stop()
    assert one.shell.ls("/sys/bus/rpmsg") == [
        "devices", "drivers", "drivers_autoprobe", "drivers_probe", "uevent",
    ]  # fmt: skip
    assert one.shell.ls(DEVICES) == []
    assert one.shell.ls(DRIVERS) == ["rpmsg_chrdev", "rpmsg_ctrl", "rpmsg_ns", "rpmsg_tty"]
    assert one.shell.ls(f"{DRIVERS}/rpmsg_chrdev") == ["bind", "uevent", "unbind"]
    assert one.shell.ls("/sys/class/rpmsg") == []


def test_devices_after_start(system):
    one = system(("rpmsg-raw", 1024), ("rpmsg-client-sample", 1025), ("rpmsg-tty", 1026))
    assert one.devices() == [
        "virtio0.rpmsg-client-sample.-1.1025", "virtio0.rpmsg-raw.-1.1024",
        "virtio0.rpmsg-tty.-1.1026", "virtio0.rpmsg_ctrl.0.0", "virtio0.rpmsg_ns.53.53",
    ]  # fmt: skip
    drivers = {
        name: one.shell.readlink(f"{DEVICES}/{name}/driver").rpartition("/")[2]
        for name in one.devices()
        if one.shell.exists(f"{DEVICES}/{name}/driver")
    }
    assert drivers == {
        RAW: "rpmsg_chrdev",
        "virtio0.rpmsg-tty.-1.1026": "rpmsg_tty",
        "virtio0.rpmsg_ctrl.0.0": "rpmsg_ctrl",
        "virtio0.rpmsg_ns.53.53": "rpmsg_ns",
    }


@pytest.mark.parametrize(
    ("device", "expected"),
    [
        (RAW, ["rpmsg-raw", "0x400", "0x400", "false", "rpmsg:rpmsg-raw"]),
        (
            SAMPLE,
            ["rpmsg-client-sample", "0xffffffff", "0x401", "false", "rpmsg:rpmsg-client-sample"],
        ),
        (
            "virtio0.rpmsg_ctrl.0.0",
            ["rpmsg_ctrl", "0x0", "0x0", "false", "rpmsg:rpmsg_ctrl"],
        ),
        (
            "virtio0.rpmsg_ns.53.53",
            ["rpmsg_ns", "0x35", "0x35", "false", "rpmsg:rpmsg_ns"],
        ),
    ],
)
def test_attributes(system, device, expected):
    one = system(("rpmsg-raw", 1024), ("rpmsg-client-sample", 1025))
    names = ["name", "src", "dst", "announce", "modalias"]
    assert [one.shell.cat(f"{DEVICES}/{device}/{name}") for name in names] == [
        text + "\n" for text in expected
    ]
    override = expected[0] if expected[0].startswith("rpmsg_") else "(null)"
    assert one.shell.cat(f"{DEVICES}/{device}/driver_override") == override + "\n"
    uevent = one.shell.cat(f"{DEVICES}/{device}/uevent").splitlines()
    assert uevent[-1] == f"MODALIAS={expected[4]}"


def test_strict_shows_what_a_board_shows(system):
    plain, strict = (system(("rpmsg-raw", 1024), strict=strict) for strict in (False, True))
    board = [
        "announce", "driver", "driver_override", "dst", "modalias", "name", "power", "rpmsg",
        "src", "subsystem", "uevent",
    ]  # fmt: skip
    assert strict.shell.ls(f"{DEVICES}/{RAW}") == board
    assert plain.shell.ls(f"{DEVICES}/{RAW}") == sorted([*board, "endpoint"])
    assert "endpoint" not in plain.shell.ls(f"{DEVICES}/virtio0.rpmsg_ctrl.0.0")


def test_addresses_are_signed_decimal_in_names_and_hexadecimal_inside(system):
    one = system(("a", 0x7FFFFFFF), ("a", 0x80000000), ("a", 0xFFFFFFFE))
    names = ["virtio0.a.-1.2147483647", "virtio0.a.-1.-2147483648", "virtio0.a.-1.-2"]
    assert {*names} <= {*one.devices()}
    assert [one.shell.cat(f"{DEVICES}/{name}/dst") for name in names] == [
        "0x7fffffff\n",
        "0x80000000\n",
        "0xfffffffe\n",
    ]


def test_local_addresses_are_the_lowest_free_in_order_of_binding(system):
    one = system(("rpmsg-raw", 10), ("rpmsg-raw", 20), ("rpmsg-raw", 30))
    one.withdraw("rpmsg-raw", 20)
    one.announce("rpmsg-raw", 40)
    where = [f"{DEVICES}/virtio0.rpmsg-raw.-1.{dst}" for dst in (10, 40, 30)]
    assert [one.shell.cat(f"{path}/src") for path in where] == ["0x400\n", "0x401\n", "0x402\n"]
    assert [one.shell.ls(f"{path}/rpmsg") for path in where] == [["rpmsg0"], ["rpmsg1"], ["rpmsg2"]]


def test_unbind_and_bind_keep_the_address(system):
    one = system(("rpmsg-raw", 1024))
    files = f"{DRIVERS}/rpmsg_chrdev"
    one.shell.echo(f"{files}/unbind", RAW)
    assert not one.shell.exists("/dev/rpmsg0")
    assert one.shell.cat(f"{DEVICES}/{RAW}/src") == "0x400\n"
    assert code(one.shell.echo, f"{files}/unbind", RAW) == errno.ENODEV
    one.shell.echo(f"{files}/bind", RAW)
    assert one.shell.exists("/dev/rpmsg0")
    assert one.shell.cat(f"{DEVICES}/{RAW}/src") == "0x400\n"
    assert code(one.shell.echo, f"{files}/bind", RAW + "\n") == errno.EBUSY
    assert code(one.shell.echo, f"{files}/bind", "virtio0.rpmsg_ns.53.53") == errno.ENODEV


def test_driver_override(system):
    one = system(("rpmsg-client-sample", 1025), ("rpmsg-raw", 1024))
    one.shell.echo(f"{DEVICES}/{SAMPLE}/driver_override", "rpmsg_chrdev")
    one.shell.echo("/sys/bus/rpmsg/drivers_probe", SAMPLE)
    assert one.channel(SAMPLE).driver.name == "rpmsg_chrdev"
    one.shell.echo(f"{DRIVERS}/rpmsg_chrdev/unbind", RAW)
    one.shell.echo(f"{DEVICES}/{RAW}/driver_override", "nosuch\n")
    one.shell.echo("/sys/bus/rpmsg/drivers_probe", RAW)
    assert one.channel(RAW).driver is None
    assert code(one.shell.echo, f"{DRIVERS}/rpmsg_chrdev/bind", RAW) == errno.ENODEV
    one.shell.echo(f"{DEVICES}/{RAW}/driver_override", "\n")
    one.shell.echo("/sys/bus/rpmsg/drivers_probe", RAW)
    assert one.channel(RAW).driver.name == "rpmsg_chrdev"


def test_autoprobe_off(system):
    one = system()
    one.stop()
    one.shell.echo("/sys/bus/rpmsg/drivers_autoprobe", "0")
    one.services = (("rpmsg-raw", 1024),)
    one.start()
    assert one.devices() == ["virtio0.rpmsg_ctrl.0.0", "virtio0.rpmsg_ns.53.53"]
    assert one.shell.ls("/sys/class/rpmsg") == []


@pytest.mark.parametrize(("version", "nodes"), [({}, 1), ({"version": LINUX_6_1}, 0)])
def test_a_channel_called_rpmsg_chrdev(system, version, nodes):
    one = system(("rpmsg_chrdev", 1024), **version)
    assert one.shell.ls("/dev").count("rpmsg0") == nodes


def test_uevents_in_the_kernels_order(system):
    one = system(("rpmsg-raw", 1024), ("rpmsg-client-sample", 1025), ("rpmsg-tty", 1026))
    tty = "virtio0.rpmsg-tty.-1.1026"
    ctrl, ns = "virtio0.rpmsg_ctrl.0.0", "virtio0.rpmsg_ns.53.53"
    assert one.events[1:] == [
        "add@virtio0",
        f"add@{ctrl}", "add@rpmsg_ctrl0", f"bind@{ctrl}",
        f"add@{ns}", f"bind@{ns}", "bind@virtio0",
        f"add@{RAW}", "add@rpmsg0", f"bind@{RAW}",
        f"add@{SAMPLE}",
        f"add@{tty}", "add@ttyRPMSG0", f"bind@{tty}",
    ]  # fmt: skip
    one.events.clear()
    one.stop()
    assert one.events == [
        "remove@rpmsg_ctrl0", f"unbind@{ctrl}", f"remove@{ctrl}",
        f"unbind@{ns}", f"remove@{ns}",
        "remove@rpmsg0", f"unbind@{RAW}", f"remove@{RAW}",
        f"remove@{SAMPLE}",
        "remove@ttyRPMSG0", f"unbind@{tty}", f"remove@{tty}",
        "unbind@virtio0", "remove@virtio0",
    ]  # fmt: skip


def test_matching_of_channels(system):
    one = system(("rpmsg-raw", 1024))
    channels = [one.channel(name) for name in one.devices()]

    def find(*chinfo):
        return rpmsg_find_device(channels, ChannelInfo(*chinfo))

    assert find("rpmsg-raw").name == find("rpmsg-raw", 0x400, 0x400).name == RAW
    assert find("rpmsg-raw", 0x401) is find("rpmsg-ra") is find("rpmsg-raw", 0x400, 5) is None


# Drivers of one's own.


def test_a_driver_written_in_python(system):
    one = system(("rpmsg-client-sample", 1025))
    driver = Sample()
    one.rpmsg.bus.driver_register(driver)
    one.settle()
    assert driver.got == [(b"hello", 1025), (b"hello!", 1025), (b"hello!!", 1025)]
    one.shell.echo(f"{DRIVERS}/{driver.name}/unbind", SAMPLE)
    one.send(1025, 0x400, b"late")
    assert driver.removed == [SAMPLE]
    assert len(driver.got) == 3
    assert one.klog()[-1] == "virtio_rpmsg_bus virtio0: msg received with no recipient"
    assert code(lambda: one.channel(SAMPLE).endpoint) == errno.EPIPE


def test_a_driver_with_a_bug_stays_alone_with_it(system, caplog):
    class Buggy(Sample):
        def callback(self, rpdev, data, priv, src):
            raise ZeroDivisionError

        def remove(self, device):
            raise ZeroDivisionError

    one = system(("rpmsg-client-sample", 1025), ("rpmsg-raw", 1024))
    one.rpmsg.bus.driver_register(Buggy())
    one.settle()
    raw = one.open("/dev/rpmsg0")
    one.write(raw, b"works")
    assert raw.read(10, 0) == b"works"
    one.stop()
    assert one.shell.ls(DEVICES) == []
    assert "callback of endpoint 0x401 failed" in caplog.text
    assert f"remove of {SAMPLE} failed" in caplog.text


def test_a_probe_that_fails(system, caplog):
    class Failing(Sample):
        def probe(self, device):
            raise self.failure

    one = system(("rpmsg-client-sample", 1025))
    driver = Failing()
    driver.failure = OSError(errno.ENOSPC, "no")
    one.klog()
    one.rpmsg.bus.driver_register(driver)
    assert one.klog() == [
        f"rpmsg_client_sample {SAMPLE}: rpmsg_dev_probe: failed: -28",
        f"rpmsg_client_sample {SAMPLE}: probe with driver {driver.name} failed with error -28",
    ]
    driver.failure = ZeroDivisionError()
    assert code(one.shell.echo, f"{DRIVERS}/{driver.name}/bind", SAMPLE) == errno.EIO
    assert one.channel(SAMPLE).driver is None
    one.send(1025, 0x400, b"nobody")
    assert one.klog()[-1] == "virtio_rpmsg_bus virtio0: msg received with no recipient"
    assert "ZeroDivisionError" in caplog.text


def test_a_driver_without_callback_has_no_endpoint(system):
    class Silent(RpmsgDriver):
        name = "silent"
        id_table = ("rpmsg-client-sample",)

    one = system(("rpmsg-client-sample", 1025))
    one.rpmsg.bus.driver_register(Silent())
    assert one.channel(SAMPLE).driver.name == "silent"
    assert one.channel(SAMPLE).ept is None
    assert one.shell.cat(f"{DEVICES}/{SAMPLE}/src") == "0xffffffff\n"


def test_a_driver_may_destroy_its_channel_from_its_callback(system):
    class Suicidal(Sample):
        def probe(self, device):
            pass

        def callback(self, rpdev, data, priv, src):
            self.got.append(data)
            return lambda: rpdev.release_channel(ChannelInfo(rpdev.id, dst=rpdev.dst))

    one = system(("rpmsg-client-sample", 1025))
    driver = Suicidal()
    one.rpmsg.bus.driver_register(driver)
    one.send(1025, 0x400, b"go")
    one.send(1025, 0x400, b"gone")
    assert driver.got == [b"go"]
    assert SAMPLE not in one.devices()
