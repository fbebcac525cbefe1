"""The life of a remote processor -- drivers/remoteproc/remoteproc_core.c.

What drivers and users of a processor call, but for crashes, which are in
:mod:`~rprocfs.remoteproc.recovery`. Each takes ``Rproc.lock`` itself.
"""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial

from rprocfs.base.device import Device
from rprocfs.base.dma import DmaPool
from rprocfs.fs.kernfs import error
from rprocfs.kernel import ATTACH_WORK, DEL_STOPS, SHUTDOWN_WHEN_CRASHED
from rprocfs.remoteproc import boot
from rprocfs.remoteproc.resources import rproc_resource_cleanup
from rprocfs.remoteproc.rproc import Remoteproc, Rproc, RprocOps, rproc_get, rproc_put
from rprocfs.remoteproc.state import Action, Event, State, transition

# Registration.


def rproc_alloc(
    subsystem: Remoteproc,
    dev: Device,
    name: str,
    ops: RprocOps,
    firmware: str | None = None,
    dma: DmaPool | None = None,
) -> Rproc:
    """A processor called *name* below *dev*, not registered yet.

    *firmware* defaults to ``rproc-NAME-fw``; *dma* is where carveouts and vrings
    come from. Give it back with :func:`rproc_put`.
    """
    rproc = Rproc(subsystem, dev, name, ops, firmware, dma)
    rproc.set_devnode((subsystem.major, rproc.index), lambda _: subsystem.faces.open(rproc))
    return rproc


def devm_rproc_alloc(
    subsystem: Remoteproc,
    dev: Device,
    name: str,
    ops: RprocOps,
    firmware: str | None = None,
    dma: DmaPool | None = None,
) -> Rproc:
    """:func:`rproc_alloc`, given back when the driver of *dev* is unbound."""
    rproc = rproc_alloc(subsystem, dev, name, ops, firmware, dma)
    dev.devm_add_action(partial(rproc_put, rproc))
    return rproc


def rproc_add(rproc: Rproc) -> None:
    """Register with userspace, then boot if it is to boot by itself.

    The errno of an attach that fails before ATTACH_WORK; nothing is registered then.
    """
    subsystem = rproc.subsystem
    rproc.device_add()
    rproc.info(f"{rproc.label} is available")
    rproc.debug_dir = subsystem.faces.debug_dir(rproc)
    if rproc.auto_boot:
        try:
            _rproc_trigger_auto_boot(rproc)
        except OSError:
            _rproc_remove_dev(rproc)
            raise
    with subsystem.lock:
        subsystem.registered.append(rproc)


def devm_rproc_add(dev: Device, rproc: Rproc) -> None:
    """:func:`rproc_add`, undone when the driver of *dev* is unbound."""
    rproc_add(rproc)
    dev.devm_add_action(partial(rproc_del, rproc))


def flush_auto_boot(rproc: Rproc, timeout: float) -> None:
    """Until the boot that :func:`rproc_add` asked for is over, at most *timeout* seconds."""
    if rproc.auto_boot:
        rproc.workqueue.flush(timeout)


def rproc_del(rproc: Rproc) -> None:
    """Unregister: drops one power reference, which stops it if it was the last.

    Since Linux 7.3 it is stopped however many there are.
    """
    subsystem = rproc.subsystem
    # An inline dump keeps the lock until it is dismissed, for minutes if nothing reads it.
    rproc.going = True
    if rproc.inline_dump:
        subsystem.devcoredump.dismiss(rproc)
    with suppress(OSError):  # it was not up, or the log says why it stays up
        _rproc_shutdown(rproc, force=rproc.model.version.has(DEL_STOPS))
    with rproc.lock:
        rproc.state = State.DELETED
        # What further power references, or a failed recovery, still hold. Linux leaks
        # it; the driver ends whatever runs when it is unbound.
        rproc.subdevs.stop(crashed=False)
        rproc_resource_cleanup(rproc)
    for pdev in rproc.dead_vdevs:
        pdev.platform_device_del()
    with subsystem.lock:
        if rproc in subsystem.registered:
            subsystem.registered.remove(rproc)
    _rproc_remove_dev(rproc)


def _rproc_remove_dev(rproc: Rproc) -> None:
    if rproc.debug_dir is not None and rproc.debug_dir.parent is not None:
        rproc.debug_dir.parent.remove(rproc.debug_dir.name)
    rproc.device_del()


def rproc_get_by_phandle(subsystem: Remoteproc, phandle: int) -> Rproc:
    """The registered processor of that phandle; give it back with :func:`rproc_put`. ENODEV."""
    with subsystem.lock:
        for rproc in subsystem.registered:
            if rproc.phandle == phandle:
                return rproc_get(rproc)
    raise error(errno.ENODEV)


def _rproc_trigger_auto_boot(rproc: Rproc) -> None:
    """Boot from the workqueue; kernels without ATTACH_WORK attach at once to what runs already."""
    if rproc.state is not State.DETACHED:
        rproc.workqueue.queue_work(partial(_rproc_auto_boot, rproc))
    elif rproc.model.version.has(ATTACH_WORK):
        rproc.workqueue.queue_work(partial(_rproc_attach_work, rproc))
    else:
        rproc_boot(rproc)


def _rproc_attach_work(rproc: Rproc) -> None:
    with suppress(OSError):  # its reason is in the log
        rproc_boot(rproc)


def _rproc_auto_boot(rproc: Rproc) -> None:
    """request_firmware_nowait() and its callback, which boots whatever was found."""
    with suppress(OSError):  # the log says what was not found; this is not a boot yet
        rproc.subsystem.loader.request_firmware(rproc.firmware, rproc)
    with suppress(OSError):  # its reason is in the log
        rproc_boot(rproc)


# Power.


def rproc_boot(rproc: Rproc) -> None:
    """Take a power reference; the first one boots (or attaches to) the processor.

    The errno of what failed; EINTR while waiting for the lock; ENODEV when deleted.
    """
    with _locked(rproc):
        try:
            action = transition(rproc.state, Event.BOOT)
        except OSError:
            state = "deleting" if rproc.model.version.has(SHUTDOWN_WHEN_CRASHED) else "deleted"
            rproc.err(f"can't boot {state} rproc {rproc.label}")
            raise
        rproc.power += 1
        if rproc.power > 1 or action is Action.GET:
            return
        try:
            if action is Action.ATTACH:
                rproc.info(f"attaching to {rproc.label}")
                boot.rproc_attach(rproc)
            else:
                rproc.info(f"powering up {rproc.label}")
                boot.rproc_fw_boot(rproc, boot.request_firmware(rproc))
        except OSError:
            rproc.power -= 1
            raise
    rproc.ops.settle(rproc)


def rproc_shutdown(rproc: Rproc) -> None:
    """Drop a power reference; the last one stops the processor.

    EINVAL unless it is up, and for a crashed one before SHUTDOWN_WHEN_CRASHED; EINTR; the
    errno of ``ops.stop``, and it stays as it was.
    """
    _rproc_shutdown(rproc, force=False)


def _rproc_shutdown(rproc: Rproc, *, force: bool) -> None:
    """__rproc_shutdown(): with *force* it stops, whoever else wants it powered."""
    with _locked(rproc):
        transition(rproc.state, Event.SHUTDOWN)
        crashed = rproc.state is State.CRASHED
        if crashed and not rproc.model.version.has(SHUTDOWN_WHEN_CRASHED):
            raise error(errno.EINVAL)
        rproc.power -= 1
        if rproc.power > 0 and not force:
            return
        try:
            boot.rproc_stop(rproc, crashed=crashed)
        except OSError:
            rproc.power += 1
            raise
        boot.rproc_release_resources(rproc)


def rproc_detach(rproc: Rproc) -> None:
    """Drop a power reference; the last one leaves the processor running without us.

    EINVAL unless it is attached; EINTR; the errno of ``ops.detach``.
    """
    with _locked(rproc):
        transition(rproc.state, Event.DETACH)
        rproc.power -= 1
        if rproc.power > 0:
            return
        try:
            boot.rproc_do_detach(rproc)
        except OSError:
            rproc.power += 1
            raise
        boot.rproc_release_resources(rproc)


def rproc_set_firmware(rproc: Rproc, name: str) -> None:
    """The file of the next boot, up to the first newline.

    EBUSY unless offline; EINVAL when empty (and when interrupted, as the kernel).
    """
    device = rproc.parent_dev
    try:
        rproc.lock.lock_interruptible()
    except InterruptedError as failure:
        device.err(f"can't lock rproc {rproc.label}: -{errno.EINTR}")
        raise error(errno.EINVAL) from failure
    try:
        try:
            transition(rproc.state, Event.SET_FIRMWARE)
        except OSError:
            device.err("can't change firmware while running")
            raise
        name = name.split("\n", 1)[0]
        if not name:
            device.err("can't provide empty string for firmware name")
            raise error(errno.EINVAL)
        rproc.firmware = name
    finally:
        rproc.lock.unlock()


@contextmanager
def _locked(rproc: Rproc) -> Iterator[None]:
    try:
        rproc.lock.lock_interruptible()
    except InterruptedError:
        rproc.err(f"can't lock rproc {rproc.label}: -{errno.EINTR}")
        raise
    try:
        yield
    finally:
        rproc.lock.unlock()
