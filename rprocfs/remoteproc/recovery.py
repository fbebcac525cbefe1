"""Crashes and recovery of a processor -- remoteproc_core.c."""

from __future__ import annotations

from functools import partial

from rprocfs.remoteproc import boot
from rprocfs.remoteproc.coredump import rproc_coredump
from rprocfs.remoteproc.rproc import Rproc
from rprocfs.remoteproc.state import Action, Event, State, rproc_crash_to_string, transition


def rproc_report_crash(rproc: Rproc, kind: int) -> None:
    """Report a crash of the given ``enum rproc_crash_type``.

    Callable from any thread; it neither blocks nor fails. The processor's workqueue handles the
    crash.
    """
    rproc.err(f"crash detected in {rproc.label}: type {rproc_crash_to_string(kind)}")
    if not rproc.crash_pending:  # as queue_work() does with work that is pending
        rproc.crash_pending = True
        rproc.workqueue.queue_work(partial(rproc_crash_handler_work, rproc))


def rproc_crash_handler_work(rproc: Rproc) -> None:
    """Enter the state ``crashed``, and recover unless recovery is disabled."""
    rproc.crash_pending = False
    with rproc.lock:
        if transition(rproc.state, Event.CRASH) is Action.NOTHING:
            return
        rproc.state = State.CRASHED
        rproc.crash_cnt += 1
        rproc.err(f"handling crash #{rproc.crash_cnt} in {rproc.label}")
    rproc.ops.crashed(rproc)
    if not rproc.recovery_disabled:
        rproc_trigger_recovery(rproc)


def rproc_trigger_recovery(rproc: Rproc) -> None:
    """Recover the processor if it has crashed. A failure is only logged."""
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
    boot.rproc_do_detach(rproc)
    boot.rproc_release_resources(rproc)
    boot.rproc_attach(rproc)


def _rproc_boot_recovery(rproc: Rproc) -> None:
    boot.rproc_stop(rproc, crashed=True)
    if rproc.ops.provides("coredump"):
        rproc.ops.coredump(rproc)
    else:
        rproc_coredump(rproc)
    boot.rproc_start(rproc, boot.request_firmware(rproc))
