import pytest


@pytest.fixture
def crash(host):
    one = host("crash.elf")
    one.start_rpmsg()
    one.wait(lambda: one.services == {"rpmsg-crash": 1024})
    return one


def test_it_says_that_it_crashed_and_goes_on_for_ever(crash):
    crash.send(0x400, 1024, b"crash")
    crash.wait(lambda: 0xFF in crash.mailbox)
    crash.worker.stop()
    assert crash.deaths == []


def test_a_hang_with_interrupts_off_can_be_stopped(crash):
    crash.send(0x400, 1024, b"hang\n")
    crash.wait_trace("crash: hang")
    crash.worker.stop()
    assert crash.deaths == []


def test_an_unknown_command_is_answered(crash):
    assert crash.call(1024, b"unde") == b"unknown"
    assert crash.call(1024, b"") == b"unknown"
