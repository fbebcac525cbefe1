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


_UP = (State.RUNNING, State.CRASHED, State.ATTACHED)


def _each(states: tuple[State, ...], outcome: Action | int) -> dict[State, Action | int]:
    return dict.fromkeys(states, outcome)


#: What an event does in the states that are not named, then in those that are.
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

#: (state, event) -> what is done, or the errno of the refusal. Every pair is there.
TRANSITIONS: dict[tuple[State, Event], Action | int] = {
    (state, event): named.get(state, otherwise)
    for event, (otherwise, named) in _RULES.items()
    for state in State
}


def transition(state: State, event: Event) -> Action:
    """What *event* does in *state*; OSError where it is refused."""
    outcome = TRANSITIONS[state, event]
    if isinstance(outcome, int):
        raise OSError(outcome, f"{event.value} while {state}")
    return outcome
