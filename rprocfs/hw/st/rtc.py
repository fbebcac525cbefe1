"""The real-time clock (RM0436 chapter 46): the host's time in UTC. No alarm ever goes off."""

from __future__ import annotations

import time

from rprocfs.hw.peripherals import Words

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

TR, DR, SSR, ICSR, PRER, CR = 0x00, 0x04, 0x08, 0x0C, 0x10, 0x18
ALRAWF, ALRBWF, WUTWF, INITS, RSF, INITF, INIT = (1 << bit for bit in (0, 1, 2, 4, 5, 6, 7))
ALRAE, ALRBE, WUTE = 1 << 8, 1 << 9, 1 << 10
DAY, YEAR_2000 = 86400, 10957  # seconds; days since 1970


def _bcd(value: int) -> int:
    return value // 10 << 4 | value % 10


def _binary(value: int) -> int:
    return (value >> 4) * 10 + (value & 15)


def _days(year: int, month: int, day: int) -> int:
    """Since 2000-01-01."""
    early = month < 3
    year, month = (year - 1, month + 9) if early else (year, month - 3)
    return 365 * year + year // 4 - year // 100 + year // 400 + (153 * month + 2) // 5 + day + 59


class Rtc(Words):
    """*wall* is the time in seconds since 1970; what software sets is kept apart from it."""

    def __init__(self, wall: Callable[[], float] = time.time) -> None:
        super().__init__({PRER: 127 << 16 | 255})
        self._wall = wall
        self._ahead = 0.0
        self._set: dict[int, int] = {}  # TR and DR as written, until the initialisation ends

    def _now(self) -> float:
        return max(0.0, self._wall() + self._ahead)

    def _calendar(self, offset: int) -> int:
        moment = time.gmtime(self._now())
        if offset == TR:
            return _bcd(moment.tm_hour) << 16 | _bcd(moment.tm_min) << 8 | _bcd(moment.tm_sec)
        date = _bcd(moment.tm_year % 100) << 16 | (moment.tm_wday + 1) << 13
        return date | _bcd(moment.tm_mon) << 8 | _bcd(moment.tm_mday)

    def load(self, offset: int) -> int:
        """The word at *offset*."""
        if offset in (TR, DR):
            return self._set.get(offset, self._calendar(offset))
        if offset == SSR:
            parts = (self.words[PRER] & 0x7FFF) + 1
            return parts - 1 - int(self._now() % 1 * parts)
        if offset == ICSR:
            control, init = self.words.get(CR, 0), self.words.get(ICSR, 0) & INIT
            ready = RSF | INITS | (init | INITF if init else 0)
            for enabled, writable in ((ALRAE, ALRAWF), (ALRBE, ALRBWF), (WUTE, WUTWF)):
                ready |= 0 if control & enabled else writable
            return ready
        return super().load(offset)

    def store(self, offset: int, value: int) -> None:
        """Write the word at *offset*; the calendar only while it is initialised."""
        init = self.words.get(ICSR, 0) & INIT
        if offset in (TR, DR):
            if init:
                self._set[offset] = value
            return
        super().store(offset, value)
        if offset == ICSR and init and not value & INIT and self._set:
            self._start(self.load(TR), self.load(DR))
            self._set.clear()

    def _start(self, clock: int, date: int) -> None:
        days = _days(_binary(date >> 16 & 0xFF), _binary(date >> 8 & 0x1F), _binary(date & 0x3F))
        hours, minutes = _binary(clock >> 16 & 0x3F), _binary(clock >> 8 & 0x7F)
        hours += 12 if clock >> 22 & 1 else 0
        seconds = 3600 * hours + 60 * minutes + _binary(clock & 0x7F)
        self._ahead = (YEAR_2000 + days) * DAY + seconds - self._wall()
