"""The cache controller of the Cortex-M4 (LMEM, IMX8MMRM chapter "Local Memory Controller").

There is one memory, so that maintenance has nothing to do: it is done at once.
"""

from __future__ import annotations

from rprocfs.hw.registers import Peripheral, register

#: The registers of each cache: control, line control, search address, read and write value.
CCR, CLCR, CSAR, CCVR = range(4)
GO, WAYS = 1 << 31, 0xF << 24  # INVW0, PUSHW0, INVW1, PUSHW1
LGO = 1
CLEARED = (GO | WAYS, LGO, LGO, 0)


class Lmem(Peripheral):
    """GO and LGO, and what they were to do, are over when they are read."""

    def __init__(self) -> None:
        self._words = [0] * 8

    def _store(self, index: int, value: int) -> None:
        self._words[index] = value & ~CLEARED[index & 3]

    @register(0x000, count=4)
    def code(self, index: int) -> int:
        """PCCCR, PCCLCR, PCCSAR and PCCCVR: the cache of the code bus."""
        return self._words[index]

    @code.store
    def _(self, index: int, value: int) -> None:
        self._store(index, value)

    @register(0x800, count=4)
    def system(self, index: int) -> int:
        """PSCCR, PSCLCR, PSCSAR and PSCCVR: the cache of the system bus."""
        return self._words[4 + index]

    @system.store
    def _(self, index: int, value: int) -> None:
        self._store(4 + index, value)
