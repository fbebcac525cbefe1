"""The states of a processor and the one table of what may happen in them -- remoteproc_core.c."""

from __future__ import annotations

import errno
from enum import Enum, IntEnum, StrEnum


class State(StrEnum):
    """``enum rproc_state``: the text is what the ``state`` file reads."""

    OFFLINE = "offline"
    SUSPENDED = "suspended"
    RUNNING = "running"
    CRASHED = "crashed"
    DELETED = "deleted"
    ATTACHED = "attached"
    DETACHED = "detached"


class CrashType(IntEnum):
    """``enum rproc_crash_type``."""

    MMUFAULT = 0
    WATCHDOG = 1
    FATAL_ERROR = 2


def rproc_crash_to_string(kind: int) -> str:
    """The words of the log; ``unknown`` for a number that is no type."""
    words = {0: "mmufault", 1: "watchdog", 2: "fatal error"}
    return words.get(kind, "unknown")


class Event(Enum):
    """What may be asked of a processor."""

    BOOT = "boot"
    SHUTDOWN = "shutdown"
    DETACH = "detach"
    CRASH = "crash"
    RECOVER = "recover"
    SET_FIRMWARE = "set firmware"


class Action(Enum):
    """What is then done. *GET* and *PUT* count power references; the rest stands behind them."""

    POWER_UP = "boot the firmware, with the first reference"
    ATTACH = "attach, with the first reference"
    GET = "take a power reference"
    STOP = "drop a power reference; the last one stops"
    DETACH = "drop a power reference; the last one detaches"
    CRASHED = "note the crash, then recover unless that is disabled"
    RECOVER = "stop, dump, boot again (or attach again)"
    SET = "take the name"
    NOTHING = "succeed, change nothing"


_ALL = tuple(State)
_UP = (State.RUNNING, State.CRASHED, State.ATTACHED)

#: (state, event) -> what is done, or the errno of the refusal. Every pair is there.
TRANSITIONS: dict[tuple[State, Event], Action | int] = (
    {(state, Event.BOOT): Action.POWER_UP for state in _ALL}
    | {(state, Event.BOOT): Action.GET for state in _UP}
    | {
        (State.DETACHED, Event.BOOT): Action.ATTACH,
        (State.DELETED, Event.BOOT): errno.ENODEV,
    }
    | {(state, Event.SHUTDOWN): errno.EINVAL for state in _ALL}
    | {(state, Event.SHUTDOWN): Action.STOP for state in _UP}
    | {(state, Event.DETACH): errno.EINVAL for state in _ALL}
    | {(State.ATTACHED, Event.DETACH): Action.DETACH}
    | {(state, Event.CRASH): Action.CRASHED for state in _ALL}
    | {(state, Event.CRASH): Action.NOTHING for state in (State.CRASHED, State.OFFLINE)}
    | {(state, Event.RECOVER): Action.NOTHING for state in _ALL}
    | {(State.CRASHED, Event.RECOVER): Action.RECOVER}
    | {(state, Event.SET_FIRMWARE): errno.EBUSY for state in _ALL}
    | {(State.OFFLINE, Event.SET_FIRMWARE): Action.SET}
)


def transition(state: State, event: Event) -> Action:
    """What *event* does in *state*; OSError where it is refused."""
    outcome = TRANSITIONS[state, event]
    if isinstance(outcome, int):
        raise OSError(outcome, f"{event.value} while {state}")
    return outcome
