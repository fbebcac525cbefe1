import errno

import pytest

from rprocfs.remoteproc.state import (
    TRANSITIONS,
    Action,
    Event,
    State,
    rproc_crash_to_string,
    transition,
)

UP = {State.RUNNING, State.CRASHED, State.ATTACHED}


def _outcome(state, event):
    try:
        return transition(state, event)
    except OSError as failure:
        return failure.errno


def test_every_pair_is_in_the_table():
    assert set(TRANSITIONS) == {(state, event) for state in State for event in Event}


@pytest.mark.parametrize("state", State)
def test_what_may_happen(state):
    outcomes = {event: _outcome(state, event) for event in Event}
    idle = ("crashed", "offline", "deleted")
    boot = {State.DETACHED: Action.ATTACH, State.DELETED: errno.ENODEV}
    assert outcomes == {
        Event.BOOT: Action.GET if state in UP else boot.get(state, Action.POWER_UP),
        Event.SHUTDOWN: Action.STOP if state in UP else errno.EINVAL,
        Event.DETACH: Action.DETACH if state == "attached" else errno.EINVAL,
        Event.CRASH: Action.NOTHING if state in idle else Action.CRASHED,
        Event.RECOVER: Action.RECOVER if state == "crashed" else Action.NOTHING,
        Event.SET_FIRMWARE: Action.SET if state == "offline" else errno.EBUSY,
    }


def test_crash_types():
    assert [rproc_crash_to_string(kind) for kind in range(4)] == [
        "mmufault", "watchdog", "fatal error", "unknown",
    ]  # fmt: skip
