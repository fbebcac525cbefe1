import os
import resource
import signal
import struct
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import pytest

from rprocfs.arch.core import Boot
from rprocfs.engines.death import CRASHED, CrashType, Death
from rprocfs.engines.memory import SharedRam
from rprocfs.engines.unicorn import engine as unicorn_engine
from rprocfs.engines.unicorn.engine import UnicornEngine
from rprocfs.engines.worker import CONSOLE_KEPT
from rprocfs.soc.vsoc import VSOC1
from tests.engines.host import IMAGES, ROOT, SAFETY, Host

# ldr r0, =UART; movs r1, #1; str r1, [r0, #8]; loop: str r1, [r0]; b loop
FLOOD = struct.pack("<8H", 0x4803, 0x2101, 0x6081, 0x6001, 0xE7FD, 0xBF00, 0xBF00, 0xBF00)
MAILBOX, CONSOLE = 0x4000_5000, 0x4000_4000


class Program(Host):
    """A few instructions, by themselves or as a flood of a UART."""

    def __init__(self, directory, code, pc=0x2100_0401, sp=0x2101_0000, hard_fault=0, **options):
        vectors = struct.pack("<4I", sp, pc, 0, hard_fault)
        self.code = vectors.ljust(0x400, b"\0") + code
        path = directory / "empty.elf"
        path.write_bytes(bytes(64))
        super().__init__(path, prepare=self.place, **options)

    def place(self, ram):
        ram.at(0x2100_0000, len(self.code))[:] = self.code


@pytest.fixture
def program(tmp_path):
    made = []

    def make(code, **options):
        made.append(Program(tmp_path, code, **options))
        return made[-1]

    yield make
    for one in made:
        one.__exit__()


def flood(uart):
    return FLOOD + struct.pack("<I", uart)


def cpu_seconds(pid):
    return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e9


def test_it_ends_once_and_stop_may_be_repeated(host):
    one = host("echo.elf")
    pid = one.worker.pid
    stoppers = [threading.Thread(target=one.worker.stop) for _ in range(4)]
    for stopper in stoppers:
        stopper.start()
    for stopper in stoppers:
        stopper.join()
    one.worker.stop()
    assert not Path(f"/proc/{pid}").exists()
    assert one.deaths == []


def test_a_killed_worker_is_reported_once(host):
    one = host("echo.elf")
    os.kill(one.worker.pid, signal.SIGKILL)
    one.wait(lambda: one.deaths)
    assert one.deaths == [Death("signal", None, "killed by SIGKILL")]
    one.worker.send(0)
    assert one.worker.send_console(b"x") == 0
    one.worker.stop()
    assert len(one.deaths) == 1


def test_it_may_be_stopped_in_its_callbacks(tmp_path):
    stopped = threading.Event()

    class Host(Program):
        def on_message(self, channel, payload):
            self.worker.stop()
            stopped.set()

    with Host(tmp_path, flood(MAILBOX)) as host:
        assert stopped.wait(SAFETY)
        assert not Path(f"/proc/{host.worker.pid}").exists()


def test_a_hundred_times(host):
    """The fixture of all tests looks for what is left behind."""
    first = host("echo.elf")
    for _ in range(100):
        one = Host(IMAGES / "echo.elf", engine=first.engine)
        one.worker.stop()
        one.__exit__()
    fds = len(os.listdir("/proc/self/fd"))
    for _ in range(5):
        Host(IMAGES / "echo.elf", engine=first.engine).__exit__()
    assert len(os.listdir("/proc/self/fd")) == fds
    assert [t.name for t in threading.enumerate()].count("rprocfs-io") == 1


def test_sixteen_at_once_on_one_thread():
    engine = UnicornEngine()
    hosts = [Host(IMAGES / "echo.elf", engine=engine) for _ in range(16)]
    try:
        for one in hosts:
            one.start_rpmsg()
        for number, one in enumerate(hosts):
            one.wait(lambda one=one: len(one.services) == 2)
            text = b"processor %d" % number
            assert one.call(1024, text) == text
        assert [t.name for t in threading.enumerate()].count("rprocfs-io") == 1
    finally:
        for one in hosts:
            one.__exit__()


def test_a_sleeping_core_costs_nothing(program):
    # loop: wfi; b loop
    one = program(struct.pack("<2H", 0xBF30, 0xE7FD))
    end = time.monotonic() + SAFETY
    before = -1.0
    while cpu_seconds(one.worker.pid) != before:
        assert time.monotonic() < end
        before = cpu_seconds(one.worker.pid)
        time.sleep(0.3)


@pytest.mark.parametrize("uart", [MAILBOX, CONSOLE])
def test_a_flood_starves_nobody(program, uart):
    noisy = program(flood(uart))
    with Host(IMAGES / "echo.elf", engine=noisy.engine) as quiet:
        quiet.start_rpmsg()
        quiet.wait(lambda: len(quiet.services) == 2)
        for number in range(20):
            assert quiet.call(1024, b"%d" % number) == b"%d" % number


def test_a_flood_of_the_console_is_kept_to_its_end(program):
    one = program(flood(CONSOLE))
    one.wait(lambda: len(one.worker.console) == CONSOLE_KEPT)
    time.sleep(0.05)
    assert len(one.worker.console) == CONSOLE_KEPT


def test_a_flood_of_the_mailbox_comes_as_single_hints(tmp_path):
    calls = []

    class Counting(Program):
        def on_message(self, channel, payload):
            calls.append((channel, payload))
            super().on_message(channel, payload)

    with Counting(tmp_path, flood(MAILBOX)) as one:
        one.wait(lambda: len(calls) > 100)
    assert set(calls) == {(1, b"")}


def test_doorbells_never_wait(program):
    one = program(struct.pack("<H", 0xE7FE))  # b .
    for _ in range(5000):
        one.worker.send(1)
    assert one.deaths == []


@pytest.mark.parametrize(
    ("pc", "crash_type"),
    [
        (0x2100_0401, CrashType.FATAL_ERROR),
        (0x2100_0400, CrashType.FATAL_ERROR),
        (0x3000_0001, CrashType.MMUFAULT),
    ],
    ids=["undefined instruction", "not in Thumb state", "nowhere"],
)
def test_a_core_without_handlers_locks_up(program, pc, crash_type):
    one = program(b"\x00\xde", pc=pc)
    one.wait(lambda: one.deaths)
    (death,) = one.deaths
    assert (death.kind, death.crash_type) == ("crash", crash_type)
    assert death.reason.startswith("lockup: ")


def test_a_stack_outside_of_the_ram(program):
    """SVC cannot be stacked, nor the HardFault that this becomes; its handler faults."""
    one = program(b"\x00\xdf" + b"\x00\xde", sp=0x3000_0000, hard_fault=0x2100_0403)
    one.wait(lambda: one.deaths)
    assert one.deaths[0].crash_type is CrashType.MMUFAULT
    assert "lockup: undefined instruction at 0x21000402" in one.deaths[0].reason
    assert "cfsr=0x11000 hfsr=0x40000000" in one.deaths[0].reason


def test_a_vector_table_outside_of_the_ram(tmp_path):
    died = threading.Event()
    deaths = []

    def on_exit(death):
        deaths.append(death)
        died.set()

    with SharedRam(VSOC1.ram.da, VSOC1.ram.size) as ram:
        worker = UnicornEngine().spawn(
            VSOC1, ram, Boot("cortex-m3", 0x1000), on_message=print, on_exit=on_exit
        )
        assert died.wait(SAFETY)
        worker.stop()
    assert deaths[0].reason.startswith("lockup: vector fetch")


def test_console_input_reaches_the_firmware(program):
    # ldr r0, =CONSOLE; movs r1, #3; str r1, [r0, #8]; 1: ldr r2, [r0, #4]; lsrs r2, #2;
    # bcc 1b; ldr r2, [r0]; str r2, [r0]; b 1b
    code = struct.pack(
        "<10H", 0x4804, 0x2103, 0x6081, 0x6842, 0x0892, 0xD3FC, 0x6802, 0x6002, 0xE7F9, 0xBF00
    )
    one = program(code + struct.pack("<I", CONSOLE))
    assert one.worker.send_console(b"hello") == 5
    one.wait(lambda: one.worker.console == b"hello")


def test_an_unknown_core():
    with SharedRam(VSOC1.ram.da, 4096) as ram, pytest.raises(ValueError, match="no core 'z80'"):
        UnicornEngine().spawn(
            VSOC1, ram, Boot("z80", 0), on_message=print, on_exit=print, on_console=None
        )


def test_a_worker_that_cannot_be_started(monkeypatch):
    class Nowhere(UnicornEngine):
        def command(self, *args):
            return ["/nonexistent/worker"]

    with SharedRam(VSOC1.ram.da, 4096) as ram, pytest.raises(FileNotFoundError):
        Nowhere().spawn(VSOC1, ram, Boot("cortex-m3", 0), on_message=print, on_exit=print)


def test_without_the_library(monkeypatch):
    monkeypatch.setattr(unicorn_engine, "library", lambda: None)
    with SharedRam(VSOC1.ram.da, 4096) as ram, pytest.raises(FileNotFoundError, match="unicorn"):
        UnicornEngine().spawn(VSOC1, ram, Boot("cortex-m3", 0), on_message=print, on_exit=print)


def test_a_broken_worker_says_why(host):
    class Broken(UnicornEngine):
        def command(self, machine, *args):
            said = super().command(machine, *args)
            return ["nonsense:NONE" if word == machine.source else word for word in said]

    one = host("echo.elf", engine=Broken())
    one.wait(lambda: one.deaths)
    assert one.deaths[0].kind == "failure"
    assert one.deaths[0].reason.startswith("worker: ModuleNotFoundError(")


@pytest.mark.parametrize(
    ("status", "stderr", "death"),
    [
        (0, "", Death("exit", None, "clean exit")),
        (CRASHED, "why\nmmufault\n", Death("crash", CrashType.MMUFAULT, "why")),
        (CRASHED, "why\nwatchdog\n", Death("crash", CrashType.WATCHDOG, "why")),
        (CRASHED, "why\nnonsense\n", Death("crash", CrashType.FATAL_ERROR, "why")),
        (CRASHED, "", Death("crash", CrashType.FATAL_ERROR, "crashed")),
        (1, "oops\nmore", Death("failure", None, "oops")),
        (3, "", Death("failure", None, "exit status 3")),
        (-11, "oops", Death("signal", None, "killed by SIGSEGV")),
    ],
)
def test_what_a_death_means(status, stderr, death):
    assert UnicornEngine().death(VSOC1.cores["cortex-m3"], status, stderr) == death


def test_a_worker_does_not_survive_its_parent():
    """Killed, the parent can release nothing."""
    parent = textwrap.dedent(f"""
        import sys, time
        sys.path.insert(0, {str(ROOT)!r})
        from tests.engines.host import IMAGES, Host
        hosts = [Host(IMAGES / name) for name in ("echo.elf", "crash.elf")]
        hosts[1].start_rpmsg()
        hosts[1].wait(lambda: hosts[1].services)
        hosts[1].send(0x400, 1024, b"hang")
        hosts[1].wait_trace("hang")
        print(*(host.worker.pid for host in hosts), flush=True)
        time.sleep(60)
    """)
    process = subprocess.Popen([sys.executable, "-c", parent], stdout=subprocess.PIPE, text=True)
    with process:
        pids = [int(pid) for pid in process.stdout.readline().split()]
        assert len(pids) == 2
        process.kill()
    end = time.monotonic() + SAFETY
    while any(running(pid) for pid in pids):
        assert time.monotonic() < end
        time.sleep(0.01)


def running(pid):
    """A zombie is gone: whoever inherited it may be slow to notice."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.fixture
def crowded():
    """More descriptors are open than select(2) knows."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < 2048:
        pytest.skip("may not open as many files")
    resource.setrlimit(resource.RLIMIT_NOFILE, (2048, hard))
    opened = [os.open(os.devnull, os.O_RDONLY) for _ in range(1024)]
    yield
    for fd in opened:
        os.close(fd)
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_descriptors_that_select_does_not_know(crowded, host):
    one = host("echo.elf")
    one.start_rpmsg()
    one.wait(lambda: len(one.services) == 2)
    assert one.call(1024, b"high") == b"high"


def test_a_worker_survives_the_thread_that_spawned_it():
    made = []
    spawner = threading.Thread(target=lambda: made.append(Host(IMAGES / "echo.elf")))
    spawner.start()
    spawner.join()
    with made[0] as host:
        host.start_rpmsg()
        host.wait(lambda: len(host.services) == 2)
        assert host.call(1024, b"alive") == b"alive"
        assert host.deaths == []
