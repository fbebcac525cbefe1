"""Counting what is executed, in the worker: see :mod:`rprocfs.engines.counters`.

Unicorn has one hook on blocks, that of :mod:`.slices`. Counting is put in front of what it
does, in the same machine code, so that it costs a few instructions a block. A block that did not
reach its end is corrected when Unicorn has stopped.
"""

from __future__ import annotations

import ctypes
import mmap
import struct

from rprocfs.engines.counters import HEAD, LONGEST, PAGE, PAGE_SHIFT, SLOT
from rprocfs.engines.unicorn import libunicorn

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from rprocfs.engines.unicorn.libunicorn import Unicorn

#: As in :mod:`.native`; *data* is a :class:`Cells`.
#: x86-64: esi is *address*, edx *size*, rcx *data*.
#:     0f b7 d2               movzx edx, dx             at most LONGEST
#:     89 f0                  mov eax, esi
#:     c1 e8 14               shr eax, 20
#:     4c 8b 44 c1 10         mov r8, [rcx + 16 + 8*rax]     slots[address / PAGE]
#:     89 71 04               mov [rcx + 4], esi        begin = address
#:     89 f0                  mov eax, esi
#:     25 ff ff 0f 00         and eax, 0xfffff
#:     49 ff 04 80            inc qword [r8 + 4*rax]
#:     01 d0                  add eax, edx
#:     49 ff 0c 80            dec qword [r8 + 4*rax]
#:     8d 04 16               lea eax, [rsi + rdx]
#:     89 41 08               mov [rcx + 8], eax        end = address + size
#:     29 11 78 01 c3 48 b8   as SPEND
#: AArch64: w1 is *address*, w2 *size*, x3 *data*.
#:     12003c42 53147c29      and w2, w2, #0xffff; lsr w9, w1, #20
#:     9100406a f869794a      add x10, x3, #16; ldr x10, [x10, x9, lsl #3]
#:     b9000461 12004c2b      str w1, [x3, #4]; and w11, w1, #0xfffff
#:     d37ef56c f86c694d      lsl x12, x11, #2; ldr x13, [x10, x12]
#:     910005ad f82c694d      add x13, x13, #1; str x13, [x10, x12]
#:     0b02016b d37ef56c      add w11, w11, w2; lsl x12, x11, #2
#:     f86c694d d10005ad      ldr x13, [x10, x12]; sub x13, x13, #1
#:     f82c694d 0b02002b      str x13, [x10, x12]; add w11, w1, w2
#:     b900086b               str w11, [x3, #8]; then as SPEND
COUNT: Mapping[str, tuple[bytes, bytes]] = {
    "x86_64": (
        bytes.fromhex(
            "0fb7d2 89f0 c1e814 4c8b44c110 897104 89f0 25ffff0f00 49ff0480 01d0 49ff0c80"
            "8d0416 894108 2911 7801 c3 48b8"
        ),
        bytes.fromhex("ffe0"),
    ),
    "aarch64": (
        bytes.fromhex(
            "423c0012 297c1453 6a400091 4a7969f8 610400b9 2b4c0012 6cf57ed3 4d696cf8 ad050091"
            "4d692cf8 6b01020b 6cf57ed3 4d696cf8 ad0500d1 4d692cf8 2b00020b 6b0800b9"
            "690040b9 2901024b 690000b9 4900f837 c0035fd6 49000058 20011fd6"
        ),
        b"",
    ),
}


class Cells(ctypes.Structure):
    """What the hook reads and writes.

    *left* is the budget, [*begin*, *end*) the block that was entered last, *slots* the address
    of the slot of each page.
    """

    _fields_ = (
        ("left", ctypes.c_int32),
        ("begin", ctypes.c_uint32),
        ("end", ctypes.c_uint32),
        ("pad", ctypes.c_uint32),
        ("slots", ctypes.c_uint64 * (1 << 32 - PAGE_SHIFT)),
    )


class Coverage:
    """Counts into the memfd *fd*."""

    def __init__(self, fd: int) -> None:
        self._map = mmap.mmap(fd, 0)
        (count,) = struct.unpack_from("<I", self._map)
        numbers = struct.unpack_from(f"<{count}I", self._map, 4)
        self._words = memoryview(self._map).cast("q")
        self._slots = {page: slot for slot, page in enumerate(numbers, 1)}
        self.cells = Cells()
        base = ctypes.addressof(ctypes.c_char.from_buffer(self._map)) + HEAD
        self.cells.slots[:] = [
            base + SLOT * self._slots.get(page, 0) for page in range(len(self.cells.slots))
        ]

    @property
    def left(self) -> ctypes.c_int32:
        """The budget: the same memory as in :attr:`cells`."""
        return ctypes.c_int32.from_buffer(self.cells)

    def hook(self, unicorn: Unicorn) -> None:
        """Count where there is no machine code: slowly."""

        def entered(_uc: int, address: int, size: int, _data: int) -> None:
            cells = self.cells
            cells.begin, cells.end = address, address + min(size, LONGEST - 1)
            self._add(address, address, 1)
            self._add(address, cells.end, -1)

        unicorn.add_hook(libunicorn.HOOK_BLOCK, libunicorn.CODE(entered), 1, 0)

    def stopped(self, pc: int) -> None:
        """Unicorn stopped in front of *pc*: what the last block has behind it was not executed."""
        cells = self.cells
        begin, end = cells.begin, cells.end
        if begin <= pc < end:
            self._add(begin, pc, -1)
            self._add(begin, end, 1)
        cells.end = 0

    def _add(self, begin: int, address: int, number: int) -> None:
        """Change the difference at *address*, in a block that begins at *begin*."""
        page = begin >> PAGE_SHIFT
        offset = (HEAD + SLOT * self._slots.get(page, 0)) // 8
        self._words[offset + (address - page * PAGE) // 2] += number
