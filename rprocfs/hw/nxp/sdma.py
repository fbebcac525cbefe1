"""The smart DMA controller (IMX8MMRM chapter "SDMA"), by what its scripts in ROM do.

Its own processor is not there: a channel whose context begins at one of the :data:`SCRIPTS` does
what that script does, in no time. Channel 0 loads contexts and code; code that was loaded is kept,
and a channel that is to execute it stands still, which is said once.

A channel runs if it has a priority, and for each of host, event and DSP either a start or an
override. One that serves a peripheral moves as much as its watermark says whenever that asks.
"""

from __future__ import annotations

import struct

from rprocfs.hw.nxp.sdma_descriptor import DONE, ERROR, INTERRUPT, SIZE_OF_ONE, Descriptor
from rprocfs.hw.peripherals import Words

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from rprocfs.hw.dma import Master, Request

MC0PTR, INTR, STOP_STAT, HSTART, EVTOVR, DSPOVR, HOSTOVR, EVTPEND = range(0, 0x20, 4)
RESET, CONFIG, CHN0ADDR, EVT_MIRROR, EVT_MIRROR2 = 0x24, 0x38, 0x5C, 0x60, 0x64
CHNPRI, CHNENBL = 0x100, 0x200
CHANNELS, SIZE = 32, 0x2000
ALL = 0xFFFF_FFFF
GETDM, SETCTX, GETCTX, SETPM, GETPM = 2, 7, 3, 4, 6  # commands; all others set data memory
#: RAM by byte addresses: data addresses count words, code addresses halfwords.
RAM, RAM_SIZE, CONTEXTS = 0x2000, 0x2000, 0x2000
CONTEXT, CONTEXT_SIZE = struct.Struct("<10I"), 128
MEMORIES, FROM_PERIPHERAL, TO_PERIPHERAL, FROM_UART = range(4)
#: Scripts of the ROM, by the address at which they begin.
SCRIPTS = {
    644: MEMORIES, 685: FROM_PERIPHERAL, 749: TO_PERIPHERAL, 819: FROM_UART, 893: FROM_PERIPHERAL,
    962: TO_PERIPHERAL, 1034: FROM_UART,
}  # fmt: skip
CHARRDY = 0x80  # in the second byte of URXD
AT_ONCE = 256  # items or descriptors that a channel gets before others have their turn


class Sdma(Words):
    """A controller. *interrupt* is told its level, *master* is what it reaches.

    *requests* are the events of peripherals by their numbers; *debug* takes lines for the log.
    """

    def __init__(
        self,
        interrupt: Callable[[bool], None],
        master: Master,
        requests: Mapping[int, Request],
        debug: Callable[[str], None] = lambda line: None,
    ) -> None:
        super().__init__()
        self._interrupt, self._master = interrupt, master
        self._requests, self._debug = requests, debug
        self._unknown: set[int] = set()
        self._running = False
        self._power_on()

    def _power_on(self) -> None:
        self.words = {DSPOVR: ALL, CONFIG: 3, CHN0ADDR: 0x50}
        self._intr = self._host = self._pending = 0
        self._ram = bytearray(RAM_SIZE)
        self._open: dict[int, Descriptor] = {}  # of each channel, what it is at

    # Channels

    def _runs(self, channel: int) -> bool:
        bit, words = 1 << channel, self.words
        return bool(
            words.get(CHNPRI + 4 * channel, 0)
            and (self._host | words.get(HOSTOVR, 0)) & bit
            and words[DSPOVR] & bit
        )

    @property
    def waits(self) -> bool:
        """Whether a channel has something to do, or waits for a peripheral."""
        return bool(self._open)

    def run(self) -> int:
        """Let all channels do what they can; how many items were moved. Not from inside itself."""
        if self._running:
            return 0
        self._running = True
        try:
            return sum(self._serve(channel) for channel in range(CHANNELS) if self._runs(channel))
        finally:
            self._running = False
            self._interrupt(bool(self._intr))

    def _serve(self, channel: int) -> int:
        started = bool((self._pending | self.words.get(EVTOVR, 0)) >> channel & 1)
        if channel == 0:
            return self._boot() if started else 0
        pc, registers = self._context(channel)
        script = SCRIPTS.get(pc)
        if script is None:
            if started and pc not in self._unknown:
                self._unknown.add(pc)
                self._debug(f"SDMA: no model of the script at {pc}")
            return 0
        if script == MEMORIES:
            return self._copy(channel) if started else 0
        events = self._events(channel)
        if channel not in self._open and (started or any(one.asks() for one in events)):
            self._next(channel)
        self._pending &= ~(1 << channel)
        return self._exchange(channel, events, script, registers[6], registers[7] & 0xFFF)

    def _context(self, channel: int) -> tuple[int, tuple[int, ...]]:
        """Where its script begins, and R0 to R7."""
        pc, _, *registers = CONTEXT.unpack_from(self._ram, CONTEXTS - RAM + CONTEXT_SIZE * channel)
        return pc & 0x3FFF, tuple(registers)

    def _events(self, channel: int) -> list[Request]:
        return [
            request
            for number, request in self._requests.items()
            if self.words.get(CHNENBL + 4 * number, 0) >> channel & 1
        ]

    # Buffer descriptors

    def _control(self, channel: int) -> int:
        return self.words.get(MC0PTR, 0) + 16 * channel

    def _next(self, channel: int) -> Descriptor | None:
        """The descriptor that the channel is at, if it is the controller's."""
        where = self._master.load(self._control(channel), 4)
        address = int.from_bytes(where, "little") if where else 0
        data = self._master.load(address, SIZE_OF_ONE) if where else None
        found = None if data is None else Descriptor(address, data)
        if found is None or not found.status & DONE:
            self._open.pop(channel, None)
            return None
        self._open[channel] = found
        return found

    def _close(self, channel: int, one: Descriptor) -> Descriptor | None:
        """The descriptor is done; the one behind it, if the channel goes on with that."""
        one.status &= ~DONE
        self._master.store(one.address, one.word())
        self._open.pop(channel, None)
        if one.status & INTERRUPT:
            self._intr |= 1 << channel
        behind = (one.address + SIZE_OF_ONE).to_bytes(4, "little")
        if one.wraps:
            behind = self._master.load(self._control(channel) + 4, 4) or behind
        self._master.store(self._control(channel), behind)
        return self._next(channel) if one.goes_on else None

    def _stop(self, channel: int) -> None:
        """The script has ended: nobody's start is left."""
        self._host &= ~(1 << channel)
        self._pending &= ~(1 << channel)
        self._open.pop(channel, None)

    # Scripts

    def _boot(self) -> int:
        """Channel 0: contexts and code come and go."""
        moved, one = 0, self._next(0)
        while one is not None and moved < AT_ONCE:
            moved += 1
            if not self._load_or_dump(one):
                one.status |= ERROR
            one = self._close(0, one)
        if one is None:
            self._stop(0)
        return moved

    def _load_or_dump(self, one: Descriptor) -> bool:
        command, size = one.command & 7, 4 * one.count
        if command in (SETPM, GETPM):
            at, size = 2 * one.extended, 2 * one.count
            size = max(0, min(size, RAM + RAM_SIZE - at))
        elif command in (SETCTX, GETCTX):
            at = CONTEXTS + CONTEXT_SIZE * (one.command >> 3)
        else:
            at = 4 * one.extended
        at -= RAM
        if at < 0 or at + size > RAM_SIZE:
            return False
        if command in (GETDM, GETPM, GETCTX):
            return self._master.store(one.buffer, bytes(self._ram[at : at + size]))
        data = self._master.load(one.buffer, size)
        if data is not None:
            self._ram[at : at + size] = data
        return data is not None

    def _copy(self, channel: int) -> int:
        """Memory to memory, as long as there are descriptors."""
        moved, one = 0, self._next(channel)
        while one is not None and moved < AT_ONCE:
            moved += 1 + one.count // 4
            data = self._master.load(one.buffer, one.count)
            if data is None or not self._master.store(one.extended, data):
                one.status |= ERROR
            one = self._close(channel, one)
        if one is None:
            self._stop(channel)
        return moved

    def _exchange(
        self, channel: int, events: list[Request], script: int, peripheral: int, watermark: int
    ) -> int:
        """From or to the peripheral, while it asks."""
        for moved in range(AT_ONCE):
            one = self._open.get(channel)
            if one is None:
                return moved
            if script == FROM_UART and one.at and any(event.paused() for event in events):
                one.count = one.at  # nothing more comes for now
                self._ended(channel, one)
                for event in events:
                    event.done()
            elif any(event.asks() for event in events):
                self._burst(channel, script, peripheral, watermark)
            else:
                return moved
        return AT_ONCE

    def _burst(self, channel: int, script: int, peripheral: int, watermark: int) -> None:
        """As many bytes as the watermark says; of a UART's, which may be bad, each is looked at."""
        left = 1 if script == FROM_UART else max(1, watermark)
        while left > 0 and (one := self._open.get(channel)) is not None:
            left -= one.item
            memory = one.buffer + one.at
            if script == TO_PERIPHERAL:
                goes_on = self._send(memory, peripheral, one)
            else:
                goes_on = self._receive(memory, peripheral, one, script)
            one.at += one.item
            if not goes_on or one.at >= one.count:
                self._ended(channel, one)

    def _send(self, memory: int, peripheral: int, one: Descriptor) -> bool:
        data = self._master.load(memory, one.item)
        done = data is not None and self._master.store(peripheral, data.ljust(4, b"\0"))
        one.status |= 0 if done else ERROR
        return done

    def _receive(self, memory: int, peripheral: int, one: Descriptor, script: int) -> bool:
        """Whether that goes on: a UART that has nothing more ends its buffer, and that counts."""
        data = self._master.load(peripheral, 4)
        if data is None or not self._master.store(memory, data[: one.item]):
            one.status |= ERROR
            return False
        if script == FROM_UART and not data[1] & CHARRDY:
            one.count = one.at + one.item
            return False
        return True

    def _ended(self, channel: int, one: Descriptor) -> None:
        if self._close(channel, one) is None:
            self._stop(channel)

    # Registers

    def load(self, offset: int) -> int:
        """The word at *offset*."""
        if offset in (EVT_MIRROR, EVT_MIRROR2):
            first = 0 if offset == EVT_MIRROR else 32
            asking = (n for n, one in self._requests.items() if 0 <= n - first < 32 and one.asks())
            return sum(1 << number - first for number in asking)
        flags = {INTR: self._intr, STOP_STAT: self._host, HSTART: self._host}
        if offset == EVTPEND:
            return self._pending
        return flags[offset] if offset in flags else super().load(offset)

    def ones(self, offset: int) -> bool:
        """What ones clear and set."""
        return offset in (INTR, STOP_STAT, HSTART, EVTPEND, RESET)

    def store(self, offset: int, value: int) -> None:
        """Write the word at *offset*."""
        if offset == INTR:
            self._intr &= ~value
            self._interrupt(bool(self._intr))
        elif offset == STOP_STAT:
            self._host &= ~value
            for channel in [one for one in self._open if value >> one & 1]:
                del self._open[channel]
        elif offset == HSTART:
            self._host |= value
        elif offset == EVTPEND:
            self._pending |= value
        elif offset == RESET:
            if value & 1:
                self._power_on()
                self._interrupt(False)
        elif offset not in (EVT_MIRROR, EVT_MIRROR2):
            super().store(offset, value)
