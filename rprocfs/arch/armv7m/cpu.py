"""The registers that the exception model works on, whatever executes the instructions."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:  # typing takes 10 ms of a worker's start
    from typing import Protocol
else:
    Protocol = object

#: CONTROL.
NPRIV, SPSEL, FPCA = 1, 2, 4
#: xPSR: the exception number, and Thumb state.
IPSR_MASK, THUMB = 0x1FF, 1 << 24


class Cpu(Protocol):
    """The core's registers (Armv7-M ARM B1.4). An engine implements them.

    Values are unsigned 32 bit words. *msp* and *psp* are valid in Handler mode.
    """

    pc: int
    sp: int

    @property
    def xpsr(self) -> int:
        """Flags, IT state, Thumb state and exception number."""

    @property
    def control(self) -> int:
        """CONTROL: nPRIV, SPSEL, FPCA."""

    @property
    def thumb(self) -> bool:
        """EPSR.T: a core that is not in Thumb state cannot execute."""

    def masks(self) -> tuple[int, int, int]:
        """PRIMASK, BASEPRI and FAULTMASK."""

    def handler(self) -> tuple[int, int, int, int, int]:
        """In Handler mode: xPSR, CONTROL, FAULTMASK, MSP and PSP."""

    def clear_faultmask(self) -> None:
        """FAULTMASK = 0, in Handler mode."""

    def frame(self) -> tuple[list[int], int, int]:
        """R0-R3, R12, LR, PC, xPSR: what an exception puts on the stack; SP and CONTROL."""

    def fp_frame(self) -> list[int]:
        """S0-S15 and FPSCR."""

    def load_fp(self, values: list[int]) -> None:
        """Set S0-S15 and FPSCR."""

    def reset(self, sp: int, pc: int) -> None:
        """Start at *pc* in Thread mode with *sp* as the main stack pointer."""

    def enter_handler(
        self, number: int, lr: int, pc: int, kept: int = 0, sp: int | None = None,
        mode: tuple[int, int] | None = None,
    ) -> None:  # fmt: skip
        """Go on at *pc*, in Handler mode for exception *number*, on the main stack.

        CONTROL.FPCA is cleared, unless it is *kept*. *sp* is what becomes of the stack pointer
        that was in use, *mode* CONTROL and xPSR, if they are known.
        """

    def enter_thread(self, sp: int, control: int, frame: list[int]) -> None:
        """Go on in Thread mode with *frame*, at *sp* on the stack that *control* selects."""

    def back_to_handler(self, sp: int, control: int, frame: list[int]) -> None:
        """Go on in Handler mode with *frame*; *control* without SPSEL."""
