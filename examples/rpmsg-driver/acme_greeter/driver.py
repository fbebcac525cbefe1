"""A driver that greets each channel ``rpmsg-client-sample``, and counts what comes back."""

from __future__ import annotations

from typing import Any

from rprocfs import RpmsgDevice, RpmsgDriver
from rprocfs.base.module import IntParam, Module
from rprocfs.fs.sysfs import SysfsFile, attribute


@attribute
def answers(rpdev: RpmsgDevice) -> str:
    """Messages that came so far."""
    return str(rpdev.driver_data)


class Greeter(RpmsgDriver):
    """``acme_greeter``; *greetings* are sent to a channel when it comes."""

    name = "acme_greeter"
    id_table = ("rpmsg-client-sample",)

    def __init__(self, greetings: IntParam) -> None:
        self._greetings = greetings

    def probe(self, device: RpmsgDevice) -> None:
        """Greet; an error of the channel fails the probe."""
        device.driver_data = 0
        device.dir.add("answers", SysfsFile(answers, device))
        for number in range(self._greetings.value):
            device.endpoint.send(b"hello %d" % number)

    def callback(self, rpdev: RpmsgDevice, data: bytes, priv: Any, src: int) -> None:
        """A message from the firmware."""
        rpdev.driver_data += 1
        rpdev.info(f"{data.decode('ascii', 'replace')} from 0x{src:x}")

    def remove(self, device: RpmsgDevice) -> None:
        """The channel goes, or the driver is unbound."""
        device.dir.remove("answers")


def init(module: Module) -> None:
    """What ``modprobe acme_greeter`` calls."""
    module.driver_register("rpmsg", Greeter(module.param_int("greetings", 1)))
