import errno

import pytest

from rprocfs.base.bus import Bus, Driver, DriverOverride, driver_override
from rprocfs.base.device import Class, Device
from rprocfs.base.model import DriverModel
from rprocfs.base.platform import PlatformBus, PlatformDevice, PlatformDriver
from rprocfs.fs.kernfs import Handle, error
from rprocfs.kernel import LINUX_6_1
from rprocfs.testing.userspace import Userspace


@pytest.fixture
def model():
    return DriverModel()


@pytest.fixture
def shell(model):
    return Userspace(model.tree)


@pytest.fixture
def events(model):
    seen = []
    model.uevent_listeners.append(lambda action, path, env: seen.append((action, path, env)))
    return seen


def _errno(call, *args):
    with pytest.raises(OSError) as caught:
        call(*args)
    return caught.value.errno


def _lines(model):
    return [record.text for record in model.kmsg.records()]


class Led(PlatformDriver):
    name = "led"

    def __init__(self, fails=0):
        self.fails = fails
        self.removed = []

    def probe(self, device):
        if self.fails:
            raise error(self.fails)
        device.devm_add_action(lambda: self.removed.append(f"devres {device.name}"))

    def remove(self, device):
        self.removed.append(device.name)


@pytest.fixture
def platform(model):
    return PlatformBus(model)


def test_a_platform_device_and_its_links(platform, shell):
    PlatformDevice(platform, "led", 3).device_add()
    where = "/sys/devices/platform/led.3"
    assert shell.ls(where) == ["driver_override", "modalias", "power", "subsystem", "uevent"]
    assert shell.cat(f"{where}/modalias") == "platform:led\n"
    assert shell.cat(f"{where}/uevent") == "MODALIAS=platform:led\n"
    assert shell.readlink("/sys/bus/platform/devices/led.3") == "../../../devices/platform/led.3"
    assert shell.readlink(f"{where}/subsystem") == "../../../bus/platform"


def test_power_is_that_of_a_device_without_runtime_pm(platform, shell):
    PlatformDevice(platform, "led").device_add()
    power = "/sys/devices/platform/led/power"
    assert shell.cat(f"{power}/control") == "auto\n"
    assert shell.cat(f"{power}/runtime_status") == "unsupported\n"
    assert _errno(shell.cat, f"{power}/autosuspend_delay_ms") == errno.EIO
    shell.echo(f"{power}/control", "on\n")
    assert shell.cat(f"{power}/control") == "on\n"
    assert _errno(shell.echo, f"{power}/control", "off") == errno.EINVAL


def test_binding_by_arrival_and_by_hand(platform, shell, events):
    driver = Led()
    platform.driver_register(driver)
    device = PlatformDevice(platform, "led", 0)
    device.device_add()
    assert device.driver is driver
    directory = "/sys/bus/platform/drivers/led"
    assert shell.ls(directory) == ["bind", "led.0", "uevent", "unbind"]
    shell.echo(f"{directory}/unbind", "led.0\n")
    assert driver.removed == ["led.0", "devres led.0"]
    assert not shell.exists("/sys/devices/platform/led.0/driver")
    assert _errno(shell.echo, f"{directory}/unbind", "led.0") == errno.ENODEV
    assert _errno(shell.echo, f"{directory}/bind", "led.9") == errno.ENODEV
    shell.echo(f"{directory}/bind", "led.0")
    assert _errno(shell.echo, f"{directory}/bind", "led.0") == errno.EBUSY
    assert shell.readlink("/sys/devices/platform/led.0/driver") == (
        "../../../bus/platform/drivers/led"
    )


def test_events_in_the_kernels_order(platform, events):
    platform.driver_register(Led())
    device = PlatformDevice(platform, "led", 0)
    events.clear()
    device.device_add()
    device.device_del()
    path = "/devices/platform/led.0"
    modalias = {"SUBSYSTEM": "platform", "MODALIAS": "platform:led"}
    assert events == [
        ("add", path, modalias),
        ("bind", path, {"SUBSYSTEM": "platform", "DRIVER": "led", "MODALIAS": "platform:led"}),
        ("unbind", path, {"SUBSYSTEM": "platform"}),
        ("remove", path, modalias),
    ]


def test_a_driver_that_comes_later_finds_its_devices(platform):
    device = PlatformDevice(platform, "led", 0)
    device.device_add()
    driver = Led()
    platform.driver_register(driver)
    assert device.driver is driver
    assert _errno(platform.driver_register, driver) == errno.EBUSY
    platform.driver_unregister(driver)
    assert device.driver is None
    assert driver.removed == ["led.0", "devres led.0"]


@pytest.mark.parametrize("code", [errno.EINVAL, errno.ENOMEM])
def test_a_failing_probe_is_logged(platform, shell, model, code):
    platform.driver_register(Led(code))
    device = PlatformDevice(platform, "led", 0)
    device.device_add()
    assert device.driver is None
    assert _lines(model) == [f"led led.0: probe with driver led failed with error -{code}"]
    assert _errno(shell.echo, "/sys/bus/platform/drivers/led/bind", "led.0") == code
    assert shell.ls("/sys/bus/platform/drivers/led") == ["bind", "uevent", "unbind"]


def test_linux_6_1_words_it_otherwise():
    model = DriverModel(LINUX_6_1)
    platform = PlatformBus(model)
    platform.driver_register(Led(errno.EINVAL))
    PlatformDevice(platform, "led", 0).device_add()
    assert _lines(model) == ["led: probe of led.0 failed with error -22"]


def test_a_probe_that_is_not_meant_is_silent(platform, model):
    platform.driver_register(Led(errno.ENODEV))
    PlatformDevice(platform, "led", 0).device_add()
    assert _lines(model) == []


def test_autoprobe_and_drivers_probe(platform, shell):
    platform.driver_register(Led())
    shell.echo("/sys/bus/platform/drivers_autoprobe", "0\n")
    assert shell.cat("/sys/bus/platform/drivers_autoprobe") == "0\n"
    device = PlatformDevice(platform, "led", 0)
    device.device_add()
    assert device.driver is None
    shell.echo("/sys/bus/platform/drivers_probe", "led.0\n")
    assert device.driver is not None
    assert _errno(shell.echo, "/sys/bus/platform/drivers_probe", "nope") == errno.ENODEV


def test_driver_override(platform, shell):
    platform.driver_register(Led())
    device = PlatformDevice(platform, "lamp", 0)
    device.device_add()
    where = "/sys/devices/platform/lamp.0/driver_override"
    assert shell.cat(where) == "(null)\n"
    shell.echo(where, "led\njunk")
    assert shell.cat(where) == "led\n"
    shell.echo("/sys/bus/platform/drivers/led/bind", "lamp.0")
    assert device.driver is not None
    shell.echo(where, "\n")
    assert shell.cat(where) == "(null)\n"
    assert _errno(shell.echo, where, "x" * 4095) == errno.EINVAL


def test_automatic_numbers_are_the_lowest_free(platform):
    first, second = (PlatformDevice(platform, "auto", auto=True) for _ in range(2))
    assert (first.name, second.name) == ("auto.0.auto", "auto.1.auto")
    first.device_add()
    first.platform_device_del()
    assert PlatformDevice(platform, "auto", auto=True).name == "auto.0.auto"


class Console(Device):
    devtype = "console"


def test_a_class_device_with_a_node(model, platform, shell, events):
    class_ = Class(model, "tty")
    parent = PlatformDevice(platform, "uart", 0)
    parent.device_add()
    console = Console(model, "tty0", parent, class_=class_)
    console.set_devnode((model.alloc_major(), 5), lambda flags: Handle())
    events.clear()
    console.device_add()
    where = "/sys/devices/platform/uart.0/tty/tty0"
    assert shell.ls(where) == ["dev", "device", "power", "subsystem", "uevent"]
    assert shell.readlink("/sys/class/tty/tty0") == "../../devices/platform/uart.0/tty/tty0"
    assert shell.cat(f"{where}/dev").endswith(":5\n")
    assert shell.cat(f"{where}/uevent").splitlines()[1:] == [
        "MINOR=5", "DEVNAME=tty0", "DEVTYPE=console",
    ]  # fmt: skip
    node = shell.lookup("/dev/tty0")
    assert node.mode == 0o600
    console.device_del()
    assert _errno(node.open, 0) == errno.ENXIO
    assert not shell.exists("/dev/tty0")
    assert not shell.exists("/sys/devices/platform/uart.0/tty")
    assert shell.ls("/sys/class/tty") == []
    assert [event[0] for event in events] == ["add", "remove"]


def test_children_of_the_same_class_need_no_directory_between(model, shell):
    class_ = Class(model, "rpmsg")
    control = Device(model, "ctrl0", class_=class_)
    control.device_add()
    Device(model, "ept0", control, class_=class_).device_add()
    assert shell.exists("/sys/devices/virtual/rpmsg/ctrl0/ept0/device")


def test_a_slash_in_a_name_becomes_a_bang(model, shell):
    bus = Bus(model, "odd")
    Device(model, "a/b", bus=bus).device_add()
    assert shell.ls("/sys/bus/odd/devices") == ["a!b"]


def test_synthetic_events(model, shell, events):
    device = Device(model, "dev0", class_=Class(model, "c"))
    device.device_add()
    events.clear()
    where = "/sys/devices/virtual/c/dev0/uevent"
    uuid = "fe4d7c9d-b8c6-4a70-9ef1-3d8a58d18eed"
    shell.echo(where, "change\n")
    shell.echo(where, f"add {uuid} A=1 B=x")
    path = "/devices/virtual/c/dev0"
    assert events == [
        ("change", path, {"SUBSYSTEM": "c", "SYNTH_UUID": "0"}),
        ("add", path, {
            "SUBSYSTEM": "c", "SYNTH_UUID": uuid, "SYNTH_ARG_A": "1", "SYNTH_ARG_B": "x",
        }),
    ]  # fmt: skip
    for bad in ("bogus", "add nonsense", f"add {uuid} A", f"add {uuid} A=\u00e9"):
        assert _errno(shell.echo, where, bad) == errno.EINVAL
    assert len(events) == 2
    assert _lines(model)[:2] == [
        f"synth uevent: {path}: unknown uevent action string",
        "c dev0: uevent: failed to send synthetic uevent: -22",
    ]


class Other(Driver):
    name = "other"

    def probe(self, device):
        device.seen = True

    def remove(self, device):
        device.seen = False


class Overridable(Device, DriverOverride):
    attributes = (driver_override,)


def test_bind_of_a_device_that_does_not_match(model, shell):
    bus = Bus(model, "b")
    bus.driver_register(Other())
    Overridable(model, "mine", bus=bus).device_add()
    assert _errno(shell.echo, "/sys/bus/b/drivers/other/bind", "mine") == errno.ENODEV


def test_major_numbers_are_those_that_the_kernel_gives_out():
    """find_dynamic_major(): none is that of a driver with a number of its own."""
    model = DriverModel()
    majors = [model.alloc_major() for _ in range(149)]
    assert majors[:2] == [254, 253]
    assert majors[20:23] == [234, 511, 510]
    assert majors[-1] == 384
    with pytest.raises(OSError, match="busy"):
        model.alloc_major()
