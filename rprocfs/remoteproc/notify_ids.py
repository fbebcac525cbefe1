"""The doorbell numbers of a processor -- ``rproc->notifyids`` of remoteproc_core.c."""

from __future__ import annotations

from typing import Protocol

from rprocfs.fs.chardev import Ida
from rprocfs.locking import LockClass, new_lock


class Doorbell(Protocol):
    """What a number stands for: a vring."""

    def interrupt(self) -> bool:
        """The remote rang; false if there is no virtqueue now."""


class NotifyIds:
    """``rproc->notifyids``: the vring behind each doorbell number."""

    def __init__(self) -> None:
        self._lock = new_lock(LockClass.NOTIFYIDS)
        self._ids = Ida()
        self._vrings: dict[int, Doorbell] = {}
        self.max_notifyid = -1

    def reset_max(self) -> None:
        """A new boot counts from the start."""
        self.max_notifyid = -1

    def alloc(self, vring: Doorbell) -> int:
        """The lowest free number."""
        with self._lock:
            notifyid = self._ids.alloc()
            self._vrings[notifyid] = vring
            self.max_notifyid = max(self.max_notifyid, notifyid)
        return notifyid

    def free(self, notifyid: int) -> None:
        """Give the number back."""
        with self._lock:
            self._ids.free(notifyid)
            self._vrings.pop(notifyid, None)

    def in_use(self) -> list[int]:
        """``idr_for_each``: the numbers, in order."""
        with self._lock:
            return sorted(self._vrings)

    def interrupt(self, notifyid: int) -> bool:
        """rproc_vq_interrupt(): False when nothing is behind the number."""
        vring = self._vrings.get(notifyid)
        return vring is not None and vring.interrupt()
