"""Reference counts -- include/linux/kref.h."""

from __future__ import annotations

from collections.abc import Callable

from rprocfs.locking import LockClass, new_lock


def _nothing() -> None:
    """What is left to do after the release."""


class Kref:
    """``struct kref``: calls *release* when the last reference is put. It starts with one."""

    __slots__ = ("_count", "_lock", "_release")

    def __init__(self, release: Callable[[], object]) -> None:
        self._lock = new_lock(LockClass.KREF)
        self._count = 1
        self._release = release

    def get(self) -> None:
        """``kref_get``: one more; the caller must hold one already."""
        with self._lock:
            assert self._count, "kref_get() after the release"
            self._count += 1

    def get_unless_zero(self) -> bool:
        """``kref_get_unless_zero``: one more, if it is not released; whether it was not."""
        with self._lock:
            alive = self._count > 0
            self._count += alive
        return alive

    def put(self) -> bool:
        """``kref_put``: one less; true if it was the last, and *release* has run.

        *release* runs without the lock of the count.
        """
        with self._lock:
            assert self._count, "kref_put() after the release"
            self._count -= 1
            last = not self._count
            # It is called once, and whatever it refers to has no reason to outlive that.
            release = self._release if last else _nothing
            if last:
                self._release = _nothing
        release()
        return last

    def read(self) -> int:
        """``kref_read``: how many there are; of use to tests and to messages only."""
        return self._count
