import pytest

from rprocfs.engines.worker import CrashType


@pytest.fixture
def crash(host):
    one = host("crash.elf")
    one.start_rpmsg()
    one.wait(lambda: one.services == {"rpmsg-crash": 1024})
    return one


MMU, FATAL = CrashType.MMUFAULT, CrashType.FATAL_ERROR
UNDEFINED = {
    "unicorn": "lockup: undefined instruction at 0x2100",
    "qemu": "lockup: can't escalate 3 to HardFault",
}
VECTORS = {
    "unicorn": "lockup: vector fetch",
    "qemu": "lockup: can't take terminal derived exception",
}


@pytest.mark.parametrize(
    ("command", "crash_type", "cfsr"),
    [
        (b"undef", FATAL, "0x10000"),
        (b"undef\n", FATAL, "0x10000"),
        (b"read", MMU, "0x8200"),
        (b"unmapped", MMU, "0x8200"),
        (b"write", MMU, "0x8200"),
        (b"jump", MMU, "0x100"),
        (b"jump-xn", MMU, "0x1"),
    ],
)
def test_a_fault_is_traced_reported_and_locks_up(crash, engine, command, crash_type, cfsr):
    crash.send(0x400, 1024, command)
    crash.wait(lambda: crash.deaths)
    (death,) = crash.deaths
    assert (death.kind, death.crash_type) == ("crash", crash_type)
    assert death.reason.startswith(UNDEFINED[engine])
    assert "pc=0x2100" in death.reason
    assert 0xFF in crash.mailbox
    assert f"fault: cfsr {cfsr}\n" in crash.trace
    assert "fault: hfsr 0x40000000\n" in crash.trace
    assert ("fault: bfar 0x30000000\n" in crash.trace) == (cfsr == "0x8200")


@pytest.mark.parametrize(
    ("command", "reasons"),
    [
        (b"lockup", UNDEFINED),
        (b"vectors", VECTORS),
        (b"reset", dict.fromkeys(UNDEFINED, "reset")),
    ],
)
def test_an_end_without_a_handler(crash, engine, command, reasons):
    crash.send(0x400, 1024, command)
    crash.wait(lambda: crash.deaths)
    (death,) = crash.deaths
    assert (death.kind, death.crash_type) == ("crash", FATAL)
    assert death.reason.startswith(reasons[engine])
    assert 0xFF not in crash.mailbox
    assert crash.trace.endswith(f"crash: {command.decode()}\n")


def test_it_says_that_it_crashed_and_goes_on_for_ever(crash):
    crash.send(0x400, 1024, b"crash")
    crash.wait(lambda: 0xFF in crash.mailbox)
    crash.worker.stop()
    assert crash.deaths == []


def test_a_hang_with_interrupts_off_can_be_stopped(crash):
    crash.send(0x400, 1024, b"hang")
    crash.wait_trace("crash: hang")
    crash.worker.stop()
    assert crash.deaths == []


def test_an_unknown_command_is_answered(crash):
    assert crash.call(1024, b"unde") == b"unknown"
    assert crash.call(1024, b"") == b"unknown"
