"""What becomes of a crashed processor -- the recovery of remoteproc_core.c."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rprocfs.remoteproc import boot
from rprocfs.remoteproc.state import Action, Event, State, transition

if TYPE_CHECKING:
    from rprocfs.remoteproc.core import Rproc


def rproc_crash_handler_work(rproc: Rproc) -> None:
    """Note the crash, and recover unless that is disabled."""
    with rproc.lock:
        if transition(rproc.state, Event.CRASH) is Action.NOTHING:
            return
        rproc.state = State.CRASHED
        rproc.crash_cnt += 1
        rproc.err(f"handling crash #{rproc.crash_cnt} in {rproc.label}")
    if not rproc.recovery_disabled:
        rproc_trigger_recovery(rproc)


def rproc_trigger_recovery(rproc: Rproc) -> None:
    """See :meth:`Rproc.rproc_trigger_recovery`."""
    try:
        rproc.lock.lock_interruptible()
    except InterruptedError:
        return
    try:
        if transition(rproc.state, Event.RECOVER) is Action.RECOVER:
            rproc.err(f"recovering {rproc.label}")
            if rproc.attach_on_recovery:
                _rproc_attach_recovery(rproc)
            else:
                _rproc_boot_recovery(rproc)
    except OSError:
        return  # its reason is in the log
    finally:
        rproc.lock.unlock()
    rproc.ops.settle(rproc)


def _rproc_attach_recovery(rproc: Rproc) -> None:
    boot.rproc_detach(rproc)
    boot.rproc_release_resources(rproc)
    boot.rproc_attach(rproc)


def _rproc_boot_recovery(rproc: Rproc) -> None:
    boot.rproc_stop(rproc, crashed=True)
    rproc.ops.coredump(rproc)
    boot.rproc_start(rproc, boot.request_firmware(rproc))
