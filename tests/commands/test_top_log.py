"""The kernel log of ``rprocfs top``: each look reads all of it, so long ones are rare."""

import pytest

from rprocfs.commands.top_keys import KernelLog


@pytest.fixture
def kmsg(tmp_path):
    (tmp_path / "dev").mkdir()
    path = tmp_path / "dev/kmsg"

    def record(number):
        path.write_text(f"6,{number},{number},-;line {number}\n")

    record(0)
    return record


class Clock:
    """The time, in seconds; *look* passes between the two questions of a look."""

    def __init__(self, look):
        self.now = 100.0
        self._look = look
        self._begun = False

    def __call__(self):
        self.now += self._look if self._begun else 0.0
        self._begun = not self._begun
        return self.now

    def too_early(self):
        """A look that ends at once asks only once."""
        self._begun = False


@pytest.mark.parametrize(("seconds", "pause"), [(0.1, 1.9), (2.0, 5.0)])
def test_a_look_takes_a_20th_of_the_time_or_comes_every_5_seconds(seconds, pause, kmsg, tmp_path):
    clock = Clock(seconds)
    log = KernelLog(tmp_path, clock)
    assert log.news() == ["[    0.000000] line 0"]
    kmsg(1)
    clock.now += pause - 0.01
    assert log.news() == []
    clock.too_early()
    clock.now += 0.02
    assert log.news() == ["[    0.000001] line 1"]


def test_looks_that_take_no_time_are_not_rare(kmsg, tmp_path):
    log = KernelLog(tmp_path, Clock(0.0))
    for number in range(5):
        kmsg(number)
        assert log.news() == [f"[    0.00000{number}] line {number}"]
