"""The control module of the MCU domain of K3 processors (SPRUIV7 "MCU_CTRL_MMR0").

Its registers read what was written, as long as their partition is not locked. A boot loader has
unlocked all of them. One register resets.
"""

from __future__ import annotations

from rprocfs.hw.peripherals import Words

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

SIZE, PARTITION = 0x2_0000, 0x4000
KICK0, KICK1 = 0x1008, 0x100C
KEYS = (0x68EF_3490, 0xD172_BC5A)
RST_CTRL = 0x1_8170
#: SW_MAIN_WARMRST, SW_MAIN_POR and SW_MCU_WARMRST, by their lowest bits, as they are at rest.
RESETS, AT_REST, REQUEST = (0, 4, 8), 0xFFF, 6


class McuCtrl(Words):
    """*reset* is called if the processor is to be reset."""

    def __init__(self, reset: Callable[[], None]) -> None:
        super().__init__({RST_CTRL: AT_REST})
        self._reset = reset
        self._kicks: dict[int, list[int]] = {}  # by partition, as they were written last

    def _unlocked(self, partition: int) -> bool:
        return tuple(self._kicks.get(partition, KEYS)) == KEYS

    def load(self, offset: int) -> int:
        """The word at *offset*; KICK0 says whether its partition is unlocked."""
        partition, at = divmod(offset, PARTITION)
        return int(self._unlocked(partition)) if at == KICK0 else super().load(offset)

    def ones(self, offset: int) -> bool:
        """A key is written as a whole."""
        return offset % PARTITION in (KICK0, KICK1)

    def store(self, offset: int, value: int) -> None:
        """Write the word at *offset*."""
        partition, at = divmod(offset, PARTITION)
        if at in (KICK0, KICK1):
            self._kicks.setdefault(partition, list(KEYS))[at == KICK1] = value
        elif not self._unlocked(partition):
            return
        elif offset == RST_CTRL:
            self.words[RST_CTRL] = value | AT_REST
            if any(value >> lowest & 0xF == REQUEST for lowest in RESETS):
                self._reset()
        else:
            super().store(offset, value)
