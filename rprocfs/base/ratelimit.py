"""How often a message may be said -- lib/ratelimit.c."""

from __future__ import annotations

import time

from rprocfs.locking import LockClass, new_lock


class RateLimit:
    """``struct ratelimit_state``: *burst* times in *interval* seconds. Thread-safe."""

    __slots__ = ("_begin", "_burst", "_interval", "_left", "_lock")

    def __init__(self, interval: float = 5.0, burst: int = 10) -> None:
        self._lock = new_lock(LockClass.RATELIMIT)
        self._interval = interval
        self._burst = burst
        self._left = burst
        self._begin: float | None = None

    def __call__(self) -> bool:
        """``__ratelimit``: whether it may be said now; that counts as having said it."""
        with self._lock:
            now = time.monotonic()
            if self._begin is None or now >= self._begin + self._interval:
                self._begin, self._left = now, self._burst
            if not self._left:
                return False
            self._left -= 1
            return True
