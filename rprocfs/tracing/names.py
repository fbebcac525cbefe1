"""How events are called."""

from __future__ import annotations

import struct

#: ``struct rpmsg_hdr``: source, destination, reserved, length, flags.
HDR = struct.Struct("<IIIHH")
#: Those of Armv7-M; from 16 on they are interrupts.
EXCEPTIONS = {
    2: "NMI", 3: "HardFault", 4: "MemManage", 5: "BusFault", 6: "UsageFault", 11: "SVCall",
    12: "DebugMonitor", 14: "PendSV", 15: "SysTick",
}  # fmt: skip


#: Those of Armv7-R are told by their vector behind this: Armv7-M has no number as high.
ARMV7R = 0x200
VECTORS = {
    0x04: "Undefined Instruction", 0x08: "Supervisor Call", 0x0C: "Prefetch Abort",
    0x10: "Data Abort", 0x18: "IRQ", 0x1C: "FIQ",
}  # fmt: skip


def exception(number: int) -> str:
    """``SysTick``, ``IRQ 4``; of Armv7-R ``IRQ``, ``Data Abort``."""
    if number >= ARMV7R:
        return VECTORS.get(number - ARMV7R, f"#{number}")
    return EXCEPTIONS.get(number) or (f"IRQ {number - 16}" if number >= 16 else f"#{number}")


def message(content: bytes) -> tuple[int, int, bytes]:
    """Source, destination and data of a message; zeros and nothing of one that is none."""
    if len(content) < HDR.size:
        return 0, 0, b""
    source, destination, *_ = HDR.unpack_from(content)
    return source, destination, content[HDR.size :]
