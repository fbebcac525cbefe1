"""Modules: by name, and by the modalias of a device."""

import errno
import os

import pytest

from rprocfs.base.bus import Bus, Driver
from rprocfs.base.device import Device
from rprocfs.base.model import DriverModel
from rprocfs.base.module import Modules, UnknownModuleError
from rprocfs.system import ALIASES, MODULES, System, find_module
from rprocfs.testing.userspace import Userspace


class Bench:
    def __init__(self, inits, aliases):
        self.model = DriverModel()
        self.events = []
        self.model.uevent_listeners.append(lambda *event: self.events.append(event))
        self.bus = Bus(self.model, "slow")
        self.modules = Modules(self.model, [self.bus], self.find, aliases)
        self.inits = inits
        self.shell = Userspace(self.model.tree)

    def find(self, name):
        try:
            return self.inits[name]
        except KeyError as failure:
            raise UnknownModuleError(name) from failure

    def klog(self):
        return [record.text for record in self.model.kmsg.records()]


class SlowDriver(Driver):
    name = "crawl"

    def probe(self, device):
        pass


class SlowDevice(Device):
    def uevent_env(self):
        return {"MODALIAS": "slow:crawl"}


def crawl(module):
    module.driver_register("slow", SlowDriver())
    return module.use("floor")


def floor(module):
    return module.param_int("height", -3)


@pytest.fixture
def bench():
    return Bench({"crawl": crawl, "floor": floor}, {"slow:c*": "crawl"})


def test_loading(bench):
    module = bench.modules.load("crawl")
    assert module is bench.modules.load("crawl")
    shell = bench.shell
    assert shell.ls("/sys/module/crawl") == [
        "drivers", "holders", "initstate", "refcnt", "taint", "uevent",
    ]  # fmt: skip
    assert shell.cat("/sys/module/crawl/initstate") == "live\n"
    assert shell.cat("/sys/module/crawl/refcnt") == "0\n"
    assert shell.cat("/sys/module/crawl/taint") == "\n"
    assert shell.lookup("/sys/bus/slow/drivers/crawl/module") is module.dir
    assert shell.lookup("/sys/module/crawl/drivers/slow:crawl") is bench.bus.drivers["crawl"].dir
    shell.echo("/sys/module/crawl/uevent", "add")


def test_a_module_that_another_uses(bench):
    assert bench.modules.load("crawl").exports is bench.modules.load("floor").exports
    assert bench.shell.ls("/sys/module/floor/holders") == ["crawl"]
    assert bench.shell.cat("/sys/module/floor/refcnt") == "1\n"
    assert [(action, path) for action, path, _ in bench.events] == [
        ("add", "/module/floor"),
        ("add", "/module/crawl"),
    ]


def test_parameters(bench):
    bench.modules.load("floor height=0x10 width=2")
    height = "/sys/module/floor/parameters/height"
    assert bench.shell.cat(height) == "16\n"
    assert bench.klog() == ["floor: unknown parameter 'width' ignored"]
    bench.shell.echo(height, "-7\n")
    assert bench.shell.cat(height) == "-7\n"
    for text, wanted in (
        ("much", errno.EINVAL),
        ("\n", errno.EINVAL),
        ("2147483648", errno.ERANGE),
    ):
        with pytest.raises(OSError, match=os.strerror(wanted)):
            bench.shell.echo(height, text)
    assert bench.shell.cat(height) == "-7\n"


@pytest.mark.parametrize("words", ["floor height=much", "floor height"])
def test_a_bad_parameter_leaves_nothing(bench, words):
    with pytest.raises(OSError, match="Invalid argument"):
        bench.modules.load(words)
    assert bench.shell.ls("/sys/module") == []
    assert bench.modules.load("floor").initstate == "live"


@pytest.mark.parametrize("name", ["", " ", "wall", "crawl/floor"])
def test_an_unknown_module(bench, name):
    with pytest.raises(UnknownModuleError):
        bench.modules.load(name)
    assert bench.shell.ls("/sys/module") == []


def test_a_device_asks_for_its_module(bench):
    bench.model.request_module = bench.modules.request_module
    device = SlowDevice(bench.model, "crawl", bus=bench.bus)
    device.device_add()
    assert device.driver.name == "crawl"
    assert [action for action, path, _ in bench.events if path == "/devices/crawl"] == [
        "add",
        "bind",
    ]


def test_nobody_loads_what_nobody_asks_for(bench):
    SlowDevice(bench.model, "crawl", bus=bench.bus).device_add()
    bench.modules.request_module("fast:run")
    assert bench.shell.ls("/sys/module") == []


def test_a_module_that_fails_is_logged(bench):
    def fail(module):
        raise OSError(errno.ENOMEM, "")

    bench.inits["crawl"] = fail
    bench.model.request_module = bench.modules.request_module
    device = SlowDevice(bench.model, "crawl", bus=bench.bus)
    device.device_add()
    assert device.driver is None
    assert bench.klog() == ["crawl: module_init failed: -12"]


def test_every_module_of_a_system_can_be_loaded():
    with System(strict=True, modules=list(MODULES)) as system:
        assert set(Userspace(system.tree).ls("/sys/module")) == {*MODULES, "firmware_class"}
    assert set(ALIASES.values()) <= set(MODULES)
    with pytest.raises(UnknownModuleError):
        find_module("virtio_rgn")
    with pytest.raises(UnknownModuleError):
        System(modules=["virtio_rgn"])


@pytest.mark.parametrize(("strict", "loaded"), [(True, []), (False, ["virtio_console"])])
def test_a_board_shows_only_what_it_was_given(strict, loaded):
    with System(strict=strict) as system:
        system.model.request_module("virtio:d00000003v00000000")
        names = Userspace(system.tree).ls("/sys/module")
        assert [name for name in names if name != "firmware_class"] == loaded
