"""The states of a processor and the table of their transitions -- remoteproc_core.c."""

from __future__ import annotations

import errno
from enum import Enum, IntEnum, StrEnum


class State(StrEnum):
    """``enum rproc_state``; each value is the text of the ``state`` file."""

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
    """The word used in the log; ``unknown`` for a number that is not a crash type."""
    words = {0: "mmufault", 1: "watchdog", 2: "fatal error"}
    return words.get(kind, "unknown")


class Event(Enum):
    """A request to a processor."""

    BOOT = "boot"
    SHUTDOWN = "shutdown"
    DETACH = "detach"
    CRASH = "crash"
    RECOVER = "recover"
    SET_FIRMWARE = "set firmware"


class Action(Enum):
    """The response to an event. *GET* and *PUT* only count power references."""

    POWER_UP = "boot the firmware, with the first reference"
    ATTACH = "attach, with the first reference"
    GET = "take a power reference"
    STOP = "drop a power reference; the last one stops"
    DETACH = "drop a power reference; the last one detaches"
    CRASHED = "note the crash, then recover unless that is disabled"
    RECOVER = "stop, dump, boot again (or attach again)"
    SET = "take the name"
    NOTHING = "succeed, change nothing"


_UP = (State.RUNNING, State.CRASHED, State.ATTACHED)


def _each(states: tuple[State, ...], outcome: Action | int) -> dict[State, Action | int]:
    return dict.fromkeys(states, outcome)


#: For each event, the action in all other states, then the action in the named ones.
_RULES: dict[Event, tuple[Action | int, dict[State, Action | int]]] = {
    Event.BOOT: (
        Action.POWER_UP,
        {**_each(_UP, Action.GET), State.DETACHED: Action.ATTACH, State.DELETED: errno.ENODEV},
    ),
    Event.SHUTDOWN: (errno.EINVAL, _each(_UP, Action.STOP)),
    Event.DETACH: (errno.EINVAL, {State.ATTACHED: Action.DETACH}),
    Event.CRASH: (
        Action.CRASHED,
        _each((State.CRASHED, State.OFFLINE, State.DELETED), Action.NOTHING),
    ),
    Event.RECOVER: (Action.NOTHING, {State.CRASHED: Action.RECOVER}),
    Event.SET_FIRMWARE: (errno.EBUSY, {State.OFFLINE: Action.SET}),
}

#: (state, event) -> the action, or the errno of the refusal. Every pair is present.
TRANSITIONS: dict[tuple[State, Event], Action | int] = {
    (state, event): named.get(state, otherwise)
    for event, (otherwise, named) in _RULES.items()
    for state in State
}


def transition(state: State, event: Event) -> Action:
    """Return the action of *event* in *state*; OSError if it is refused."""
    outcome = TRANSITIONS[state, event]
    if isinstance(outcome, int):
        raise OSError(outcome, f"{event.value} while {state}")
    return outcome
