"""The registers of a processor that died or was halted, as a debugger's ``g`` packet has them.

Cortex-M: R0 to R15, xPSR. RISC-V: pc, x1 to x31. An empty tuple: nobody knows.
"""

from __future__ import annotations

import re

ARM = (*(f"R{number:02}" for number in range(16)), "XPSR")
RISCV = ("pc", *(rf"x{number}/\w+" for number in range(1, 32)))

#: What the line of a worker that tells its registers begins with.
TOLD = "registers "


def from_qemu(text: str) -> tuple[int, ...]:
    """What ``info registers`` or the message of an abort says; the last of it, if often."""
    for names in (ARM, RISCV):
        values = [re.findall(rf"(?<!\w){name}[= ]+([0-9a-f]{{8}})\b", text) for name in names]
        if all(values):
            return tuple(int(value[-1], 16) for value in values)
    return ()


def from_worker(stderr: str) -> tuple[int, ...]:
    """What a worker of ours told, by :func:`to_line`; nothing if it is not all of them."""
    for line in stderr.splitlines():
        if line.startswith(TOLD):
            words = line.removeprefix(TOLD).split()
            told = all(re.fullmatch("[0-9a-f]{1,8}", word) for word in words)
            if told and len(words) in (len(ARM), len(RISCV)):
                return tuple(int(word, 16) for word in words)
    return ()


def to_line(values: tuple[int, ...]) -> str:
    """*values* as a line."""
    return TOLD + " ".join(f"{value:x}" for value in values) + "\n"
