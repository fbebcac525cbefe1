"""Conditions and ITSTATE (Armv7-M ARM A7.3): which instructions of an IT block are executed.

ITSTATE is eight bits: the condition of the next instruction in the upper four, how many
more follow, and with which last bit of their conditions, in the lower ones. 0: no IT block.
"""

from __future__ import annotations

N, Z, C, V = 1 << 31, 1 << 30, 1 << 29, 1 << 28
#: ITSTATE of the last instruction of a block whose condition is AL.
ALWAYS_LAST = 0xE8
#: Where xPSR has ITSTATE.
ITSTATE_MASK = 0x0600_FC00


def is_it(first: int) -> bool:
    """Whether the halfword is an IT instruction; its low byte is ITSTATE behind it."""
    return first & 0xFF00 == 0xBF00 and first & 0xF != 0


def length(state: int) -> int:
    """How many instructions follow in the block."""
    lowest = state & -state & 0xF
    return 4 - lowest.bit_length() + 1 if lowest else 0


def advance(state: int) -> int:
    """``ITAdvance()``: ITSTATE behind one instruction."""
    return 0 if state & 7 == 0 else state & 0xE0 | state << 1 & 0x1F


def to_xpsr(state: int) -> int:
    """The bits of xPSR that are ITSTATE: [7:2] at bit 10, [1:0] at bit 25."""
    return state >> 2 << 10 | (state & 3) << 25


def from_xpsr(xpsr: int) -> int:
    """ITSTATE in *xpsr*."""
    return (xpsr >> 10 & 0x3F) << 2 | xpsr >> 25 & 3


def passes(condition: int, xpsr: int) -> bool:
    """``ConditionPassed()``: whether *condition* (0 to 15) holds with the flags in *xpsr*."""
    n, z, c, v = bool(xpsr & N), bool(xpsr & Z), bool(xpsr & C), bool(xpsr & V)
    holds = (z, c, n, v, c and not z, n == v, n == v and not z, True)[condition >> 1]
    return holds if condition & 1 == 0 or condition == 15 else not holds
