"""RAM that rprocfs and a worker share: a memfd, mapped by both."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, suppress

from rprocfs.engines.mapping import SharedMapping
from rprocfs.soc.machine import Bank, Machine

SEALS = fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SEAL


class SharedRam:
    """*size* bytes of zeros at device address *da*, or where *banks* say.

    Valid until :meth:`close`; views that are still in use then show zeroes, and belong to no
    file. A worker that still runs keeps its own mapping. Closing twice is allowed. Its
    size is sealed: who has the memfd cannot take the memory away from the others.
    """

    def __init__(
        self, da: int, size: int, name: str = "rproc-ram", banks: Sequence[Bank] = ()
    ) -> None:
        self.da = da
        self.size = size
        self.banks = banks or (Bank(name, da, size),)
        with ExitStack() as opened:
            self.fd = os.memfd_create(name, os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
            opened.callback(os.close, self.fd)
            os.ftruncate(self.fd, size)
            fcntl.fcntl(self.fd, fcntl.F_ADD_SEALS, SEALS)
            self._mapping = SharedMapping(self.fd, size)
            opened.callback(self._mapping.revoke)
            self._opened = opened.pop_all()

    @classmethod
    def of(cls, machine: Machine, name: str = "rproc-ram") -> SharedRam:
        """All memory of a SoC of the kind *machine*."""
        return cls(machine.banks[0].da, machine.memory_size, name, machine.banks)

    @property
    def view(self) -> memoryview:
        """All of it, one bank behind the other."""
        return self._mapping.view

    def find(self, da: int, size: int) -> memoryview | None:
        """The *size* bytes at device address *da*; None if they are not all in one bank."""
        for bank in self.banks:
            offset = bank.find(da, size)
            if offset >= 0:
                return self.view[offset : offset + size]
        return None

    def at(self, da: int, size: int) -> memoryview:
        """As :meth:`find`, but ValueError instead of None."""
        found = self.find(da, size)
        if found is None:
            raise ValueError(f"{size:#x} bytes at {da:#x} are not in this RAM")
        return found

    def occupied(self) -> Iterator[tuple[int, int]]:
        """(device address, size) of what was ever written to; everything else is zeros."""
        for bank in self.banks:
            end, limit = bank.offset, bank.offset + bank.size
            with suppress(OSError):  # ENXIO: no more data
                while (start := os.lseek(self.fd, end, os.SEEK_DATA)) < limit:
                    end = min(os.lseek(self.fd, start, os.SEEK_HOLE), limit)
                    yield bank.da + start - bank.offset, end - start

    def clear(self) -> None:
        """Make all of it zero again, and give the pages back."""
        self._mapping.clear()

    def close(self) -> None:
        """Give the memory and the memfd back, also while views of them are in use."""
        self._opened.close()

    def __enter__(self) -> SharedRam:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()
