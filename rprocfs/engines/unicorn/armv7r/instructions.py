"""Instructions of Armv7-R that need more than Unicorn does, in both states (DDI 0406 A8, B9).

An instruction is one word; a wide one of Thumb state has its first halfword on top, a narrow
one is a halfword.
"""

from __future__ import annotations

from rprocfs.engines.unicorn.instructions import instructions

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rprocfs.arch.armv7r.cp15 import Key

ALWAYS = 14
#: CP15's old way to wait for an interrupt.
CP15_WFI: Key = (0, 7, 0, 4)


def decode(code: bytes, thumb: bool) -> Iterator[tuple[int, int, int]]:
    """(offset, size, instruction) of all that is in *code*."""
    if thumb:
        for offset, first, second in instructions(code):
            yield (offset, 2, first) if second < 0 else (offset, 4, first << 16 | second)
    else:
        for offset in range(0, len(code) - 3, 4):
            yield offset, 4, int.from_bytes(code[offset : offset + 4], "little")


def is_it(word: int) -> bool:
    """IT, as a narrow instruction; *word* is any."""
    return word & 0xFFFF_FF00 == 0xBF00 and word & 15 != 0


def it_length(word: int) -> int:
    """How many instructions an IT block has."""
    return 4 - ((word & -word).bit_length() - 1)


def system_access(word: int, thumb: bool) -> tuple[Key, bool, int] | None:
    """Of MRC and MCR of CP15: (register, whether it reads, general register)."""
    condition = word >> 28
    if word & 0x0F00_0F10 != 0x0E00_0F10 or condition == 15 or (thumb and condition != ALWAYS):
        return None
    key = (word >> 21 & 7, word >> 16 & 15, word & 15, word >> 5 & 7)
    return key, bool(word >> 20 & 1), word >> 12 & 15


def divides(word: int, size: int, thumb: bool) -> int:
    """Of SDIV and UDIV the number of the register with the divisor; -1: it is neither."""
    if thumb:
        return word & 15 if size == 4 and word & 0xFFD0_F0F0 == 0xFB90_F0F0 else -1
    return word >> 8 & 15 if word & 0x0FD0_F0F0 == 0x0710_F010 and word >> 28 != 15 else -1


def waits(word: int, size: int, thumb: bool) -> bool:
    """WFI, or its predecessor in CP15."""
    if thumb and (word == 0xBF30 if size == 2 else word == 0xF3AF_8003):
        return True
    if not thumb and word & 0x0FFF_FFFF == 0x0320_F003 and word >> 28 != 15:
        return True
    access = system_access(word, thumb) if size == 4 else None
    return access is not None and access[0] == CP15_WFI and not access[1]


def waits_for_event(word: int, size: int, thumb: bool) -> bool:
    """WFE."""
    if thumb:
        return word == 0xBF20 if size == 2 else word == 0xF3AF_8002
    return word & 0x0FFF_FFFF == 0x0320_F002


def spins(word: int, size: int, thumb: bool) -> bool:
    """A branch to itself."""
    return word == (0xE7FE if size == 2 else 0xF7FF_BFFE if thumb else 0xEAFF_FFFE)


def unmasks(word: int, size: int, thumb: bool) -> bool:
    """Whether it may clear CPSR.I or CPSR.F: CPS, MSR, and all exception returns."""
    if thumb:
        masks = word & 0xFFF8 == 0xB660 if size == 2 else _thumb_unmasks(word)
    else:
        masks = _arm_unmasks(word)
    return masks or returns(word, size, thumb)


def returns(word: int, size: int, thumb: bool) -> bool:
    """Whether it returns from an exception: SPSR, or what RFE loads, becomes CPSR."""
    if thumb:
        rfe = word & 0xFFD0_FFFF in (0xE810_C000, 0xE990_C000)
        return size == 4 and (rfe or word & 0xFFFF_FF00 == 0xF3DE_8F00)  # SUBS PC, LR
    if word >> 28 == 15:
        return word & 0xFE50_FFFF == 0xF810_0A00  # RFE
    if word & 0x0E50_8000 == 0x0850_8000:
        return True  # LDM with PC and SPSR
    # Data processing that writes the PC and sets the flags; tests have no result.
    writes = word & 0x0C10_F000 == 0x0010_F000 and word >> 23 & 3 != 2
    return writes and (word & 1 << 25 != 0 or word & 0x90 != 0x90)


def unprivileged(word: int, size: int, thumb: bool) -> bool:
    """Whether it accesses memory as user mode does: LDRT, STRT and those of other sizes."""
    if thumb:
        return size == 4 and word & 0xFE80_0F00 == 0xF800_0E00
    if word >> 28 == 15 or word & 0x0120_0000 != 0x0020_0000:
        return False
    single = word >> 26 & 3 == 1 and (not word & 1 << 25 or not word & 1 << 4)
    return single or (word >> 25 & 7 == 0 and word & 0x90 == 0x90 and word & 0x60 != 0)


def _thumb_unmasks(word: int) -> bool:
    # CPSIE, MSR CPSR_c
    return word & 0xFFFF_D600 == 0xF3AF_8400 or word & 0xFFF0_D100 == 0xF380_8100


def _arm_unmasks(word: int) -> bool:
    if word >> 28 == 15:
        return word & 0xFFFD_FE20 == 0xF108_0000  # CPSIE
    # MSR CPSR_c
    return word & 0x0FF1_FFF0 == 0x0121_F000 or word & 0x0FF1_F000 == 0x0321_F000


def was_wfe(code: Callable[[int, int], bytes], pc: int, thumb: bool) -> bool:
    """Whether the instruction in front of *pc* waits for an event; *code* reads memory."""
    return any(
        width == size and waits_for_event(word, size, thumb)
        for size in ((2, 4) if thumb else (4,))
        for _, width, word in decode(code(pc - size, size), thumb)
    )
