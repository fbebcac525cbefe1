"""The life of a remote processor -- drivers/remoteproc/remoteproc_core.c.

These are the functions that drivers and users of a processor call. Those for crashes are in
:mod:`~rprocfs.remoteproc.recovery`. Each function takes ``Rproc.lock`` itself.
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
    """Make a processor called *name* below *dev*, without registering it.

    *firmware* defaults to ``rproc-NAME-fw``; *dma* is the pool of carveouts and vrings.
    Release it with :func:`rproc_put`.
    """
    return Rproc(subsystem, dev, name, ops, firmware, dma)


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
    """Register the processor, then queue its boot if it boots by itself.

    On kernels before ATTACH_WORK, a running processor is attached to at once. If that fails, its
    errno is raised and nothing is registered.
    """
    subsystem = rproc.subsystem
    rproc.set_devnode((subsystem.major, rproc.index), lambda _: subsystem.faces.open(rproc))
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
    """Wait at most *timeout* seconds for the boot that :func:`rproc_add` queued."""
    if rproc.auto_boot:
        rproc.workqueue.flush(timeout)


def rproc_del(rproc: Rproc) -> None:
    """Unregister the processor and drop one power reference; the last one stops it.

    Since Linux 7.3 it is stopped even if further references are held.
    """
    subsystem = rproc.subsystem
    # An inline dump keeps the lock until it is dismissed, for minutes if nothing reads it.
    rproc.going = True
    if rproc.inline_dump:
        subsystem.devcoredump.dismiss(rproc)
    with suppress(OSError):  # it was not up, or the reason is in the log
        _rproc_shutdown(rproc, force=rproc.model.version.has(DEL_STOPS))
    with rproc.lock:
        rproc.state = State.DELETED
        # Further power references, or a recovery that failed, may still hold resources. Linux
        # leaks them. Here the driver ends a processor that still runs when it is unbound.
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
    """Return the processor with that phandle; release it with :func:`rproc_put`. ENODEV."""
    with subsystem.lock:
        for rproc in subsystem.registered:
            if rproc.phandle == phandle:
                return rproc_get(rproc)
    raise error(errno.ENODEV)


def _rproc_trigger_auto_boot(rproc: Rproc) -> None:
    """Queue the boot; without ATTACH_WORK, attach at once to a processor that is running."""
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
    """request_firmware_nowait() and its callback, which boots even if no image was found."""
    with suppress(OSError):  # a missing image is logged, and the boot below fails by itself
        rproc.subsystem.loader.request_firmware(rproc.firmware, rproc)
    with suppress(OSError):  # its reason is in the log
        rproc_boot(rproc)


# Power.


def rproc_boot(rproc: Rproc) -> None:
    """Take a power reference; the first one boots the processor, or attaches to it.

    OSError with the errno of the step that failed; EINTR if a signal ends the wait for the lock;
    ENODEV if the processor was deleted.
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

    EINVAL unless it is up; on kernels before SHUTDOWN_WHEN_CRASHED also if it has crashed. EINTR
    if a signal ends the wait for the lock. If ``ops.stop`` fails, its errno, and nothing changes.
    """
    _rproc_shutdown(rproc, force=False)


def _rproc_shutdown(rproc: Rproc, *, force: bool) -> None:
    """__rproc_shutdown(): *force* stops it even if other power references are held."""
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

    EINVAL unless it is attached; EINTR if a signal ends the wait for the lock; the errno of
    ``ops.detach``.
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
    """Set the file of the next boot to *name* up to its first newline.

    EBUSY unless offline; EINVAL if the name is empty, or, as in the kernel, if a signal ends the
    wait for the lock.
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
