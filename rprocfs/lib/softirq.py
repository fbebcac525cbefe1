"""What an interrupt leaves to be done at its end, by the same thread -- kernel/softirq.c.

A thread that takes doorbells or requests calls :func:`enter` when it begins, and :func:`run`
whenever it holds no lock: after each doorbell, after each reply. What others
:func:`schedule` on it meanwhile is done then. So a message that a reader waits for is handed to
it by the thread that took the doorbell, and no other thread has to be woken.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

logger = logging.getLogger(__name__)

Action = Callable[[], object]


class _Thread(threading.local):
    pending: list[Action] | None = None


_THREAD = _Thread()


def enter() -> list[Action]:
    """This thread will call :func:`run` from now on, with what is returned here."""
    pending: list[Action] = []
    _THREAD.pending = pending
    return pending


def schedule(action: Action) -> bool:
    """``raise_softirq``: *action* at the end of what this thread does; False if it has none."""
    pending = _THREAD.pending
    if pending is None:
        return False
    pending.append(action)
    return True


def run(pending: list[Action]) -> None:
    """``do_softirq``: what was scheduled, and what that schedules. What it raises is logged."""
    while pending:
        actions = pending[:]
        pending.clear()
        for action in actions:
            try:
                action()
            except Exception:
                logger.exception("%r failed", action)
