import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest

from rprocfs.testing.driver_table import DEBUG, R0, RPMSG, TABLE, Bench, Images
from rprocfs.testing.userspace import read, write

SOURCES = Path(__file__).parents[2] / "scripts" / "firmware"
NATIVE = {"compatible": "rprocfs,native", "allow-native": True}
FLAGS = ["-O2", "-Wall", "-Wextra", "-Wno-unused-parameter", "-Werror"]

pytestmark = pytest.mark.skipif(not shutil.which("gcc"), reason="no compiler of this host")


def build(directory, name, *flags, sources=("native.c", "log.c", "rpmsg.c")):
    out = directory / f"{name}.elf"
    files = [SOURCES / file for file in (*sources, f"{name}.c")]
    subprocess.run(["gcc", *FLAGS, *flags, "-o", out, *files], check=True)
    return out


@pytest.fixture(scope="session")
def programs(tmp_path_factory):
    directory = tmp_path_factory.mktemp("native")
    return {name: build(directory, name) for name in ("echo", "crash")}


@pytest.fixture
def echo(programs):
    return Images(programs["echo"], ("rpmsg-raw", "rpmsg-echo"), "echo")


@pytest.fixture
def bench(echo, tmp_path):
    with Bench(NATIVE, echo, tmp_path) as bench:
        yield bench


@pytest.fixture
def crasher(programs, request, tmp_path):
    more = getattr(request, "param", {})
    with Bench(NATIVE | more, Images(programs["crash"], ("rpmsg-crash",), ""), tmp_path) as bench:
        bench.start()
        bench.shell.echo(f"{R0}/recovery", "disabled")
        yield bench


def command(bench, text):
    handle = bench.open(f"{RPMSG}/{bench.channels()[0]}/endpoint")
    write(handle, text.encode())
    return handle


def trace(bench):
    return bench.shell.cat(f"{DEBUG}/trace0")


def descendants(pid):
    """All processes below *pid*."""
    found = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in (task / "children").read_text().split():
            found += [int(child), *descendants(int(child))]
    return found


def launcher(bench):
    return bench.system.remoteproc.rprocs[0].ops.worker.pid


@pytest.mark.parametrize("name", TABLE)
def test_driver_table(name, bench):
    TABLE[name](bench)


@pytest.mark.parametrize("flags", [["-static"], ["-static-pie"], ["-no-pie"]], ids=str)
def test_every_kind_of_program(flags, tmp_path):
    built = build(tmp_path, "echo", *flags)
    (tmp_path / "firmware").mkdir()
    images = Images(built, ("rpmsg-raw", "rpmsg-echo"), "echo")
    with Bench(NATIVE, images, tmp_path / "firmware") as bench:
        TABLE["echoes"](bench)


@pytest.mark.parametrize("properties", [{}, {"allow-native": False}])
def test_it_has_to_be_allowed(properties, echo, tmp_path):
    with Bench({"compatible": "rprocfs,native"} | properties, echo, tmp_path) as bench:
        with pytest.raises(PermissionError):
            bench.start()
        assert bench.state == "offline"
        assert bench.log.count("set allow-native = true in the board") == 1


MATRIX = {
    "undef": ("killed by SIGILL", "fatal error"),
    "read": ("killed by SIGSEGV", "mmufault"),
    "jump": ("killed by SIGSEGV", "mmufault"),
    "bus": ("killed by SIGBUS", "mmufault"),
    "divide": ("killed by SIGFPE", "fatal error"),
    "abort": ("killed by SIGABRT", "fatal error"),
    "fail": ("exit status 3", "fatal error"),
    "orphan": ("exit status 4", "fatal error"),
    "pass": ("clean exit", "fatal error"),
    "crash": ("", "fatal error"),
}


@pytest.mark.parametrize("way", MATRIX)
def test_it_crashes_on_command_and_comes_back(crasher, way):
    reason, kind = MATRIX[way]
    crasher.shell.echo(f"{R0}/coredump", "enabled")
    command(crasher, way)
    crasher.wait(lambda: crasher.state == "crashed")
    assert f"crash detected in native-0: type {kind}\n" in crasher.log + "\n"
    assert crasher.log.count("crash detected") == 1
    assert f"native: {reason}\n" in crasher.log or not reason
    assert f"crash: {way}\n" in trace(crasher)
    if reason:
        assert not Path(f"/proc/{launcher(crasher)}").exists()
    crasher.shell.echo(f"{R0}/recovery", "recover")
    assert crasher.state == "running"
    crasher.wait_channels()
    core = crasher.shell.cat_bytes(f"{R0}/devcoredump/data")
    assert f"crash: {way}\n".encode() in core
    assert core[4] == 2


@pytest.mark.parametrize("way", ["hang", "family"])
def test_it_is_stopped_within_a_tenth_of_a_second(crasher, way):
    """All signals blocked; a family, too, whose members have nothing to do with each other."""
    command(crasher, way)
    said = "family: grandchild\n" if way == "family" else "crash: hang\n"
    crasher.wait(lambda: said in trace(crasher))
    processes = [launcher(crasher), *descendants(launcher(crasher))]
    before = time.monotonic()
    crasher.stop()
    assert time.monotonic() - before < 0.1
    assert crasher.state == "offline"
    assert len(processes) == {"hang": 3, "family": 5}[way]
    assert not any(Path(f"/proc/{pid}").exists() for pid in processes)


def test_a_hurt_launcher_takes_everything_along(crasher):
    command(crasher, "family")
    crasher.wait(lambda: "family: grandchild\n" in trace(crasher))
    processes = descendants(launcher(crasher))
    os.kill(launcher(crasher), signal.SIGKILL)
    crasher.wait(lambda: crasher.state == "crashed")
    crasher.wait(lambda: not any(Path(f"/proc/{pid}").exists() for pid in processes))
    assert "native: killed by SIGKILL" in crasher.log


@pytest.mark.parametrize("crasher", [{"watchdog-ms": 1500}], indirect=True)
def test_a_watchdog(crasher):
    command(crasher, "hang")
    crasher.wait(lambda: crasher.state == "crashed")
    assert "native: no heartbeat for 1500 ms" in crasher.log
    assert "crash detected in native-0: type watchdog" in crasher.log


def test_what_it_may_do(crasher):
    handle = command(crasher, "probe")
    assert read(handle) == b"unknown"
    may = dict(line.split(": ", 1) for line in trace(crasher).splitlines())
    assert {key: may.get(key) for key in SANDBOX} == SANDBOX
    assert not Path("/usr/rprocfs-was-here").exists()


SANDBOX = {
    "open files": "0x5",
    "environment": "0x0",
    "pid": "0x2",
    "core": "0x0",
    "root": "no",
    "new privileges": "no",
    "write /usr": "no",
    "read /etc": "no",
    "read /root": "no",
    "see /run": "no",
    "grow the memory": "no",
    "shrink the memory": "no",
    "signal init": "no",
}
