"""The memories of a simulated processor: its own, and those that the board reserves for it."""

from __future__ import annotations

import mmap
import re
from collections.abc import Iterable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from rprocfs.remoteproc.coredump import rproc_coredump_add_segment
from rprocfs.remoteproc.memory import rproc_mem_entry_init
from rprocfs.remoteproc.regions import Memory
from rprocfs.remoteproc.rproc import RprocMemEntry, rproc_add_carveout

if TYPE_CHECKING:
    from rprocfs.remoteproc.rproc import Rproc

#: ``memory = "tcm"``.
TCM = "0x20000000:0x10000"

#: How much memory a processor may have, and an image ask for where it is ``any``.
ANY_LIMIT = 256 << 20
_MAP_NORESERVE = 0x4000

_NUMBER = r"(?:0[xX][0-9a-fA-F]+|[0-9]+)"
_BANK = re.compile(rf"({_NUMBER}(?:={_NUMBER})*):({_NUMBER})")


class SimMemory:
    """What the driver maps itself: *text* is ``ADDRESS[=ADDRESS...]:SIZE ...``, or ``tcm``.

    ValueError for anything else.
    """

    def __init__(self, text: str = "tcm") -> None:
        #: First address, and what is there; memory that is seen twice stands here twice.
        self._banks: list[tuple[int, memoryview]] = []
        self._maps: list[mmap.mmap] = []
        total = 0
        for word in (TCM if text == "tcm" else text).split():
            bank = _BANK.fullmatch(word)
            if bank is None:
                raise ValueError(f"memory {word}: must be ADDRESS:SIZE")
            size = int(bank[2], 0)
            total += size
            if total > ANY_LIMIT:
                raise ValueError(f"memory {word}: more than {ANY_LIMIT >> 20} MiB")
            self._maps.append(_memory(size))
            data = memoryview(self._maps[-1])
            self._banks += [(int(address, 0), data) for address in bank[1].split("=")]

    def find(self, da: int, length: int) -> memoryview | None:
        """The part at *da*, None when it is not all inside of one of them."""
        for base, data in self._banks:
            offset = da - base
            if offset >= 0 and offset + length <= len(data):
                return data[offset : offset + length]
        return None

    def memories(self) -> list[Memory]:
        """Where they are."""
        return [Memory("memory", base, len(data)) for base, data in self._banks]

    def reset(self) -> None:
        """A new boot."""

    def close(self) -> None:
        """Forget all content, also while an open endpoint has a view of it."""
        for memory in self._maps:
            memory.madvise(mmap.MADV_DONTNEED)


class AnyMemory(SimMemory):
    """``memory = any``: all 32-bit addresses, of which only what is touched costs anything."""

    def __init__(self) -> None:
        super().__init__("")
        flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | _MAP_NORESERVE
        self._maps.append(mmap.mmap(-1, 1 << 32, flags=flags))
        self._banks.append((0, memoryview(self._maps[0])))
        self._seen: set[tuple[int, int]] = set()

    def find(self, da: int, length: int) -> memoryview | None:
        """As the class says; None once an image asks for more than :data:`ANY_LIMIT`."""
        self._seen.add((da, length))
        if length > ANY_LIMIT or sum(size for _, size in self._seen) > ANY_LIMIT:
            self._seen.discard((da, length))
            return None
        return super().find(da, length)

    def reset(self) -> None:
        """Forget all content."""
        self._seen.clear()
        self.close()


def _memory(size: int) -> mmap.mmap:
    """Zeroes, of which only what is touched costs anything; ValueError for none at all."""
    if not size:
        raise ValueError("memory of no size")
    return mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)


class ReservedMemory:
    """The ``memory-region`` of a processor: *regions* have ``label``, ``da``, ``size`` and ``pa``.

    A carveout is called as its region is, without a unit address. ValueError for more than
    there may be.
    """

    def __init__(self, regions: Iterable[Mapping[str, Any]]) -> None:
        self._regions = [
            (region["label"].partition("@")[0], region["da"], region.get("pa", region["da"]),
             region["size"]) for region in regions
        ]  # fmt: skip
        if sum(size for *_, size in self._regions) > ANY_LIMIT:
            raise ValueError(f"memory-region: more than {ANY_LIMIT >> 20} MiB")
        self._data = [memoryview(_memory(size)) for *_, size in self._regions]

    def holds(self, da: int, length: int) -> bool:
        """Whether all of it is in one of them."""
        return any(
            start <= da and da + length <= start + size for _, start, _, size in self._regions
        )

    def prepare(self, rproc: Rproc) -> None:
        """stm32_rproc_prepare(): each is a carveout, which the table may name, and is dumped."""
        for (label, da, pa, size), data in zip(self._regions, self._data, strict=True):
            mem = rproc_mem_entry_init(label, size, da, dma=pa, alloc=partial(_map, data))
            rproc_add_carveout(rproc, mem)
            rproc_coredump_add_segment(rproc, da, size)


def _map(data: memoryview, rproc: Rproc, mem: RprocMemEntry) -> None:
    del rproc
    mem.va = data
