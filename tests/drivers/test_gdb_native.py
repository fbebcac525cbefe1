"""gdb on a native program, by gdbserver, from outside of its sandbox."""

import errno
import os
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

import pytest

from rprocfs.engines.native import debugger, engine
from rprocfs.system import System
from rprocfs.testing.driver_table import R0, RPMSG, Bench, Images
from rprocfs.testing.userspace import read, write
from tests.drivers.gdb_session import GDB, Session, Stub, transcript
from tests.drivers.test_native import NATIVE, SOURCES, build
from tests.engines.host import SAFETY

pytestmark = pytest.mark.skipif(
    not shutil.which("gcc") or not shutil.which("gdbserver"),
    reason="no compiler of this host, or no gdbserver",
)
ECHO_C = SOURCES / "echo.c"


@pytest.fixture(scope="session")
def image(tmp_path_factory):
    directory = tmp_path_factory.mktemp("native")
    return {name: build(directory, name, "-g", "-O0") for name in ("echo", "crash")}


@pytest.fixture
def echo(image, tmp_path):
    directory = tmp_path / "firmware"
    directory.mkdir()
    images = Images(image["echo"], ("rpmsg-raw", "rpmsg-echo"), "echo", image["crash"])
    with Bench(NATIVE | {"watchdog-ms": 500}, images, directory) as bench:
        bench.start()
        yield bench


def rproc(bench):
    return bench.system.remoteproc.rprocs[0]


def program(bench):
    return debugger.program_below(rproc(bench).ops.worker.pid)


def status(pid, field):
    text = Path(f"/proc/{pid}/status").read_text()
    return next(line for line in text.splitlines() if line.startswith(field + ":")).split()[1]


def gone(bench, pid):
    """The gdbserver of *pid* is no more."""

    def tracer():
        try:
            return status(pid, "TracerPid")
        except OSError:
            return "0"

    bench.wait(lambda: tracer() == "0")
    return True


def line(text):
    rows = ECHO_C.read_text().splitlines()
    return next(number for number, row in enumerate(rows, 1) if text in row)


def switch(bench, path):
    """As configfs does."""
    device = rproc(bench).parent_dev
    device.driver.property_changed(device, "gdb", str(path))


@pytest.mark.skipif(not GDB, reason="no gdb-multiarch")
def test_a_session(echo, image, tmp_path):
    path = tmp_path / "gdb"
    switch(echo, path)
    script = f"""
        target remote {path}
        break echo
        continue
        backtrace 1
        print len
        info threads
        finish
        monitor reset halt
        delete
        detach
    """
    handle = echo.open("/dev/rpmsg0")
    with Session(image["echo"], script, tmp_path) as session:
        session.wait("Breakpoint 1 at")
        write(handle, b"hello")
        said = transcript(session.output())
    assert any(text.startswith("Breakpoint 1, echo (") for text in said), said
    assert "$1 = 5" in said
    assert "Value returned is $2 = 1" in said
    assert "reset: the engine cannot begin halted" in said
    assert read(handle) == b"hello"
    write(handle, b"on")
    assert read(handle) == b"on"
    assert echo.state == "running"


def test_halted_is_no_crash_and_the_sandbox_stays(echo, tmp_path):
    path, pid = tmp_path / "gdb", program(echo)
    filters = status(pid, "Seccomp")
    switch(echo, path)
    with Stub(path) as stub:
        assert stub.ask(b"?").startswith(b"T")
        assert status(pid, "State") == "t"
        assert status(pid, "Seccomp") == filters == "2"
        tracer = int(status(pid, "TracerPid"))
        assert int(status(tracer, "PPid")) == os.getpid()
        later = time.monotonic() + 1.5  # three times what its watchdog gives it
        echo.wait(lambda: time.monotonic() > later)
        assert echo.state == "running"
        for request in (b"vFile:open:2f,0,0", b"qXfer:osdata:read:processes:0,100", b"vRun;2f"):
            assert stub.ask(request) == b""
    assert gone(echo, pid)
    handle = echo.open("/dev/rpmsg0")
    write(handle, b"hello")
    assert read(handle) == b"hello"
    assert "watchdog" not in echo.log
    assert "heartbeat" not in echo.log


@pytest.mark.parametrize("way", ["halted", "running"])
def test_it_is_stopped_in_the_debugger(echo, tmp_path, way, monkeypatch):
    monkeypatch.setattr(engine, "STOP_TIMEOUT", SAFETY)  # when the launcher would be given up
    path, pid = tmp_path / "gdb", program(echo)
    switch(echo, path)
    with Stub(path) as stub:
        assert stub.ask(b"?").startswith(b"T")
        if way == "running":
            assert stub.ask(b"QPassSignals:%x" % signal.SIGALRM) == b"OK"
            stub.send(b"c")
        tracer = int(status(pid, "TracerPid"))
        begin = time.monotonic()
        echo.stop()
        assert time.monotonic() - begin < SAFETY
    assert echo.state == "offline"
    assert not Path(f"/proc/{pid}").exists()
    assert not Path(f"/proc/{tracer}").exists()
    echo.start()
    with Stub(path) as stub:
        assert stub.ask(b"?").startswith(b"T")


def test_a_client_that_vanishes_while_it_runs_leaves_no_breakpoint(echo, image, tmp_path):
    path, pid = tmp_path / "gdb", program(echo)
    switch(echo, path)
    base = int(Path(f"/proc/{pid}/maps").read_text().partition("-")[0], 16)
    symbols = subprocess.run(["nm", image["echo"]], capture_output=True, text=True, check=True)
    offset = next(r.split()[0] for r in symbols.stdout.splitlines() if r.endswith(" t echo"))
    with Stub(path) as stub:
        assert stub.ask(b"?").startswith(b"T")
        assert stub.ask(b"QPassSignals:%x" % signal.SIGALRM) == b"OK"
        assert stub.ask(b"Z0,%x,1" % (base + int(offset, 16))) == b"OK"
        stub.send(b"c")
    assert gone(echo, pid)
    handle = echo.open("/dev/rpmsg0")
    write(handle, b"hello")
    assert read(handle) == b"hello"
    assert echo.state == "running"


def test_a_crash(image, tmp_path):
    """It stands still in front of its end, and is a crash when it goes on."""
    with Bench(NATIVE, Images(image["crash"], ("rpmsg-crash",), ""), tmp_path) as bench:
        bench.shell.echo(f"{R0}/recovery", "disabled")
        bench.start()
        switch(bench, tmp_path / "gdb")
        with Stub(tmp_path / "gdb") as stub:
            assert stub.ask(b"QPassSignals:%x" % signal.SIGALRM) == b"OK"  # as gdb; it is its tick
            stub.send(b"c")
            handle = bench.open(f"{RPMSG}/{bench.channels()[0]}/endpoint")
            write(handle, b"read")
            assert stub.packet().startswith(b"T%02x" % signal.SIGSEGV)
            assert bench.state == "running"
            assert stub.ask(b"C%02x" % signal.SIGSEGV).startswith(b"X%02x" % signal.SIGSEGV)
        bench.wait(lambda: bench.state == "crashed")
        assert "type mmufault" in bench.log


def test_one_that_something_else_traces(echo, tmp_path):
    pid = program(echo)
    ours, theirs = socket.socketpair()
    words = ["gdbserver", "--once", "--attach", "-", str(pid)]
    quiet = subprocess.DEVNULL
    with subprocess.Popen(words, stdin=theirs, stdout=theirs, stderr=quiet) as other, ours, theirs:
        echo.wait(lambda: status(pid, "TracerPid") != "0")
        switch(echo, tmp_path / "gdb")
        with Stub(tmp_path / "gdb") as stub, pytest.raises((AssertionError, ConnectionError)):
            stub.ask(b"?")
        echo.wait(lambda: "gdbserver: " in echo.log)
        other.kill()
    assert f"gdb {tmp_path / 'gdb'}: gdbserver: " in echo.log
    assert "annot attach" in echo.log
    assert echo.state == "running"


def test_without_gdbserver(echo, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(OSError, match="No such file") as failure:
        switch(echo, tmp_path / "gdb")
    assert failure.value.errno == errno.ENOENT
    assert f"gdb {tmp_path / 'gdb'}: gdbserver is not installed" in echo.log
    assert echo.shell.cat(f"{R0}/gdb") == "\n"
    with System(firmware=tmp_path) as system:
        assert system.add_processor(NATIVE | {"gdb": ":1"}).driver is None
        assert "gdb: gdbserver is not installed" in system.model.kmsg.records()[0].text
