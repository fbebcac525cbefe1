"""From an image to a running processor and back -- rproc_fw_boot(), rproc_attach() and below.

Called by :mod:`rprocfs.remoteproc.core` under ``Rproc.lock``. A step that fails undoes the steps
before it, logs the kernel's message, and raises OSError with the kernel's errno.
"""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager

from rprocfs.fs.kernfs import error
from rprocfs.remoteproc.memory import rproc_alloc_registered_carveouts
from rprocfs.remoteproc.resources import rproc_handle_resources, rproc_resource_cleanup
from rprocfs.remoteproc.rproc import Rproc, refusal_logged
from rprocfs.remoteproc.state import State


def request_firmware(rproc: Rproc) -> bytes:
    """Return the content of the firmware file; OSError with the errno of the search."""
    try:
        return rproc.subsystem.loader.request_firmware(rproc.firmware, rproc)
    except OSError as failure:
        rproc.err(f"request_firmware failed: {_code(failure)}")
        raise


def rproc_fw_boot(rproc: Rproc, fw: bytes) -> None:
    """rproc_fw_boot(): boot an image; if any step fails, undo all of them."""
    with refusal_logged(rproc):
        rproc.ops.sanity_check(rproc, fw)
    rproc.info(f"Booting fw image {rproc.firmware}, size {len(fw)}")
    with _announced(rproc, f"can't prepare rproc {rproc.label}"):
        rproc.ops.prepare(rproc)
    try:
        rproc.bootaddr = rproc.ops.get_boot_addr(rproc, fw)
        with refusal_logged(rproc):
            rproc.ops.parse_fw(rproc, fw)
        rproc_set_up_resources(rproc)
        rproc_start(rproc, fw)
    except OSError:
        rproc_release_resources(rproc)
        raise


def rproc_set_up_resources(rproc: Rproc) -> None:
    """Handle the entries of the resource table and allocate what they ask for."""
    rproc.notifyids.reset_max()
    rproc.nb_vdev = 0
    with _announced(rproc, "Failed to process resources"), refusal_logged(rproc):
        rproc_handle_resources(rproc)
    with _announced(rproc, "Failed to allocate associated carveouts"):
        rproc_alloc_registered_carveouts(rproc)


def rproc_start(rproc: Rproc, fw: bytes) -> None:
    """rproc_start(): load and power up."""
    with _announced(rproc, "Failed to load program segments"), refusal_logged(rproc):
        rproc.ops.load(rproc, fw)
    loaded = rproc.ops.find_loaded_rsc_table(rproc, fw)
    if loaded is not None and rproc.cached_table is not None:
        loaded[:] = rproc.cached_table
        rproc.table = loaded
    try:
        _bring_up(rproc, f"can't start rproc {rproc.label}", attach=False)
    except OSError:
        rproc.table = memoryview(rproc.cached_table) if rproc.cached_table is not None else None
        raise
    rproc.state = State.RUNNING
    rproc.info(f"remote processor {rproc.label} is now up")


def _bring_up(rproc: Rproc, complaint: str, *, attach: bool) -> None:
    """Prepare the subdevices, start or attach the processor, start the subdevices; or undo all."""
    with _announced(rproc, f"failed to prepare subdevices for {rproc.label}"):
        rproc.subdevs.prepare()
    try:
        with _announced(rproc, complaint):
            (rproc.ops.attach if attach else rproc.ops.start)(rproc)
        try:
            with _announced(rproc, f"failed to probe subdevices for {rproc.label}"):
                rproc.subdevs.start()
        except OSError:
            rproc.ops.stop(rproc)
            raise
    except OSError:
        rproc.subdevs.unprepare()
        raise


def rproc_stop(rproc: Rproc, *, crashed: bool) -> None:
    """rproc_stop(). EINVAL if the driver cannot stop it."""
    if not rproc.ops.provides("stop"):
        raise error(errno.EINVAL)
    rproc.subdevs.stop(crashed=crashed)
    if rproc.table is not None:
        if rproc.cached_table is None:
            rproc.cached_table = bytearray(rproc.table)
            rproc.clean_table = None
        rproc.table = memoryview(rproc.cached_table)
    with _announced(rproc, "can't stop rproc"):
        rproc.ops.stop(rproc)
    rproc.subdevs.unprepare()
    rproc.state = State.OFFLINE
    rproc.info(f"stopped remote processor {rproc.label}")


def rproc_release_resources(rproc: Rproc) -> None:
    """Release everything that a boot or an attach made, and the table itself."""
    rproc_resource_cleanup(rproc)
    rproc.ops.unprepare(rproc)
    rproc.cached_table = None
    rproc.table = None


def rproc_attach(rproc: Rproc) -> None:
    """rproc_attach(): take over a processor that is already running."""
    with _announced(rproc, f"can't prepare rproc {rproc.label}"):
        rproc.ops.prepare(rproc)
    try:
        with _announced(rproc, "can't load resource table"):
            rproc_set_rsc_table(rproc)
        rproc_set_up_resources(rproc)
        _bring_up(rproc, f"can't attach to rproc {rproc.label}", attach=True)
    except OSError:
        rproc_resource_cleanup(rproc)
        rproc.ops.unprepare(rproc)
        raise
    rproc.state = State.ATTACHED
    rproc.info(f"remote processor {rproc.label} is now attached")


def rproc_set_rsc_table(rproc: Rproc) -> None:
    """Take the table of a running processor, and keep a clean copy of it for the detach."""
    table = rproc.ops.get_loaded_rsc_table(rproc)
    if table is None:
        return
    rproc.clean_table = bytes(table) if rproc.ops.provides("detach") else None
    rproc.cached_table = None
    rproc.table = table


def rproc_do_detach(rproc: Rproc) -> None:
    """__rproc_detach()."""
    if not rproc.ops.provides("detach"):
        raise error(errno.EINVAL)
    rproc.subdevs.stop(crashed=False)
    with _announced(rproc, "can't reset resource table"):
        rproc_reset_rsc_table_on_detach(rproc)
    with _announced(rproc, "can't detach from rproc"):
        rproc.ops.detach(rproc)
    rproc.subdevs.unprepare()
    rproc.state = State.DETACHED
    rproc.info(f"detached remote processor {rproc.label}")


def rproc_reset_rsc_table_on_detach(rproc: Rproc) -> None:
    """Restore the remote's table to what it was; from now on ``table`` is a private copy."""
    if rproc.table is None:
        return
    if rproc.clean_table is None:
        raise error(errno.EINVAL)
    installed = rproc.table
    rproc.cached_table = bytearray(installed)
    rproc.table = memoryview(rproc.cached_table)
    installed[:] = rproc.clean_table
    rproc.clean_table = None


@contextmanager
def _announced(rproc: Rproc, complaint: str) -> Iterator[None]:
    """If the body raises OSError, log *complaint* with its errno."""
    try:
        yield
    except OSError as failure:
        rproc.err(f"{complaint}: {_code(failure)}")
        raise


def _code(failure: OSError) -> int:
    return -(failure.errno or errno.EIO)
