"""The CAN controller (UG1085 chapter 20, UG1087 module CAN): in loopback it receives what it sends.

Nobody else is on the bus. What is sent in normal mode is not acknowledged, as on a board without
a cable: the frame stays, the error counter is at the limit of "error passive".
"""

from __future__ import annotations

from rprocfs.hw.peripherals import Words

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeAlias

    Frame: TypeAlias = "tuple[int, ...]"

SRR, MSR, BRPR, BTR, ECR, ESR, SR, ISR, IER, ICR, TCR, WIR = range(0x00, 0x30, 4)
TX_FIFO, TX_BUFFER, RX_FIFO, AFR, FILTERS = 0x30, 0x40, 0x50, 0x60, 0x64
WORDS, DEPTH = 4, 64  # of a frame, and of the FIFOs
RESET_BIT, ENABLE = 1, 2
#: MSR: sleep, loopback, snoop. SR.
SLEEP, LOOPBACK, SNOOP = 1, 2, 4
CONFIG, SR_LOOPBACK, SR_SLEEP, NORMAL, IDLE, ERRWRN = 1, 2, 4, 8, 16, 64
ESTAT_ACTIVE, ESTAT_PASSIVE, TXBFLL, TXFLL, SR_SNOOP = 1 << 7, 3 << 7, 1 << 9, 1 << 10, 1 << 12
#: ISR.
TXOK, I_TXFLL, I_TXBFLL, RXOK, RXUFLW, RXOFLW, RXNEMP, ERROR = (
    2, 4, 8, 0x10, 0x20, 0x40, 0x80, 0x100,
)  # fmt: skip
I_SLEEP, WAKE_UP, RXFWMFLL, TXFWMEMP, TXFEMP = 0x400, 0x800, 0x1000, 0x2000, 0x4000
INTERRUPTS, ACKER, PASSIVE = 0x7FFF, 0x10, 0x80
#: Flags that configuration mode clears.
CONFIGURED = 0xF53
RESET = {WIR: 0x3F3F}


class Can(Words):
    """One controller. *interrupt* is told its level."""

    def __init__(self, interrupt: Callable[[bool], None]) -> None:
        super().__init__()
        self._interrupt = interrupt
        self._reset()

    def _reset(self) -> None:
        self.words = dict(RESET)
        self._flags = TXFEMP | TXFWMEMP
        self._sent: list[Frame] = []
        self._urgent: list[Frame] = []  # of the high priority buffer
        self._received: list[Frame] = []
        self._frame: Frame = (0,) * WORDS  # that is being read

    # States

    @property
    def _enabled(self) -> bool:
        return bool(self.words.get(SRR, 0) & ENABLE)

    @property
    def _mode(self) -> int:
        return self.words.get(MSR, 0)

    @property
    def _lonely(self) -> bool:
        """Whether it sends what nobody acknowledges."""
        normal = self._enabled and not self._mode
        return normal and bool(self._sent or self._urgent)

    def _status(self) -> int:
        if not self._enabled:
            return CONFIG
        state = ESTAT_PASSIVE | ERRWRN if self._lonely else ESTAT_ACTIVE | IDLE
        state |= TXFLL if len(self._sent) >= DEPTH else 0
        state |= TXBFLL if self._urgent else 0
        if self._mode & LOOPBACK:
            return state | SR_LOOPBACK
        if self._mode & SLEEP:
            return state | SR_SLEEP
        return state | NORMAL | (SR_SNOOP if self._mode & SNOOP else 0)

    def _update(self) -> None:
        """Flags that are as long as what they say."""
        flags, full = self._flags, self.words[WIR] & 0x3F
        flags |= RXNEMP if self._received else 0
        flags |= RXFWMFLL if len(self._received) > full else 0
        flags |= I_TXFLL if len(self._sent) >= DEPTH else 0
        flags |= I_TXBFLL if self._urgent else 0
        flags |= TXFEMP if not self._sent else 0
        flags |= TXFWMEMP if DEPTH - len(self._sent) > self.words[WIR] >> 8 & 0x3F else 0
        self._flags = flags
        self._interrupt(bool(flags & self.words.get(IER, 0)))

    # Frames

    def _transmit(self) -> None:
        if not self._enabled or (self._mode & (SLEEP | SNOOP) and not self._mode & LOOPBACK):
            return
        if not self._mode & LOOPBACK:
            if self._lonely and not self.words.get(ESR, 0) & ACKER:
                self.words[ESR] = self.words.get(ESR, 0) | ACKER
                self._flags |= ERROR
            return
        frames = self._urgent + self._sent
        self._urgent, self._sent = [], []
        for frame in frames:
            self._flags |= TXOK
            self._receive(frame)

    def _receive(self, frame: Frame) -> None:
        if not self._accepts(frame[0]):
            return
        if len(self._received) >= DEPTH:
            self._flags |= RXOFLW
            return
        identifier, length, *data = frame
        self._received.append((identifier, length & 0xF000_0000, *data))
        self._flags |= RXOK

    def _accepts(self, identifier: int) -> bool:
        """By the acceptance filters in use; without one everything is accepted."""
        used = self.words.get(AFR, 0) & 0xF
        filters = [FILTERS + 8 * number for number in range(4) if used >> number & 1]
        return not used or any(
            not (identifier ^ self.words.get(at + 4, 0)) & self.words.get(at, 0) for at in filters
        )

    def _write(self, offset: int, value: int) -> None:
        """A word of a frame to send; the last one completes it."""
        self.words[offset] = value
        first = offset & ~0xF
        if offset - first < 4 * (WORDS - 1):
            return
        frame = tuple(self.words.get(first + 4 * index, 0) for index in range(WORDS))
        queue = self._sent if first == TX_FIFO else self._urgent
        if len(queue) < (DEPTH if first == TX_FIFO else 1):
            queue.append(frame)
        self._transmit()

    def _read(self, index: int) -> int:
        """A word of a frame that came in; the first one takes it."""
        if index == 0:
            if not self._received:
                self._flags |= RXUFLW
            self._frame = self._received.pop(0) if self._received else (0,) * WORDS
            self._update()
        return self._frame[index]

    # Registers

    def load(self, offset: int) -> int:
        """The word at *offset*."""
        if RX_FIFO <= offset < AFR:
            return self._read((offset - RX_FIFO) // 4)
        if TX_FIFO <= offset < RX_FIFO:
            return 0
        known = {
            SR: self._status(), ISR: self._flags, ICR: 0, ECR: PASSIVE if self._lonely else 0,
        }  # fmt: skip
        return known.get(offset, super().load(offset))

    def ones(self, offset: int) -> bool:
        """Whether the register acts on what is written."""
        return offset in (ESR, ICR)

    def store(self, offset: int, value: int) -> None:
        """Write the word at *offset*."""
        if offset == SRR:
            self._control(value)
        elif offset == MSR:
            self._select(value)
        elif offset == ICR:
            self._flags &= ~value
        elif offset == ESR:
            self.words[ESR] = self.words.get(ESR, 0) & ~value
        elif TX_FIFO <= offset < RX_FIFO:
            self._write(offset, value)
        elif offset == IER:
            self.words[IER] = value & INTERRUPTS
        elif (
            offset not in (SR, ISR, ECR) and not RX_FIFO <= offset < AFR and not self._used(offset)
        ):
            super().store(offset, value)
        self._update()

    def _used(self, offset: int) -> bool:
        """Whether it cannot be changed: the bit rate while that is enabled, a filter in use."""
        if offset in (BRPR, BTR):
            return self._enabled
        filters = FILTERS <= offset < FILTERS + 32
        return filters and bool(self.words.get(AFR, 0) >> (offset - FILTERS) // 8 & 1)

    def _control(self, value: int) -> None:
        if value & RESET_BIT:
            self._reset()
            return
        self.words[SRR] = value & ENABLE
        if not value & ENABLE:
            self.words[ESR] = 0
            self._flags &= ~CONFIGURED
        self._transmit()

    def _select(self, value: int) -> None:
        """Only sleep can be changed while it is enabled."""
        before, mask = self._mode, SLEEP if self._enabled else SLEEP | LOOPBACK | SNOOP
        self.words[MSR] = before & ~mask | value & mask
        changed = before ^ self._mode
        if self._enabled and changed & SLEEP:
            self._flags |= I_SLEEP if value & SLEEP else WAKE_UP
        self._transmit()
