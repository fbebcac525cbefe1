"""Instructions of an Armv7-M core that have to be looked at, by their halfwords."""

from __future__ import annotations

import struct

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

PRIMASK, FAULTMASK = 16, 19


def instructions(code: bytes) -> Iterator[tuple[int, int, int]]:
    """(offset, first halfword, second halfword or -1) of every instruction in *code*."""
    halfwords = struct.unpack(f"<{len(code) // 2}H", code[: len(code) & ~1])
    index = 0
    while index < len(halfwords):
        first = halfwords[index]
        wide = first >> 11 in (0b11101, 0b11110, 0b11111) and index + 1 < len(halfwords)
        yield 2 * index, first, halfwords[index + 1] if wide else -1
        index += 2 if wide else 1


def unmasks(first: int, second: int) -> bool:
    """CPSIE, or MSR to a mask register."""
    if second < 0:
        return first & 0xFFFC == 0xB660
    return first & 0xFFF0 == 0xF380 and PRIMASK <= second & 0xFF <= FAULTMASK


def masks_faults(first: int, second: int) -> bool:
    """CPSID F, CPSIE F, or MSR to FAULTMASK."""
    if second < 0:
        return first & 0xFFED == 0xB661
    return first & 0xFFF0 == 0xF380 and second & 0xFF == FAULTMASK


def waits(first: int, second: int) -> bool:
    """WFI."""
    return first == 0xBF30 or (first == 0xF3AF and second == 0x8003)


def divides(first: int, second: int) -> bool:
    """SDIV or UDIV."""
    return second >= 0 and first & 0xFFD0 == 0xFB90 and second & 0xF0F0 == 0xF0F0


def floats(first: int, second: int) -> bool:
    """An instruction of coprocessors 10 and 11, the FPU."""
    return second >= 0 and first & 0xEC00 == 0xEC00 and second & 0x0E00 == 0x0A00
