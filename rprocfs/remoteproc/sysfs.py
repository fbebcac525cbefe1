"""The files of ``/sys/class/remoteproc/remoteprocN`` -- remoteproc_sysfs.c."""

from __future__ import annotations

import errno

from rprocfs.fs.kernfs import error
from rprocfs.fs.sysfs import attribute, sysfs_streq
from rprocfs.remoteproc.core import (
    rproc_boot,
    rproc_detach,
    rproc_set_firmware,
    rproc_shutdown,
)
from rprocfs.remoteproc.dump_segment import DumpMode
from rprocfs.remoteproc.recovery import rproc_trigger_recovery
from rprocfs.remoteproc.rproc import Rproc
from rprocfs.remoteproc.state import State


@attribute
def recovery(rproc: Rproc) -> str:
    """Is a crashed processor booted again."""
    return "disabled" if rproc.recovery_disabled else "enabled"


@recovery.store(sleeps=True)
def _(rproc: Rproc, buf: str) -> None:
    """``enabled``, ``disabled``, ``recover``; EINVAL."""
    if sysfs_streq(buf, "enabled"):
        rproc.recovery_disabled = False
        rproc_trigger_recovery(rproc)
    elif sysfs_streq(buf, "disabled"):
        rproc.recovery_disabled = True
    elif sysfs_streq(buf, "recover"):
        rproc_trigger_recovery(rproc)
    else:
        raise error(errno.EINVAL)


@attribute
def coredump(rproc: Rproc) -> str:
    """What becomes of the memory of a crashed processor."""
    return rproc.dump_conf


@coredump.store
def _(rproc: Rproc, buf: str) -> None:
    """``disabled``, ``enabled``, ``inline``; EINVAL; EBUSY while crashed."""
    if rproc.state is State.CRASHED:
        rproc.err("can't change coredump configuration")
        raise error(errno.EBUSY)
    for mode in DumpMode:
        if sysfs_streq(buf, mode):
            rproc.dump_conf = mode
            return
    rproc.err("Invalid coredump configuration")
    raise error(errno.EINVAL)


@attribute
def firmware(rproc: Rproc) -> str:
    """The file that is booted; ``unknown`` for a processor that somebody else started."""
    return "unknown" if rproc.state is State.ATTACHED else rproc.firmware


@firmware.store(sleeps=True)
def _(rproc: Rproc, buf: str) -> None:
    rproc_set_firmware(rproc, buf)


@attribute
def state(rproc: Rproc) -> str:
    """One of :class:`State`."""
    return rproc.state


@state.store(sleeps=True)
def _(rproc: Rproc, buf: str) -> None:
    """``start``, ``stop``, ``detach``; EINVAL; else the errno of what failed."""
    if sysfs_streq(buf, "start"):
        try:
            rproc_boot(rproc)
        except OSError as failure:
            rproc.err(f"Boot failed: {-(failure.errno or errno.EIO)}")
            raise
    elif sysfs_streq(buf, "stop"):
        rproc_shutdown(rproc)
    elif sysfs_streq(buf, "detach"):
        rproc_detach(rproc)
    else:
        rproc.err(f"Unrecognised option: {buf}")
        raise error(errno.EINVAL)


@attribute
def name(rproc: Rproc) -> str:
    """What the driver calls it."""
    return rproc.label


ATTRIBUTES = (coredump, recovery, firmware, state, name)
