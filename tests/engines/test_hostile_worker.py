"""A worker that was taken over: what it sends costs it its own processor, and nothing else."""

import os
import resource
import signal
import socket
import sys
import threading
import time

import pytest

from rprocfs.arch.core import Boot, CoreSpec
from rprocfs.engines.death import CrashType, Death
from rprocfs.engines.engine import Engine
from rprocfs.engines.io_thread import IoThread
from rprocfs.engines.memory import SharedRam
from rprocfs.engines.native import engine as native
from rprocfs.engines.native.engine import NativeWorker
from rprocfs.engines.qemu.engine import QemuWorker
from rprocfs.engines.unicorn.engine import UnicornWorker
from rprocfs.engines.worker import STDERR_KEPT, Worker
from rprocfs.soc.machine import Bank, Machine
from rprocfs.soc.vsoc import VSOC1

TIMEOUT = 60
BEGIN = """
import os, signal, socket, sys, time
doorbell, console, control = (socket.socket(fileno=int(fd)) for fd in sys.argv[1:])
"""


class Hostile(Engine):
    """Runs *script* as a worker of the kind that an engine has."""

    def __init__(self, script, kind, io=None):
        super().__init__(io)
        self.worker, self.script = kind, script

    def command(self, machine, boot, fds):
        """The script, with its three sockets."""
        names = ("doorbell", "console", "control")
        return [sys.executable, "-I", "-c", BEGIN + self.script, *(str(fds[n]) for n in names)]


@pytest.fixture
def hostile():
    """Starts a script; the worker, and a list that its death goes to."""
    undo = []

    def start(script, kind=Worker, engine=Hostile, heard=bytes):
        ram = SharedRam(VSOC1.ram.da, 4096)
        undo.append(ram.close)
        deaths = []
        worker = engine(script, kind).spawn(
            VSOC1, ram, Boot("cortex-m3", 0),
            on_message=lambda channel, _: heard(bytes((channel,))), on_console=heard,
            on_exit=deaths.append,
        )  # fmt: skip
        undo.append(worker.stop)
        return worker, deaths

    yield start
    while undo:
        undo.pop()()


def until(condition):
    end = time.monotonic() + TIMEOUT
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.005)


SAY = "os.write(2, {!r}); os._exit({})"
NONSENSE = {
    "no number": b"registers zz\n",
    "no number at all": b"registers \xff\xfe\n",
    "wide": b"registers " + b"f" * 9 + b"\n",
    "negative": b"registers -1\n",
    "many": b"registers " + b"1 " * 1000 + b"\n",
}


@pytest.mark.parametrize("text", NONSENSE.values(), ids=NONSENSE)
@pytest.mark.parametrize("kind", [Worker, UnicornWorker, NativeWorker, QemuWorker])
def test_nonsense_for_registers_is_none(hostile, kind, text, caplog):
    worker, deaths = hostile(SAY.format(text + b"fatal error\n", 70), kind)
    until(lambda: deaths)
    assert deaths[0].crash_type is CrashType.FATAL_ERROR
    assert worker.registers(0) == ()
    assert not caplog.records


def test_a_signal_without_a_name(hostile):
    _, deaths = hostile("os.kill(os.getpid(), 40)")
    until(lambda: deaths)
    assert deaths == [Death("signal", None, "killed by signal 40")]


@pytest.mark.parametrize("name", ["doorbell", "console"])
def test_what_survives_it_cannot_keep_us(hostile, name):
    """Somebody who has a socket of it sends more whenever something was read."""
    survivor = []

    class Survived(Hostile):
        def command(self, machine, boot, fds):
            survivor.append(socket.socket(fileno=os.dup(fds[name])))
            return super().command(machine, boot, fds)

    said = threading.Event()

    def heard(data):
        said.set()
        survivor[0].send(b"x")

    script = f"{name}.send(b'x'); time.sleep(60)"
    worker, deaths = hostile(script, engine=Survived, heard=heard)
    with survivor[0]:
        assert said.wait(TIMEOUT)
        os.kill(worker.pid, signal.SIGKILL)
        until(lambda: deaths)
        worker.stop()


FRAMED = Machine(
    name="framed", source="", cores=[CoreSpec("core")], banks=[Bank("ram", 0, 4096)]
)  # fmt: skip


def test_messages_without_end_keep_nobody_else_waiting():
    """One sends as many as it can, in frames; those of the other arrive, all and in order."""
    flood = "while True: doorbell.send(b'\\1\\0' * 2000)"
    quiet = "[doorbell.send(bytes((2, 1, n))) and time.sleep(0.005) for n in range(100)]"
    io, flooded, heard = IoThread(), [0], []

    def count(channel, payload):
        flooded[0] += 1

    with SharedRam.of(FRAMED) as ram:
        workers = [
            Hostile(script + "\ntime.sleep(60)", Worker, io).spawn(
                FRAMED, ram, Boot("core", 0), on_message=told, on_exit=print
            )
            for script, told in ((flood, count), (quiet, lambda *message: heard.append(message)))
        ]
        until(lambda: len(heard) == 100)
        for worker in workers:
            worker.stop()
    assert heard == [(2, bytes((n,))) for n in range(100)]
    assert flooded[0] > 100


def test_a_message_that_there_is_no_room_for():
    """Nobody reads: what was sent is whole, and the driver is told of the rest."""
    with SharedRam.of(FRAMED) as ram:
        worker = Hostile("control.recv(1)", Worker).spawn(
            FRAMED, ram, Boot("core", 0), on_message=print, on_exit=print
        )
        while worker.send(7, bytes(200)):
            pass
        assert not worker.send(7, bytes(200))
        worker.stop()
        assert not worker.send(7)


def test_a_line_without_an_end_is_not_kept(hostile):
    script = """
for _ in range(1024):
    os.write(2, b"x" * 4096)
console.send(b"done")
time.sleep(60)
"""
    worker, _ = hostile(script, UnicornWorker)
    until(lambda: worker.console == b"done")
    assert len(worker._begun) <= STDERR_KEPT


def test_what_qemu_is_not_kept_from_is_logged(hostile, caplog):
    caplog.set_level("DEBUG", "rprocfs.engines.qemu")
    script = "os.write(2, b'confinement: no Landlock: x\\nmore\\n'); time.sleep(60)"
    worker, _ = hostile(script, QemuWorker)
    until(lambda: b"more" in worker._stderr_kept)
    assert [f"worker {worker.pid}: confinement: no Landlock: x"] == caplog.messages


def test_a_launcher_that_talks_without_end(hostile):
    script = """
for _ in range(1024):
    control.send(b"x" * 4096)
console.send(b"done")
control.send(b"\\0")
control.recv(1)
"""
    worker, _ = hostile(script, NativeWorker)
    until(lambda: worker.console == b"done")
    assert len(worker._news) <= STDERR_KEPT


@pytest.mark.parametrize("news", [b"!\0", b"!x y\0", b"!5 \xff\0"])
def test_a_launcher_that_talks_nonsense(hostile, news):
    worker, _ = hostile(f"control.send({news!r}); control.recv(1)", NativeWorker)
    with pytest.raises(OSError):
        worker.wait_started()


def test_a_number_that_is_anothers_by_now_is_not_waited_for(hostile, monkeypatch):
    monkeypatch.setattr(native, "STOP_TIMEOUT", TIMEOUT)
    worker, deaths = hostile("", NativeWorker)
    until(lambda: deaths)
    worker._process.pid = os.getpid()
    before = time.monotonic()
    worker.stop()
    assert time.monotonic() - before < TIMEOUT


def test_a_launcher_is_waited_for_with_any_number_of_open_files(hostile):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < 2048:
        pytest.skip("may not open as many files")
    resource.setrlimit(resource.RLIMIT_NOFILE, (2048, hard))
    opened = [os.open(os.devnull, os.O_RDONLY) for _ in range(1024)]
    try:
        worker, _ = hostile("control.recv(1)", NativeWorker)
        worker.stop()
    finally:
        for fd in opened:
            os.close(fd)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_descriptors_and_urgent_bytes_are_dropped(hostile):
    script = """
r, w = os.pipe()
for sock in (doorbell, console, control):
    for _ in range(20):
        socket.send_fds(sock, [b"-"], [r] * 200)
        sock.send(b"-", socket.MSG_OOB)
console.send(b"done")
time.sleep(60)
"""
    before = len(os.listdir("/proc/self/fd"))
    worker, deaths = hostile(script)
    until(lambda: worker.console.endswith(b"done"))
    opened = len(os.listdir("/proc/self/fd")) - before
    assert opened < 15
    spent = time.process_time()
    time.sleep(0.5)
    assert time.process_time() - spent < 0.1
    assert not deaths
