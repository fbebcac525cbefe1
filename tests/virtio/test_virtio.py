"""The virtio bus: names, attributes, negotiation, binding."""

import errno

import pytest

from rprocfs.base.device import Device
from rprocfs.base.model import DriverModel
from rprocfs.testing.userspace import Userspace
from rprocfs.virtio.virtio import VirtioBus, VirtioDevice, VirtioDeviceId, VirtioDriver
from rprocfs.virtio.virtqueue import vring_transport_features
from tests.rpmsg.link import MemoryTransport, code


class Sample(VirtioDriver):
    name = "sample"
    id_table = (VirtioDeviceId(7),)
    feature_table = (0, 5)
    failure = 0

    def probe(self, device):
        if self.failure:
            raise OSError(self.failure, "no")

    def remove(self, device):
        device.reset_device()


class World:
    def __init__(self):
        self.model = DriverModel()
        self.bus = VirtioBus(self.model)
        self.parent = Device(self.model, "soc")
        self.parent.device_add()
        self.shell = Userspace(self.model.tree)

    def add(self, kind=7, **transport):
        vdev = VirtioDevice(self.bus, self.parent, MemoryTransport(**transport), kind)
        vdev.register_virtio_device()
        return vdev

    def read(self, name, device="virtio0"):
        return self.shell.cat(f"/sys/bus/virtio/devices/{device}/{name}")


@pytest.fixture
def world():
    return World()


def test_bus_directory(world):
    assert world.shell.ls("/sys/bus/virtio") == [
        "devices", "drivers", "drivers_autoprobe", "drivers_probe", "uevent",
    ]  # fmt: skip


def test_attributes_of_a_device_without_driver(world):
    world.add(3)
    assert world.read("device") == "0x0003\n"
    assert world.read("vendor") == "0x0000\n"
    assert world.read("status") == "0x00000001\n"
    assert world.read("modalias") == "virtio:d00000003v00000000\n"
    assert world.read("features") == "0" * 64 + "\n"
    assert world.read("uevent") == "MODALIAS=virtio:d00000003v00000000\n"
    assert world.shell.ls("/sys/bus/virtio/devices/virtio0") == [
        "device", "features", "modalias", "power", "status", "subsystem", "uevent", "vendor",
    ]  # fmt: skip


def test_bound(world):
    world.bus.driver_register(Sample())
    world.add()
    assert world.read("status") == "0x00000007\n"
    assert world.read("uevent") == "DRIVER=sample\nMODALIAS=virtio:d00000007v00000000\n"


@pytest.mark.parametrize(
    ("offered", "negotiated"),
    [
        (0, 0),
        (1, 1),
        (0xF0000001, 0x30000001),
        (0x0000FFFF, 0x21),
        (1 << 32, 1 << 32),
    ],
)
def test_negotiation(world, offered, negotiated):
    world.bus.driver_register(Sample())
    vdev = world.add(features=offered)
    assert vdev.features == vdev.config.guest_features == negotiated
    assert world.read("features").rstrip("\n")[::-1] == f"{negotiated:064b}"


def test_features_ok_is_said_of_version_1_only(world):
    world.bus.driver_register(Sample())
    world.add(features=1 << 32)
    assert world.read("status") == "0x0000000f\n"


def test_vring_transport_features_keeps_what_is_not_of_the_transport():
    assert vring_transport_features((1 << 28) - 1) == (1 << 28) - 1
    assert vring_transport_features(1 << 50) == 1 << 50
    assert vring_transport_features(0b1111 << 28) == 0b11 << 28


def test_lowest_free_number(world):
    first, second = world.add(), world.add()
    assert (first.name, second.name) == ("virtio0", "virtio1")
    first.unregister_virtio_device()
    assert world.add().name == "virtio0"
    assert world.shell.ls("/sys/bus/virtio/devices") == ["virtio0", "virtio1"]


def test_unbind_and_bind(world):
    world.bus.driver_register(Sample())
    world.add()
    files = "/sys/bus/virtio/drivers/sample"
    assert world.shell.echo(f"{files}/unbind", "virtio0") == 7
    assert world.read("status") == "0x00000001\n"
    assert code(world.shell.echo, f"{files}/unbind", "virtio0") == errno.ENODEV
    assert code(world.shell.echo, f"{files}/unbind", "nope") == errno.ENODEV
    assert world.shell.echo(f"{files}/bind", "virtio0") == 7
    assert world.read("status") == "0x00000007\n"
    assert code(world.shell.echo, f"{files}/bind", "virtio0") == errno.EBUSY


def test_failing_probe_leaves_the_device_failed_and_unbound(world):
    driver = Sample()
    driver.failure = errno.ENOMEM
    world.bus.driver_register(driver)
    world.add()
    assert world.read("status") == "0x00000083\n"
    assert world.model.kmsg.records()[-1].text == (
        "sample virtio0: probe with driver sample failed with error -12"
    )


def test_vendor_is_matched_where_the_table_names_one(world):
    driver = Sample()
    driver.id_table = (VirtioDeviceId(7, 0x1AF4),)
    world.bus.driver_register(driver)
    assert world.add().driver is None


def test_a_name_that_is_taken_gives_the_number_back(world):
    world.parent.dir.mkdirs("virtio0")
    with pytest.raises(OSError, match="exists"):
        world.add()
    world.parent.dir.remove("virtio0")
    assert world.add().name == "virtio0"
