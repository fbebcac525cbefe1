"""Arm semihosting, for firmware to end by; every other call does nothing."""

from __future__ import annotations

from rprocfs.arch.armv7m.stacks import BusError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

BKPT = b"\xab\xbe"  # bkpt 0xab
SYS_EXIT, SYS_EXIT_EXTENDED = 0x18, 0x20
APPLICATION_EXIT = 0x20026


class Exit(Exception):
    """The firmware ended, with a status."""


def call(number: int, argument: int, load: Callable[[int, int], Sequence[int]]) -> None:
    """What ``bkpt 0xab`` asks for; *load* (address, count) reads words. :class:`Exit`."""
    if number == SYS_EXIT:
        raise Exit(int(argument != APPLICATION_EXIT))
    if number == SYS_EXIT_EXTENDED:
        try:
            reason, status = load(argument, 2)
        except BusError:
            return
        raise Exit(status & 0xFF if reason == APPLICATION_EXIT else 1)
