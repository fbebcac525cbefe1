import json
import os
import signal
import struct
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from rprocfs.arch.core import Boot
from rprocfs.engines.death import CrashType, Death
from rprocfs.engines.memory import SharedRam
from rprocfs.engines.qemu.engine import QemuEngine
from rprocfs.soc.vsoc import VSOC1
from tests.engines.host import IMAGES, ROOT, SAFETY, Host
from tests.engines.installed import NEEDS_QEMU
from tests.engines.test_worker import CONSOLE, MAILBOX, Program, cpu_seconds, flood, running

pytestmark = NEEDS_QEMU
SHUTDOWN = 0xF0


@pytest.fixture
def qemu(host):
    return lambda image, **options: host(image, engine=QemuEngine(), **options)


# ldr r0, mailbox; ldr r3, count; 1: subs r3, #1; bne 1b; movs r1, #3; str r1, [r0, #8];
# 2: ldr r2, [r0, #4]; lsrs r2, #2; bcc 2b; ldr r2, [r0]; str r2, [r0]; b 2b
LATE = struct.pack(
    "<12H", 0x4805, 0x4B06, 0x3B01, 0xD1FD, 0x2103, 0x6081,
    0x6842, 0x0892, 0xD3FC, 0x6802, 0x6002, 0xE7F9,
)  # fmt: skip


@pytest.mark.parametrize("count", [1, 1_000_000, 50_000_000])
@pytest.mark.parametrize("delay", [0, 0.01, 0.02])
def test_a_byte_that_comes_before_the_firmware_listens_is_not_lost(tmp_path, count, delay):
    """QEMU looks at it once, finds that the UART does not receive, and sleeps.

    The firmware uses no timer, which would wake QEMU.
    """
    engine = QemuEngine()
    for _ in range(4):
        code = LATE + struct.pack("<2I", MAILBOX, count)
        with Program(tmp_path, code, engine=engine) as one:
            time.sleep(delay)
            one.worker.send(SHUTDOWN)
            one.wait(lambda one=one: SHUTDOWN in one.mailbox)


def test_a_full_mailbox_does_not_block(qemu):
    """The firmware hangs: nobody reads."""
    one = qemu("crash.elf")
    one.start_rpmsg()
    one.wait(lambda: one.services)
    one.send(0x400, 1024, b"hang")
    one.wait_trace("crash: hang")
    before = time.monotonic()
    for _ in range(5000):
        one.worker.send(1)
    one.worker.stop()
    assert time.monotonic() - before < SAFETY


# ldr r0, uart; 1: ldr r1, [r0, #64]; b 1b -- a register that is not there: a guest error each
COMPLAIN = struct.pack("<6HI", 0x4802, 0x6C01, 0xE7FD, 0xBF00, 0xBF00, 0xBF00, CONSOLE)


@pytest.mark.parametrize(
    "code", [flood(MAILBOX), flood(CONSOLE), COMPLAIN], ids=["mailbox", "console", "errors"]
)
def test_a_flood_starves_nobody(tmp_path, code):
    engine = QemuEngine()
    with (
        Program(tmp_path, code, engine=engine) as noisy,
        Host(IMAGES / "echo.elf", engine=engine) as quiet,
    ):
        quiet.start_rpmsg()
        quiet.wait(lambda: len(quiet.services) == 2)
        for number in range(20):
            assert quiet.call(1024, b"%d" % number) == b"%d" % number
        assert noisy.deaths == []
        quiet.wait(lambda: noisy.mailbox or noisy.worker.console or noisy.worker._stderr_kept)


def test_an_idle_processor_costs_next_to_nothing(qemu):
    one = qemu("trace.elf")
    one.wait_trace("tick 0x1\n")
    before = cpu_seconds(one.worker.pid)
    time.sleep(1)
    assert cpu_seconds(one.worker.pid) - before < 0.2


def test_it_is_sandboxed(qemu):
    one = qemu("echo.elf")
    one.start_rpmsg()
    one.wait(lambda: one.services)
    status = Path(f"/proc/{one.worker.pid}/status").read_text()
    assert "Seccomp:\t2" in status
    assert "NoNewPrivs:\t1" in status


def test_sixteen_at_once():
    engine = QemuEngine()
    hosts = [Host(IMAGES / "echo.elf", engine=engine) for _ in range(16)]
    try:
        for one in hosts:
            one.start_rpmsg()
        for number, one in enumerate(hosts):
            one.wait(lambda one=one: len(one.services) == 2)
            assert one.call(1024, b"%d" % number) == b"%d" % number
    finally:
        for one in hosts:
            one.__exit__()


def test_it_does_not_survive_its_parent():
    parent = textwrap.dedent(f"""
        import sys, time
        sys.path.insert(0, {str(ROOT)!r})
        from rprocfs.engines.qemu.engine import QemuEngine
        from tests.engines.host import IMAGES, Host
        hosts = [Host(IMAGES / "echo.elf", engine=QemuEngine()) for _ in range(3)]
        hosts[0].start_rpmsg()
        hosts[0].wait(lambda: hosts[0].services)
        print(*(host.worker.pid for host in hosts), flush=True)
        time.sleep(60)
    """)
    process = subprocess.Popen([sys.executable, "-c", parent], stdout=subprocess.PIPE, text=True)
    with process:
        pids = [int(pid) for pid in process.stdout.readline().split()]
        assert len(pids) == 3
        process.kill()
    end = time.monotonic() + SAFETY
    while any(running(pid) for pid in pids):
        assert time.monotonic() < end
        time.sleep(0.01)


def test_it_does_not_start_without_its_parent():
    """Killed in between, the parent cannot be waited for any more."""
    fds = dict.fromkeys(("ram", "doorbell", "console", "control"), 0)
    command = QemuEngine().command(VSOC1, Boot("cortex-m3", VSOC1.ram.da), fds)
    *guard, _ = command[: command.index(str(os.getpid())) + 1]
    done = subprocess.run([*guard, "1", "/bin/echo", "started"], capture_output=True, check=False)
    assert (done.returncode, done.stdout) == (71, b"")
    done = subprocess.run(
        [*guard, str(os.getpid()), "/bin/echo", "it"], capture_output=True, check=True
    )
    assert done.stdout == b"it\n"


def test_a_killed_qemu(qemu):
    one = qemu("echo.elf")
    os.kill(one.worker.pid, signal.SIGKILL)
    one.wait(lambda: one.deaths)
    assert one.deaths == [Death("signal", None, "killed by SIGKILL")]


def test_a_qemu_that_ends(qemu):
    one = qemu("echo.elf")
    one.worker._control.send(json.dumps({"execute": "quit"}).encode())
    one.wait(lambda: one.deaths)
    assert one.deaths == [Death("exit", None, "clean exit: host-qmp-quit")]


def test_a_qemu_that_is_refused():
    class Wrong(QemuEngine):
        def command(self, *args):
            return [*super().command(*args), "-machine-gun"]

    with Host(IMAGES / "echo.elf", engine=Wrong()) as one:
        one.wait(lambda: one.deaths)
        assert one.deaths[0].kind == "failure"
        assert "-machine-gun" in one.deaths[0].reason


LOCKUP = """Invalid read at addr 0x30000000, size 4, region '(null)', reason: rejected
qemu: fatal: Lockup: can't escalate 3 to HardFault (current priority -1)

R00=00000000 R01=00000000 R02=00000000 R03=00000000
R04=00000000 R05=00000000 R06=00000000 R07=00000000
R08=00000000 R09=00000000 R10=00000000 R11=00000000
R12=00000fff R13=210fff78 R14=21000161 R15=21000162
XPSR=41000003 -Z-- T handler
"""


@pytest.mark.parametrize(
    ("status", "stderr", "kind", "crash_type", "reason"),
    [
        (0, "", "exit", None, "clean exit"),
        (-6, LOCKUP, "crash", CrashType.MMUFAULT, "lockup: can't escalate 3 to HardFault"),
        (-6, LOCKUP[80:], "crash", CrashType.FATAL_ERROR, "lockup: can't escalate"),
        (-6, "qemu: fatal: Lockup: derived", "crash", CrashType.FATAL_ERROR, "lockup: derived ()"),
        (-6, "assertion failed", "signal", None, "killed by SIGABRT"),
        (-31, "", "signal", None, "killed by SIGSYS"),
        (1, "qemu: warning: x\nqemu: no memory\n", "failure", None, "qemu: no memory"),
        (1, "qemu-system-arm: -x: bad\n", "failure", None, "qemu-system-arm: -x: bad"),
        (1, "qemu-system-arm: warning: x\n", "crash", CrashType.FATAL_ERROR, "exit status 1"),
        (2, "", "crash", CrashType.FATAL_ERROR, "exit status 2"),
    ],
)
def test_what_a_death_means(status, stderr, kind, crash_type, reason):
    death = QemuEngine().death(VSOC1.cores["cortex-m3"], status, stderr)
    assert (death.kind, death.crash_type) == (kind, crash_type)
    assert death.reason.startswith(reason)
    if stderr == LOCKUP:
        registers = "(pc=0x21000162 lr=0x21000161 sp=0x210fff78 xpsr=0x41000003)"
        assert death.reason.endswith(registers)


def test_a_machine_that_it_does_not_know():
    with SharedRam(VSOC1.ram.da, 4096) as ram, pytest.raises(ValueError, match="no core 'z80'"):
        QemuEngine().spawn(VSOC1, ram, Boot("z80", 0), on_message=print, on_exit=print)


def test_a_reset_before_it_listens_to_us(qemu):
    """Its event is lost: QEMU tells nobody who has not asked for it."""
    for _ in range(5):
        one = qemu("crash.elf", prepare=reset_at_once)
        one.wait(lambda one=one: one.deaths)
        assert one.deaths[0].reason == "reset"


def reset_at_once(ram):
    """Code that writes AIRCR: ldr r0, [pc, #4]; ldr r1, [pc, #8]; str r0, [r1]; b ."""
    entry = int.from_bytes(ram.at(0x2100_0004, 4), "little") & ~1
    code = b"\x00\xbf" * (entry % 4 // 2) + bytes.fromhex("0148 0249 0860 fee7")
    code += (0x05FA_0004).to_bytes(4, "little") + (0xE000_ED0C).to_bytes(4, "little")
    ram.at(entry, len(code))[:] = code
