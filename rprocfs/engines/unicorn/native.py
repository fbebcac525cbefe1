"""Hooks in machine code: what Unicorn calls for every block costs nothing to speak of.

A hook is a function of the C calling convention, ``hook(uc, address, size, data)``, and
*data* points to an int32 here. Two are needed:

- :data:`SPEND` takes *size* off the int32, and goes on to a function if it is less than
  zero then;
- :data:`ASK` goes on to a function if the int32 is not zero.

The function, which gets the same arguments, is at an address that is put behind the
code. The code is written into a page that is made executable afterwards, and never writable
again.
"""

from __future__ import annotations

import ctypes
import mmap
import os

from rprocfs.engines.unicorn.coverage import COUNT
from rprocfs.engines.unicorn.libunicorn import CODE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from rprocfs.engines.unicorn.coverage import Coverage

#: x86-64: edx is *size*, rcx *data*. The address is that of ``mov rax``, in the middle.
#:     29 11          sub [rcx], edx            83 39 00       cmp dword [rcx], 0
#:     78 01          js 1f                     75 01          jne 1f
#:     c3             ret                       c3             ret
#:  1: 48 b8 ...      mov rax, function      1: 48 b8 ...      mov rax, function
#:     ff e0          jmp rax                   ff e0          jmp rax
#: AArch64: w2 is *size*, x3 *data*.
#:     b9400069       ldr w9, [x3]              b9400069       ldr w9, [x3]
#:     4b020129       sub w9, w9, w2
#:     b9000069       str w9, [x3]
#:     37f80049       tbnz w9, #31, 1f          35000049       cbnz w9, 1f
#:     d65f03c0       ret                       d65f03c0       ret
#:  1: 58000049       ldr x9, 2f             1: 58000049       ldr x9, 2f
#:     d61f0120       br x9                     d61f0120       br x9
#:  2: ...            function               2: ...            function
SPEND: Mapping[str, tuple[bytes, bytes]] = {
    "x86_64": (bytes.fromhex("2911 7801 c3 48b8"), bytes.fromhex("ffe0")),
    "aarch64": (
        bytes.fromhex("690040b9 2901024b 690000b9 4900f837 c0035fd6 49000058 20011fd6"),
        b"",
    ),
}
ASK: Mapping[str, tuple[bytes, bytes]] = {
    "x86_64": (bytes.fromhex("833900 7501 c3 48b8"), bytes.fromhex("ffe0")),
    "aarch64": (bytes.fromhex("690040b9 49000035 c0035fd6 49000058 20011fd6"), b""),
}
READ_EXECUTE = mmap.PROT_READ | mmap.PROT_EXEC


def assemble(code: tuple[bytes, bytes], function: int) -> bytes:
    """*code*, which goes on to the *function* at that address."""
    return code[0] + function.to_bytes(8, "little") + code[1]


class Native:
    """The hooks of this machine. OSError: it has none, or does not let code be made."""

    def __init__(self, machine: str = "") -> None:
        self._machine = machine or os.uname().machine
        if self._machine not in SPEND:
            raise OSError(f"no machine code for {self._machine}")
        self._keep: list[object] = []

    def spend(self, budget: ctypes.c_int32, function: object) -> tuple[object, object]:
        """A hook and its data: see :data:`SPEND`; *function* is one of ctypes."""
        return self._make(SPEND, budget, function)

    def ask(self, flag: ctypes.c_int32, function: object) -> tuple[object, object]:
        """A hook and its data: see :data:`ASK`."""
        return self._make(ASK, flag, function)

    def count(self, coverage: Coverage, function: object) -> tuple[object, object]:
        """As :meth:`spend`, with what :mod:`.coverage` does in front of it."""
        return self._make(COUNT, coverage.cells, function)

    def _make(
        self, codes: Mapping[str, tuple[bytes, bytes]], cell: ctypes._CData, function: object
    ) -> tuple[object, object]:
        address = ctypes.cast(function, ctypes.c_void_p).value or 0  # type: ignore[arg-type]
        page = _executable(assemble(codes[self._machine], address))
        self._keep += (function, page, cell)
        return ctypes.cast(page, CODE), ctypes.byref(cell)


def _executable(code: bytes) -> ctypes.Array[ctypes.c_char]:
    """*code* in a page of its own, which nobody can write any more; OSError."""
    size = mmap.PAGESIZE
    page = mmap.mmap(-1, size, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    page.write(code)
    array = (ctypes.c_char * size).from_buffer(page)  # keeps the page
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.mprotect(ctypes.c_void_p(ctypes.addressof(array)), ctypes.c_size_t(size), READ_EXECUTE):
        raise OSError(ctypes.get_errno(), "code cannot be made executable")
    return array
