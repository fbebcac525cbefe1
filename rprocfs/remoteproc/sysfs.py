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
    """``enabled`` if a crash is followed by a recovery, ``disabled`` if it is not."""
    return "disabled" if rproc.recovery_disabled else "enabled"


@recovery.store(sleeps=True)
def _(rproc: Rproc, buf: str) -> None:
    """Choose what happens after a crash.

    - ``enabled``: recover by itself after each crash; a processor that has crashed already is
      recovered now.
    - ``disabled``: stay ``crashed`` until userspace asks for a recovery.
    - ``recover``: recover now if it has crashed; the setting does not change.

    EINVAL for any other word. A recovery that fails is only logged.
    """
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
    """How the memory of a crashed processor is dumped: one of :class:`DumpMode`."""
    return rproc.dump_conf


@coredump.store
def _(rproc: Rproc, buf: str) -> None:
    """Choose how the next crash is dumped.

    - ``disabled``: make no dump.
    - ``enabled``: copy the memory, then recover; the dump is read from the copy.
    - ``inline``: copy nothing; the dump is read from the processor's own memory, and the
      recovery waits until it was read or dismissed.

    EBUSY while the processor is crashed; EINVAL for any other word.
    """
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
    """The firmware file; ``unknown`` while attached, as the boot loader chose the image."""
    return "unknown" if rproc.state is State.ATTACHED else rproc.firmware


@firmware.store(sleeps=True)
def _(rproc: Rproc, buf: str) -> None:
    """Name the file of the next boot; it is looked for at that boot, not now.

    EBUSY unless offline; EINVAL for an empty name.
    """
    rproc_set_firmware(rproc, buf)


@attribute
def state(rproc: Rproc) -> str:
    """The state of the processor: one of :class:`State`."""
    return rproc.state


@state.store(sleeps=True)
def _(rproc: Rproc, buf: str) -> None:
    """Change the state.

    - ``start``: take a power reference, and boot the firmware, or attach to a processor that
      the boot loader started.
    - ``stop``: drop a power reference; the last one powers the processor off.
    - ``detach``: drop a power reference; the last one leaves the processor running, without us.

    EINVAL for any other word, or if the state does not permit it; otherwise the errno of the
    step that failed.
    """
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
    """The name that the driver gave the processor."""
    return rproc.label


ATTRIBUTES = (coredump, recovery, firmware, state, name)
