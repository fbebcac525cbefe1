"""What a core in Unicorn does between two slices."""

import pytest

from rprocfs.engines.unicorn.runner import Runner


class Mail:
    """Timers with mail that came in before the core slept, and wakes it once it does."""

    deadline = None

    def __init__(self):
        self.seen = False

    def poll(self):
        self.seen = True


class Sleeper(Runner):
    """A core that only sleeps."""

    pc = entry = 0
    _stepping = False
    begin = take_pending = before = after = waited = None

    def __init__(self, timers):
        self._timers = timers

    def wakes(self):
        return self._timers.seen

    def _look_around(self, seconds):
        pytest.fail(f"waits {seconds} s for what is there already")


def test_what_came_in_before_it_sleeps_wakes_a_core():
    mail = Mail()
    Sleeper(mail)._sleep()
    assert mail.seen
