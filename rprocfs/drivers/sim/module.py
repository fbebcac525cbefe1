"""Loading and unloading ``rproc-sim`` as a module: ``/sys/kernel/debug/rproc_sim/reset``.

Writing ``KEY=VALUE ...`` does what ``rmmod rproc_sim; insmod rproc_sim.ko KEY=VALUE ...``
does on a kernel: every simulated processor is stopped and removed, waiting dumps of
any processor are dismissed, and new processors are made. Reading shows the parameters
of the last time, nothing before the first. Values are those of the processors' properties:

================ ====================================================================
count            how many, at most 8 (default 2)
firmware         the default firmware file of the first
autoboot         mask of those with ``auto-boot``
detached         mask of those with ``detached``
readonly         mask of those with ``sysfs-read-only``
lenient          mask of those with ``lenient``
attach_recovery  mask of those with ``attach-on-recovery``
noelfinfo        mask of those with ``no-elf-info``
failattach       mask of those with ``fail-attach``
================ ====================================================================
"""

from __future__ import annotations

import errno
from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING

from rprocfs.base.platform import PlatformDevice
from rprocfs.fs.debugfs import DebugfsFile
from rprocfs.fs.kernfs import error
from rprocfs.remoteproc.core import rproc_shutdown

if TYPE_CHECKING:
    from rprocfs.remoteproc.rproc import Remoteproc, Rproc

NAME = "rproc-sim"
SIM_MAX = 8
#: More power references than a test takes.
MAX_REFERENCES = 8

MASKS: Mapping[str, str] = {
    "autoboot": "auto-boot",
    "detached": "detached",
    "readonly": "sysfs-read-only",
    "lenient": "lenient",
    "attach_recovery": "attach-on-recovery",
    "noelfinfo": "no-elf-info",
    "failattach": "fail-attach",
}


class SimModule:
    """``module_init`` and ``module_exit``."""

    def __init__(self, subsystem: Remoteproc) -> None:
        self._subsystem = subsystem
        self._parameters = ""
        where = subsystem.model.debug.mkdirs("rproc_sim")
        where.add("reset", DebugfsFile(self._show, self._store, sleeps=True))

    def _show(self) -> bytes:
        return self._parameters.encode() + b"\n" if self._parameters else b""

    def _store(self, data: bytes) -> None:
        text = data.decode("utf-8", "surrogateescape").strip()
        count, firmware, masks = parse_parameters(text)
        self._exit()
        self._init(count, firmware, masks)
        self._parameters = text

    def _exit(self) -> None:
        """sim_exit()."""
        subsystem = self._subsystem
        for rproc in subsystem.rprocs:
            subsystem.devcoredump.dismiss(rproc)
        subsystem.devcoredump.flush()
        devices = [
            device
            for device in subsystem.platform.devices.values()
            if isinstance(device, PlatformDevice) and device.platform_name == NAME
        ]
        for rproc in subsystem.rprocs:
            if rproc.parent_dev in devices:
                _shut_down(rproc)
        for device in devices:
            device.platform_device_del()

    def _init(self, count: int, firmware: str | None, masks: Mapping[str, int]) -> None:
        """sim_init()."""
        for number in range(count):
            properties: dict[str, object] = {
                key: True for key, mask in masks.items() if mask >> number & 1
            }
            if firmware and number == 0:
                properties["firmware-name"] = firmware
            platform = self._subsystem.platform
            PlatformDevice(platform, NAME, number, properties=properties).device_add()


def parse_parameters(text: str) -> tuple[int, str | None, dict[str, int]]:
    """``KEY=VALUE ...``: the count, the firmware's name, the masks by property; EINVAL."""
    count, firmware, masks = 2, None, {}
    for word in text.split():
        key, equals, value = word.partition("=")
        if key == "firmware" and equals:
            firmware = value
        elif key == "count":
            count = min(_number(value), SIM_MAX)
        elif key in MASKS:
            masks[MASKS[key]] = _number(value)
        else:
            raise error(errno.EINVAL)
    return count, firmware, masks


def _number(value: str) -> int:
    try:
        return int(value, 0)
    except ValueError as failure:
        raise error(errno.EINVAL) from failure


def _shut_down(rproc: Rproc) -> None:
    with suppress(OSError):  # EINVAL: it is down
        for _ in range(MAX_REFERENCES):
            rproc_shutdown(rproc)
