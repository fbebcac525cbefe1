"""Stacks, as exceptions access them: by words, and only what the MPU lets through."""

from __future__ import annotations

from rprocfs.arch.armv7m.mpu import READ, WRITE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from rprocfs.arch.armv7m.mpu import Mpu


class BusError(Exception):
    """There is no memory at an address."""


class Refused(Exception):
    """The MPU refuses an access."""


class Stacks:
    """In the memory that *load* (address, count) and *store* (address, words) access.

    These raise :class:`BusError`; :class:`Refused` is raised here.
    """

    def __init__(
        self,
        mpu: Mpu,
        load: Callable[[int, int], Sequence[int]],
        store: Callable[[int, Sequence[int]], None],
    ) -> None:
        self._mpu, self._load, self._store = mpu, load, store

    def push(self, sp: int, words: Sequence[int], privileged: bool) -> None:
        """Store *words* from *sp* on, up to the first that is refused."""
        passed = self._mpu.passes(sp, len(words), WRITE, privileged)
        if passed:
            self._store(sp, words[:passed])
        if passed < len(words):
            raise Refused

    def pop(self, sp: int, words: int, privileged: bool) -> list[int]:
        """So many *words* from *sp* on."""
        if self._mpu.passes(sp, words, READ, privileged) < words:
            raise Refused
        return list(self._load(sp, words))
