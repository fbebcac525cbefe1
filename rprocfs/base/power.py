"""The ``power`` directory of a device without runtime power management -- drivers/base/power."""

from __future__ import annotations

import errno

from rprocfs.fs.kernfs import Dir, error
from rprocfs.fs.sysfs import Attribute, SysfsFile, attribute, sysfs_streq


class RuntimePm:
    """The visible part of ``struct dev_pm_info``: *control* is ``auto`` or ``on``."""

    __slots__ = ("control",)

    def __init__(self) -> None:
        self.control = "auto"


@attribute
def control(pm: RuntimePm) -> str:
    """``auto``, or ``on`` if a user has forbidden power management."""
    return pm.control


@control.store
def _(pm: RuntimePm, buf: str) -> None:
    for word in ("auto", "on"):
        if sysfs_streq(buf, word):
            pm.control = word
            return
    raise error(errno.EINVAL)


@attribute
def autosuspend_delay_ms(pm: RuntimePm) -> str:
    """EIO: the device does not use autosuspend."""
    raise error(errno.EIO)


@autosuspend_delay_ms.store
def _(pm: RuntimePm, buf: str) -> None:
    raise error(errno.EIO)


@attribute
def runtime_status(pm: RuntimePm) -> str:
    """Always ``unsupported``."""
    return "unsupported"


@attribute
def runtime_active_time(pm: RuntimePm) -> str:
    """Milliseconds in use."""
    return "0"


@attribute
def runtime_suspended_time(pm: RuntimePm) -> str:
    """Milliseconds asleep."""
    return "0"


ATTRIBUTES: tuple[Attribute[RuntimePm], ...] = (
    autosuspend_delay_ms,
    control,
    runtime_active_time,
    runtime_status,
    runtime_suspended_time,
)


def dpm_sysfs_add(where: Dir) -> None:
    """Make ``power`` below the directory of a device."""
    power = where.add("power", Dir())
    pm = RuntimePm()
    for attr in ATTRIBUTES:
        power.add(attr.name, SysfsFile(attr, pm))
