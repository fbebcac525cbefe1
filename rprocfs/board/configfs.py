"""The processors of a system that users make by configfs."""

from __future__ import annotations

import errno
from collections.abc import Collection, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

from rprocfs.base.platform import PlatformDriver
from rprocfs.board.keys import all_keys, kinds
from rprocfs.errors import CommandError
from rprocfs.fs.kernfs import error
from rprocfs.remoteproc.configfs import RemoteprocGroup
from rprocfs.system import UnknownDriverError, find_driver

if TYPE_CHECKING:
    from rprocfs.base.platform import PlatformDevice
    from rprocfs.system import System


class ConfigfsProcessors:
    """See :class:`rprocfs.remoteproc.configfs.Processors`; the keys are those of board files.

    *regions* are the reserved memories of the board, by their labels.
    """

    def __init__(self, system: System, regions: Mapping[str, Any]) -> None:
        self._system = system
        self._regions = regions

    @cached_property
    def keys(self) -> Mapping[str, type]:
        """The keys of every driver, read without loading drivers that the board does not use."""
        return {key: str if kind is list else kind for key, kind in kinds(all_keys()).items()}

    def check(self, key: str, value: Any) -> None:
        """ValueError for a driver, a region or a name that cannot exist."""
        if key == "compatible":
            try:
                find_driver(value)
            except UnknownDriverError as failure:
                raise ValueError(f"no driver for {value}") from failure
            except CommandError as failure:
                raise ValueError(str(failure)) from failure
        elif key == "memory-region":
            for label in value.split():
                if label not in self._regions:
                    raise ValueError(f"no [[reserved-memory]] is called {label}")
        elif key in ("label", "device-name") and (value in (".", "..") or "/" in value):
            raise ValueError("not a name")

    @cached_property
    def live_keys(self) -> Collection[str]:
        """Those of any driver."""
        return frozenset(name for name, key in all_keys().items() if key.live)

    def change(self, device: PlatformDevice, key: str, value: Any) -> None:
        """By its driver. EBUSY without one, or if that takes no changes of it; OSError."""
        driver = device.driver
        if not isinstance(driver, PlatformDriver):
            raise error(errno.EBUSY)
        driver.property_changed(device, key, value)

    def add(self, properties: Mapping[str, Any]) -> PlatformDevice:
        """Make the device; OSError."""
        found = dict(properties)
        if "memory-region" in found:
            labels = found["memory-region"].split()
            found["memory-region"] = tuple(self._regions[label] for label in labels)
        return self._system.add_processor(found)


def remoteproc_configfs_init(system: System, regions: Mapping[str, Any]) -> None:
    """Make ``sys/kernel/config/remoteproc``."""
    config = system.model.sys.mkdirs("kernel/config")
    config.add("remoteproc", RemoteprocGroup(system.model, ConfigfsProcessors(system, regions)))
