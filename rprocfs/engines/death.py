"""How a worker ended by itself, from what a process leaves: its status and its last words."""

from __future__ import annotations

import signal
from dataclasses import dataclass
from enum import StrEnum

#: The exit status of a worker whose firmware crashed.
CRASHED = 70


class CrashType(StrEnum):
    """``enum rproc_crash_type``, by the names that the kernel logs."""

    MMUFAULT = "mmufault"
    WATCHDOG = "watchdog"
    FATAL_ERROR = "fatal error"


@dataclass(frozen=True)
class Death:
    """The end of a worker.

    *kind* is ``exit`` (a clean end), ``crash`` (the firmware did something wrong; then
    *crash_type* says what), ``signal`` (the worker was killed) or ``failure`` (it is
    broken). *reason* is one line.
    """

    kind: str
    crash_type: CrashType | None
    reason: str


def signal_name(number: int) -> str:
    """``SIGSEGV`` ..., and ``signal 40`` of one that has no name."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def explain(status: int, stderr: str) -> Death:
    """What an exit *status* (a negative signal, as Popen has it) and *stderr* mean.

    On status :data:`CRASHED` the first line of *stderr* is the reason, the second one the
    :class:`CrashType`.
    """
    lines = stderr.splitlines() or [""]
    if status == 0:
        return Death("exit", None, "clean exit")
    if status == CRASHED:
        kind = lines[1] if len(lines) > 1 else ""
        known = CrashType(kind) if kind in set(CrashType) else CrashType.FATAL_ERROR
        return Death("crash", known, lines[0] or "crashed")
    if status < 0:
        return Death("signal", None, f"killed by {signal_name(-status)}")
    return Death("failure", None, lines[0] or f"exit status {status}")
