"""The interpreter's locks, seen by a validator -- include/linux/lockdep.h."""

from __future__ import annotations

import threading
from types import TracebackType

from rprocfs.locking.classes import LockClass
from rprocfs.locking.lockdep import Validator


class CheckedLock:
    """``threading.Lock`` of a class."""

    def __init__(self, validator: Validator, kind: LockClass) -> None:
        self._validator = validator
        self.kind = kind
        self._lock = threading.Lock()

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:
        """See ``threading.Lock``; RuntimeError where it would wait for itself for ever."""
        if blocking and timeout < 0 and self._validator.holds(self):
            raise RuntimeError(f"{self.kind} is taken again by its holder")
        self._validator.acquire(self.kind, self, tries=not blocking)
        if self._lock.acquire(blocking, timeout):
            return True
        self._validator.release(self)
        return False

    def release(self) -> None:
        """See ``threading.Lock``."""
        self._validator.release(self)
        self._lock.release()

    def locked(self) -> bool:
        """Is it held by anyone."""
        return self._lock.locked()

    def __enter__(self) -> bool:
        return self.acquire()

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        self.release()


class CheckedRLock(CheckedLock):
    """``threading.RLock`` of a class: only the outermost acquisition counts."""

    def __init__(self, validator: Validator, kind: LockClass) -> None:
        super().__init__(validator, kind)
        self._rlock = threading.RLock()
        self._depth = 0

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:
        """See ``threading.RLock``."""
        outermost = not self._validator.holds(self)
        if outermost:
            self._validator.acquire(self.kind, self, tries=not blocking)
        if self._rlock.acquire(blocking, timeout):
            self._depth += 1
            return True
        if outermost:
            self._validator.release(self)
        return False

    def release(self) -> None:
        """See ``threading.RLock``."""
        self._depth -= 1
        if not self._depth:
            self._validator.release(self)
        self._rlock.release()

    def locked(self) -> bool:
        """Is it held by anyone."""
        return self._depth > 0


class CheckedCondition(threading.Condition):
    """``threading.Condition`` of a class. A wait under another lock is one that may sleep."""

    def __init__(self, validator: Validator, kind: LockClass) -> None:
        self._checked = CheckedLock(validator, kind)
        super().__init__(self._checked)  # type: ignore[arg-type]
        self._validator = validator

    def wait(self, timeout: float | None = None) -> bool:
        """See ``threading.Condition``."""
        self._validator.release(self._checked)
        self._validator.might_sleep(f"waiting for {self._checked.kind}")
        self._validator.acquire(self._checked.kind, self._checked, tries=True)
        return super().wait(timeout)
