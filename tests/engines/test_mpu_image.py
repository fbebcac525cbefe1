"""Threads behind an MPU, as Zephyr and FreeRTOS have them: see scripts/firmware/mpu.c."""

from tests.engines.differential import ENGINES
from tests.engines.host import SELFTESTS, Host
from tests.engines.installed import NEEDS_QEMU

MSTKERR, DACCVIOL, IACCVIOL, MMARVALID = 0x10, 2, 1, 0x80
PRECISERR, BFARVALID, UNALIGNED = 0x200, 0x8000, 1 << 24
GUARD = range(32)


def lines(engine):
    """CFSR, HFSR, address from the stack on, PC and result of each thread; the secret."""
    with Host(SELFTESTS / "mpu.elf", core="cortex-m4", engine=ENGINES[engine]()) as host:
        host.wait(lambda: b"!" in host.worker.console or host.deaths)
        host.worker.send_console(b"s")
        host.wait(lambda: b"." in host.worker.console or host.deaths)
        assert host.deaths == []
        text = host.worker.console.decode().strip("!.")
    return [[int(word, 16) for word in line.split()] for line in text.splitlines()]


def test_what_each_thread_may_not_do():
    *threads, secret = lines("unicorn")
    counts, counts_too, overflows, overflows_too, writes, executes, configures, unaligned = threads
    assert counts[:4] == counts_too[:4] == [0, 0, 0, 0]
    assert counts[4] == counts_too[4] == sum(range(2000))
    for cfsr, hfsr, address, _, result in (overflows, overflows_too):
        assert cfsr == MSTKERR | DACCVIOL | MMARVALID  # there was no room for a frame either
        assert (hfsr, result) == (0, 0)
        assert address in GUARD
    assert writes[0] == DACCVIOL | MMARVALID
    assert (executes[0], executes[4]) == (IACCVIOL, 1)
    assert configures[0] == PRECISERR | BFARVALID
    assert (unaligned[0], unaligned[4]) == (UNALIGNED, 0)
    assert secret == [0]


@NEEDS_QEMU
def test_as_qemu():
    assert lines("unicorn") == lines("qemu")
