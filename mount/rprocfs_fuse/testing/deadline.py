"""Waiting with an end: the one place in which the fixtures look again and again."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

#: Seconds between two looks.
TICK = 0.02
#: Seconds to wait unless the test says otherwise: for what is there at once on an idle machine.
TIMEOUT = 10.0


class RprocTimeout(AssertionError):
    """What a test waited for did not come; the text says what that was, and how long it waited."""


def wait_until(look: Callable[[], T | None], timeout: float, what: Callable[[], str]) -> T:
    """What *look* finds, once it is not None; it looks at least once. RprocTimeout, naming *what*.

    *timeout* is in seconds. *what* is called after that time only.
    """
    end = time.monotonic() + timeout
    while True:
        late = time.monotonic() >= end
        if (found := look()) is not None:
            return found
        if late:
            raise RprocTimeout(f"waited {timeout:g} s for {what()}")
        time.sleep(TICK)
