"""The system firmware as a core sees it: TISCI, the protocol of TI's system controllers.

Messages and flags are those of the protocol's documentation, which Linux's
drivers/firmware/ti_sci.h has, too. It answers for versions, devices and clocks, the part that
start-up code needs. Any other message is refused (NACK), and said once.

A device is on unless it was switched off. A clock may have any of 16 parents, which differ in
nothing, and any frequency that is asked of it; until then it has the one that boot loaders leave.
"""

from __future__ import annotations

import struct

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

VERSION, DM_VERSION, QUERY_FW_CAPS = 0x0002, 0x000F, 0x0022
SET_CLOCK, GET_CLOCK, SET_CLOCK_PARENT, GET_CLOCK_PARENT, GET_NUM_PARENTS = range(0x100, 0x105)
SET_FREQ, QUERY_FREQ, GET_FREQ = range(0x10C, 0x10F)
SET_DEVICE, GET_DEVICE, SET_RESETS = range(0x200, 0x203)
REQUEST_ACK = 3  # on received, on processed
ACK = 1 << 1
HEADER = struct.Struct("<HBBI")
#: What it says of itself.
DESCRIPTION, REVISION, ABI = b"rprocfs", 0x0009, (4, 0)
SW_OFF, SW_ON, HW_OFF, HW_ON = 0, 2, 0, 1
UNREQUESTED, AUTO, NOT_READY, READY = 0, 1, 0, 1
PARENTS = 16
NO_ID = 255  # the identifier is in the field of 32 bits

Clock = tuple[int, int]


class Tisci:
    """One host's view. *answer* gets each response, *info* takes lines for people.

    *rates* are the frequencies of clocks, by device and clock; *oscillator* that of others.
    """

    def __init__(
        self,
        answer: Callable[[bytes], None],
        info: Callable[[str], None],
        rates: Mapping[Clock, int],
        oscillator: int,
    ) -> None:
        self._answer, self._info = answer, info
        self._rates, self._oscillator = dict(rates), oscillator
        self._devices: dict[int, int] = {}
        self._resets: dict[int, int] = {}
        self._clocks: dict[Clock, int] = {}
        self._parents: dict[Clock, int] = {}
        self._refused: set[int] = set()
        self._calls: Mapping[int, Callable[[bytes], bytes | None]] = {
            VERSION: self._version, DM_VERSION: self._dm_version,
            QUERY_FW_CAPS: lambda _: struct.pack("<Q", 1),
            SET_CLOCK: self._set_clock, GET_CLOCK: self._get_clock,
            SET_CLOCK_PARENT: self._set_parent, GET_CLOCK_PARENT: self._get_parent,
            GET_NUM_PARENTS: lambda _: struct.pack("<BI", PARENTS, PARENTS),
            SET_FREQ: self._set_freq, QUERY_FREQ: self._query_freq, GET_FREQ: self._get_freq,
            SET_DEVICE: self._set_device, GET_DEVICE: self._get_device,
            SET_RESETS: self._set_resets,
        }  # fmt: skip

    def request(self, message: bytes) -> None:
        """A message of the host; the response follows at once, if one was asked for."""
        kind, host, sequence, flags = HEADER.unpack_from(message)
        call = self._calls.get(kind)
        body = None if call is None else call(message[HEADER.size :])
        if body is None and kind not in self._refused:
            self._refused.add(kind)
            self._info(f"TISCI: message {kind:#06x} is refused")
        if flags & REQUEST_ACK:
            answer = HEADER.pack(kind, host, sequence, 0 if body is None else ACK)
            self._answer(answer + (body or b""))

    def _version(self, _body: bytes) -> bytes:
        return struct.pack("<32sHBBBB", DESCRIPTION, REVISION, *ABI, 0, 0)

    def _dm_version(self, _body: bytes) -> bytes:
        """That of the device manager, struct ti_sci_msg_dm_resp_version."""
        return struct.pack("<H4B12s26s", REVISION, 0, 0, *ABI, DESCRIPTION, DESCRIPTION)

    # Devices.

    def _set_device(self, body: bytes) -> bytes | None:
        number, _, state = struct.unpack_from("<IIB", body)
        if state > SW_ON:
            return None
        self._devices[number] = state
        return b""

    def _get_device(self, body: bytes) -> bytes:
        (number,) = struct.unpack_from("<I", body)
        state = self._devices.get(number, SW_ON)
        current = HW_OFF if state == SW_OFF else HW_ON
        return struct.pack("<IIBB", 0, self._resets.get(number, 0), state, current)

    def _set_resets(self, body: bytes) -> bytes:
        number, resets = struct.unpack_from("<II", body)
        self._resets[number] = resets
        return b""

    # Clocks.

    @staticmethod
    def _clock(body: bytes, at: int = 4, wide: int = 5) -> Clock:
        """The device, and its clock at *at*, or at *wide* if there are too many."""
        device, clock = struct.unpack_from("<I", body)[0], body[at]
        return device, clock if clock != NO_ID else struct.unpack_from("<I", body, wide)[0]

    def _set_clock(self, body: bytes) -> bytes | None:
        if body[5] > AUTO + 1:
            return None
        self._clocks[self._clock(body, wide=6)] = body[5]
        return b""

    def _get_clock(self, body: bytes) -> bytes:
        state = self._clocks.get(self._clock(body), AUTO)
        return struct.pack("<BB", state, NOT_READY if state == UNREQUESTED else READY)

    def _set_parent(self, body: bytes) -> bytes | None:
        """Identifiers of parents follow that of the clock."""
        device, clock = self._clock(body, wide=6)
        parent = body[5] if body[5] != NO_ID else struct.unpack_from("<I", body, 10)[0]
        if not clock < parent <= clock + PARENTS:
            return None
        self._parents[device, clock] = parent
        return b""

    def _get_parent(self, body: bytes) -> bytes:
        device, clock = self._clock(body)
        parent = self._parents.get((device, clock), clock + 1)
        return struct.pack("<BI", min(parent, NO_ID), parent)

    def _rate(self, clock: Clock) -> int:
        return self._rates.get(clock, self._oscillator)

    def _get_freq(self, body: bytes) -> bytes:
        return struct.pack("<Q", self._rate(self._clock(body)))

    @staticmethod
    def _target(body: bytes) -> int | None:
        """The frequency asked for; None if its own limits exclude it."""
        low, target, high = struct.unpack_from("<3Q", body, 4)
        return int(target) if low <= target <= high else None

    def _query_freq(self, body: bytes) -> bytes | None:
        target = self._target(body)
        return None if target is None else struct.pack("<Q", target)

    def _set_freq(self, body: bytes) -> bytes | None:
        target = self._target(body)
        if target is None:
            return None
        self._rates[self._clock(body, at=28, wide=29)] = target
        return b""
