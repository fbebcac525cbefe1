"""The registers of an Armv7-M core in Unicorn, as the exception model needs them.

Unicorn has no NVIC, so it neither takes exceptions nor returns from them; it does know
Handler mode, the two stack pointers, the mask registers and CONTROL.FPCA. What needs
care is written down here:

- IPSR decides which stack pointer SP is, and whether the core is privileged. Reading
  or writing a mask register or a stack pointer by its name is refused, silently, while
  the core is unprivileged; so is CONTROL, and CONTROL.SPSEL in Handler mode.
- The flags that translated code depends on, Handler mode among them, are only worked
  out anew by a write to APSR_NZCV, which therefore comes last.
"""

from __future__ import annotations

from contextlib import contextmanager

from rprocfs.arch.armv7m.conditions import ITSTATE_MASK, to_xpsr
from rprocfs.arch.armv7m.cpu import FPCA, IPSR_MASK, NPRIV, SPSEL, THUMB
from rprocfs.engines.unicorn import libunicorn
from rprocfs.engines.unicorn.libunicorn import RegisterSet, Unicorn

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

#: The system registers, in the order of :data:`rprocfs.arch.armv7m.features.SYSTEM`.
SYSTEM = (
    libunicorn.MSP, libunicorn.PSP, libunicorn.PRIMASK, libunicorn.BASEPRI,
    libunicorn.FAULTMASK, libunicorn.CONTROL,
)  # fmt: skip
_SWAPPED = {libunicorn.MSP: libunicorn.PSP, libunicorn.PSP: libunicorn.MSP}
FLAGS = 0xF80F_0000  # N Z C V Q GE, as opposed to IT, T and the exception number


class Cpu:
    """The core's registers. Valid between two runs, and in hooks."""

    def __init__(self, unicorn: Unicorn) -> None:
        lib = libunicorn
        self._uc = unicorn
        low = (*lib.GENERAL[:4], lib.R12, lib.LR, lib.PC, lib.XPSR)
        self._vector = RegisterSet(unicorn, (lib.LR, lib.PC, lib.XPSR, lib.APSR_G, lib.APSR_NZCV))
        self._status = RegisterSet(unicorn, (lib.XPSR, lib.APSR_G, lib.APSR_NZCV))
        masks = (lib.PRIMASK, lib.BASEPRI, lib.FAULTMASK)
        self._masks = RegisterSet(unicorn, (lib.CONTROL, lib.XPSR, *masks))
        self._entry = RegisterSet(unicorn, (*low, lib.SP, lib.CONTROL))
        self._mode = RegisterSet(unicorn, (lib.CONTROL, lib.XPSR))
        handler = (lib.XPSR, lib.CONTROL, lib.FAULTMASK, lib.MSP, lib.PSP)
        self._handler = RegisterSet(unicorn, handler)
        # Registers are written in this order, some of them several times.
        select, flags = (lib.CONTROL, lib.IPSR, lib.CONTROL), (lib.APSR_G, lib.APSR_NZCV)
        to = (lib.IPSR, lib.CONTROL, lib.LR, lib.PC, lib.XPSR, *flags)
        self._enter_main = RegisterSet(unicorn, (lib.SP, *to))
        self._enter_process = RegisterSet(unicorn, (lib.SP, lib.IPSR, *select, *to))
        self._to_thread = RegisterSet(unicorn, (*select, lib.SP, lib.CONTROL, *low, *flags))
        self._to_handler = RegisterSet(unicorn, (lib.CONTROL, lib.SP, *low, *flags))
        self._fp = RegisterSet(unicorn, (*range(lib.S0, lib.S0 + 16), lib.FPSCR))

    @property
    def pc(self) -> int:
        """The address of the next instruction, without the Thumb bit."""
        return self._uc.read(libunicorn.PC)

    @pc.setter
    def pc(self, value: int) -> None:
        self._uc.write(libunicorn.PC, value | 1)

    def divert(self) -> None:
        """In a hook of translated code: have the core go on at the PC that it was given.

        Of several registers that are written at once, Unicorn takes the PC back there.
        """
        self._uc.write(libunicorn.PC, self.pc | 1)

    @property
    def sp(self) -> int:
        """The stack pointer in use."""
        return self._uc.read(libunicorn.SP)

    @sp.setter
    def sp(self, value: int) -> None:
        self._uc.write(libunicorn.SP, value)

    @property
    def process_stack(self) -> int:
        """PSP in a handler, else 0."""
        return self.psp if self.xpsr & IPSR_MASK else 0

    @property
    def psp(self) -> int:
        """PSP, in Handler mode."""
        return self._uc.read(libunicorn.PSP)

    @property
    def lr(self) -> int:
        """The link register."""
        return self._uc.read(libunicorn.LR)

    @property
    def xpsr(self) -> int:
        """Flags, IT state, Thumb state and exception number."""
        return self._uc.read(libunicorn.XPSR)

    def set_itstate(self, state: int) -> None:
        """Make the next instruction one of an IT block; 0: of none."""
        self.set_xpsr(self.xpsr & ~ITSTATE_MASK | to_xpsr(state))

    def set_xpsr(self, xpsr: int) -> None:
        """Set all of it."""
        self._status.write((xpsr, xpsr, xpsr))

    @property
    def control(self) -> int:
        """CONTROL: nPRIV, SPSEL, FPCA."""
        return self._uc.read(libunicorn.CONTROL)

    @property
    def thumb(self) -> bool:
        """EPSR.T: anything else than Thumb state cannot execute."""
        return bool(self.xpsr & THUMB)

    @property
    def unprivileged(self) -> bool:
        """Whether the core runs unprivileged."""
        return bool(self.control & NPRIV) and not self.xpsr & IPSR_MASK

    def register(self, number: int) -> int:
        """A general register, R0 to R15, by its number in an instruction."""
        return self._uc.read(libunicorn.GENERAL[number])

    def registers(self) -> tuple[int, ...]:
        """R0 to R15 and xPSR."""
        return (*map(self.register, range(16)), self.xpsr)

    def system(self) -> tuple[int, ...]:
        """The system registers, those of :data:`SYSTEM`."""
        return tuple(map(self.banked, SYSTEM))

    def banked(self, register: int) -> int:
        """A register of :data:`SYSTEM`, also where the core is unprivileged."""
        with self._privileged(register) as visible:
            return self._uc.read(visible)

    def set_banked(self, register: int, value: int) -> None:
        """Set one; CONTROL.SPSEL does not change in Handler mode."""
        with self._privileged(register) as visible:
            self._uc.write(visible, value)

    @contextmanager
    def _privileged(self, register: int) -> Iterator[int]:
        """Handler mode for an unprivileged core; there PSP has changed places with MSP."""
        thread = self.unprivileged
        if thread and self.control & SPSEL:
            register = _SWAPPED.get(register, register)
        if thread:
            self._uc.write(libunicorn.IPSR, 1)
        yield register
        if thread:
            self._uc.write(libunicorn.IPSR, 0)

    def masks(self) -> tuple[int, int, int]:
        """PRIMASK, BASEPRI and FAULTMASK."""
        control, xpsr, primask, basepri, faultmask = self._masks.read()
        if control & NPRIV and not xpsr & IPSR_MASK:
            self._uc.write(libunicorn.IPSR, 1)
            _, _, primask, basepri, faultmask = self._masks.read()
            self._uc.write(libunicorn.IPSR, 0)
        return primask, basepri, faultmask

    def handler(self) -> tuple[int, int, int, int, int]:
        """In Handler mode: xPSR, CONTROL, FAULTMASK, MSP and PSP."""
        xpsr, control, faultmask, msp, psp = self._handler.read()
        return xpsr, control, faultmask, msp, psp

    def clear_faultmask(self) -> None:
        """FAULTMASK = 0, in Handler mode."""
        self._uc.write(libunicorn.FAULTMASK, 0)

    def frame(self) -> tuple[list[int], int, int]:
        """R0-R3, R12, LR, PC, xPSR: what an exception puts on the stack; SP and CONTROL."""
        *frame, sp, control = self._entry.read()
        return frame, sp, control

    def fp_frame(self) -> list[int]:
        """S0-S15 and FPSCR."""
        return self._fp.read()

    def load_fp(self, values: list[int]) -> None:
        """Set S0-S15 and FPSCR."""
        self._fp.write(values)

    def reset(self, sp: int, pc: int) -> None:
        """Start at *pc* in Thread mode with *sp* as the main stack pointer."""
        self.sp = sp & ~3
        self._vector.write((0xFFFF_FFFF, pc, (pc & 1) * THUMB, 0, 0))

    def enter_handler(
        self, number: int, lr: int, pc: int, kept: int = 0, sp: int | None = None,
        mode: tuple[int, int] | None = None,
    ) -> None:  # fmt: skip
        """Go on at *pc*, in Handler mode for exception *number*, on the main stack.

        CONTROL.FPCA is cleared, unless it is *kept*. *sp* is what becomes of the stack pointer
        that was in use, *mode* CONTROL and xPSR, if they are known.
        """
        control, xpsr = mode or self._mode.read()
        if sp is None:
            sp = self.sp
        xpsr = xpsr & FLAGS | number | (pc & 1) * THUMB
        new = control & (NPRIV | kept), lr, pc, xpsr, xpsr, xpsr
        if control & SPSEL:  # from privileged Thread mode only: CONTROL 0, IPSR 0, CONTROL 0
            self._enter_process.write((sp, number, 0, 0, 0, number, *new))
        else:
            self._enter_main.write((sp, number, *new))

    def enter_thread(self, sp: int, control: int, frame: list[int]) -> None:
        """Go on in Thread mode with *frame*, at *sp* on the stack that *control* selects."""
        privileged = control & ~NPRIV
        select = control & FPCA, 0, privileged  # while it is still allowed
        self._to_thread.write((*select, sp, control, *_resumed(frame)))

    def back_to_handler(self, sp: int, control: int, frame: list[int]) -> None:
        """Go on in Handler mode with *frame*; *control* without SPSEL."""
        self._to_handler.write((control, sp, *_resumed(frame)))


def _resumed(frame: list[int]) -> tuple[int, ...]:
    xpsr = frame[7]
    return (*frame[:6], frame[6] & ~1, xpsr, xpsr, xpsr)
