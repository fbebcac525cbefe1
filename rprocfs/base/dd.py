"""Devices whose driver waits for another device -- the deferred probes of drivers/base/dd.c."""

from __future__ import annotations

from typing import Protocol

#: ``EPROBE_DEFER`` of linux/errno.h: not one that a program ever sees.
EPROBE_DEFER = 517


class Deferrable(Protocol):
    """What the list asks of a device."""

    name: str
    deferred_probe_reason: str

    def warn(self, text: str) -> None:
        """``dev_warn``."""


class DeferredProbes:
    """``deferred_probe_pending_list``, which ``devices_deferred`` in debugfs shows."""

    def __init__(self) -> None:
        self._pending: dict[Deferrable, str] = {}

    def add(self, device: Deferrable, driver: str) -> None:
        """``driver_deferred_probe_add``, with the reason that the driver gave."""
        reason = device.deferred_probe_reason
        self._pending[device] = f"{driver}: {reason}" if reason else ""

    def remove(self, device: Deferrable) -> None:
        """``driver_deferred_probe_del``: it is bound, or gone."""
        self._pending.pop(device, None)

    def show(self) -> bytes:
        """deferred_devs_show(): a device and a reason a line."""
        lines = [f"{device.name}\t{reason}\n" for device, reason in list(self._pending.items())]
        return "".join(lines).encode()

    def timeout(self) -> None:
        """deferred_probe_timeout_work_func(): nothing is to be expected any more; say so."""
        for device, reason in list(self._pending.items()):
            device.warn(f"deferred probe pending: {reason or '(reason unknown)'}")
