"""The result of probing a board's processors: which have no driver, and why."""

from __future__ import annotations

from collections.abc import Iterator

from rprocfs.base.platform import PlatformDevice
from rprocfs.base.printk_ringbuffer import dev_printk_info
from rprocfs.system import System

#: What the bus adds to what the driver said.
_PROBE_FAILED = "failed with error"


def probe_failures(system: System) -> Iterator[str]:
    """Return (label, reason from the kernel log) of each processor whose probe failed."""
    for device in list(system.platform.devices.values()):
        if "compatible" in device.properties and device.driver is None:
            label = device.properties.get("label") or device.name
            of = f" ({device.properties['compatible']})" if device.of_node is not None else ""
            yield f"{label}{of}: {_what_was_said(system, device)}"


def _what_was_said(system: System, device: PlatformDevice) -> str:
    about = dev_printk_info("platform", device.name)
    said = [record.text for record in system.model.kmsg.records() if record.dev_info == about]
    reasons = [text for text in said if _PROBE_FAILED not in text]
    return "; ".join(reasons or said) or f"no driver took {device.name}"


def complaints(system: System, *, configfs: bool) -> list[str]:
    """Return the complaints for the user: processors that failed, or that there is none.

    With *configfs* there may be none: users make them.
    """
    failures = list(probe_failures(system))
    empty = not (failures or system.remoteproc.rprocs or configfs)
    return ["the board has no processor"] if empty else failures
