"""Memory barriers between two processors that share memory -- asm/barrier.h."""

import platform
from threading import Lock

IS_TSO = platform.machine() in ("x86_64", "AMD64", "i386", "i686")
"""Whether loads stay in order among loads, and stores among stores, without a barrier."""


class Barrier:
    """A full memory barrier, from the one thing in Python that has barrier semantics: a lock.

    It releases and then acquires, not the other way round: an acquire may not pass an earlier
    release, so every earlier load and store stays before every later one, on Arm and RISC-V too.
    """

    __slots__ = ("_acquire", "_release")

    def __init__(self) -> None:
        lock = Lock()
        self._acquire, self._release = lock.acquire, lock.release
        self._acquire()

    def __call__(self) -> None:
        """Order all loads and stores before this call before all those after it."""
        self._release()
        self._acquire()
