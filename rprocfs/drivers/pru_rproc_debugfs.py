"""``regs`` and ``single_step`` of a PRU below debugfs -- drivers/remoteproc/pru_rproc.c."""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING

from rprocfs.fs.debugfs import DebugfsFile
from rprocfs.fs.kernfs import error

if TYPE_CHECKING:
    from rprocfs.fs.kernfs import Dir

#: Bits of the register CTRL (``PRU_ICSS_PRU_CTRL``).
CTRL_EN, CTRL_SINGLE_STEP, CTRL_RUNSTATE = 1 << 1, 1 << 8, 1 << 15
#: The registers that ``regs`` begins with: what it calls them, and where they are.
CONTROL = {
    "WAKEUP_EN": 0x08, "CYCLE    ": 0x0C, "STALL    ": 0x10,
    "CTBIR0   ": 0x20, "CTBIR1   ": 0x24, "CTPPR0   ": 0x28, "CTPPR1   ": 0x2C,
}  # fmt: skip
CT_REG = 0x80


class PruRegisters:
    """The registers of a core: *control* and *debug* are the memory that they are in."""

    def __init__(self, control: memoryview, debug: memoryview) -> None:
        self._control = control
        self._debug = debug
        self.single_step = False
        self._continuous = 0

    @property
    def ctrl(self) -> int:
        """``PRU_CTRL_CTRL``."""
        return _word(self._control, 0)

    @ctrl.setter
    def ctrl(self, value: int) -> None:
        self._control[:4] = (value & 0xFFFFFFFF).to_bytes(4, "little")

    def step(self, *, on: bool) -> None:
        """pru_rproc_debug_ss_set(): the mode from before comes back when it is over."""
        if not on and not self.single_step:
            return
        if on and not self.single_step:
            self._continuous = self.ctrl
        self.ctrl = self.ctrl | CTRL_SINGLE_STEP | CTRL_EN if on else self._continuous
        self.single_step = on

    def show(self) -> bytes:
        """regs_show()."""
        status = _word(self._control, 4)
        lines = ["============== Control Registers =============="]
        lines.append(f"CTRL      := {self.ctrl:#010x}")
        lines.append(f"STS (PC)  := {status:#010x} ({status << 2 & 0xFFFFFFFF:#010x})")
        lines += [f"{name} := {_word(self._control, at):#010x}" for name, at in CONTROL.items()]
        lines.append("=============== Debug Registers ===============")
        if self.ctrl & CTRL_RUNSTATE:
            lines.append("PRU is executing, cannot print/access debug registers.")
        else:
            lines += [
                f"GPREG{n:<2} := {_word(self._debug, n * 4):#010x}\t"
                f"CT_REG{n:<2} := {_word(self._debug, CT_REG + n * 4):#010x}"
                for n in range(32)
            ]
        return ("\n".join(lines) + "\n").encode()


def create_debug_entries(where: Dir, registers: PruRegisters) -> None:
    """pru_rproc_create_debug_entries()."""
    where.add("regs", DebugfsFile(registers.show))

    def store(data: bytes) -> None:
        """EINVAL for what is no number."""
        try:
            value = int(data.decode("ascii").strip() or "x", 0)
        except ValueError as failure:
            raise error(errno.EINVAL) from failure
        registers.step(on=bool(value))

    where.add(
        "single_step",
        DebugfsFile(lambda: b"%d\n" % registers.single_step, store),
    )


def _word(memory: memoryview, at: int) -> int:
    """A register, 0 behind the memory."""
    return int.from_bytes(memory[at : at + 4], "little")
