import errno
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from rprocfs.drivers import native
from rprocfs.system import System
from rprocfs.testing.driver_table import DEBUG, R0, RPMSG, TABLE, Bench, Images
from rprocfs.testing.firmware_table import FIRMWARE_TABLE
from rprocfs.testing.images import IMAGES
from rprocfs.testing.userspace import read, write
from tests.engines.test_worker import running

ROOT = Path(__file__).parents[2]
SOURCES = ROOT / "scripts" / "firmware"
KIT = ROOT / "rprocfs" / "kit"
NATIVE = {"compatible": "rprocfs,native", "allow-native": True}
FLAGS = ["-O2", "-Wall", "-Wextra", "-Wno-unused-parameter", "-Werror"]

pytestmark = pytest.mark.skipif(not shutil.which("gcc"), reason="no compiler of this host")


def build(directory, name, *flags, source=None):
    out = directory / f"{name}.elf"
    files = [KIT / file for file in ("native.c", "log.c", "rpmsg.c")]
    files.append(source or SOURCES / f"{name}.c")
    subprocess.run(["gcc", *FLAGS, f"-I{KIT}", *flags, "-o", out, *files], check=True)
    return out


@pytest.fixture(scope="session")
def programs(tmp_path_factory):
    directory = tmp_path_factory.mktemp("native")
    return {name: build(directory, name) for name in ("echo", "crash")}


@pytest.fixture
def echo(programs):
    return Images(programs["echo"], ("rpmsg-raw", "rpmsg-echo"), "echo", programs["crash"])


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


@pytest.mark.parametrize("name", FIRMWARE_TABLE)
def test_driver_table(name, bench):
    FIRMWARE_TABLE[name](bench)


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


def test_a_family_is_stopped(crasher):
    """All signals blocked, and its members have nothing to do with each other."""
    command(crasher, "family")
    crasher.wait(lambda: "family: grandchild\n" in trace(crasher))
    processes = [launcher(crasher), *descendants(launcher(crasher))]
    crasher.stop()
    assert crasher.state == "offline"
    assert len(processes) == 5
    assert not any(Path(f"/proc/{pid}").exists() for pid in processes)


def test_it_is_the_first_to_go_where_memory_is_short(crasher):
    for pid in descendants(launcher(crasher)):
        assert Path(f"/proc/{pid}/oom_score_adj").read_text() == "1000\n"
    assert Path("/proc/self/oom_score_adj").read_text() != "1000\n"


def test_a_hurt_launcher_takes_everything_along(crasher):
    command(crasher, "family")
    crasher.wait(lambda: "family: grandchild\n" in trace(crasher))
    processes = descendants(launcher(crasher))
    os.kill(launcher(crasher), signal.SIGKILL)
    crasher.wait(lambda: crasher.state == "crashed")
    crasher.wait(lambda: not any(Path(f"/proc/{pid}").exists() for pid in processes))
    assert "native: killed by SIGKILL" in crasher.log


CROWD = """
import os, signal, time
from rprocfs.engines.native.launcher import _kill_descendants
for _ in range(1000):
    if not os.fork():
        signal.pause()
before = time.process_time()
_kill_descendants()
print(time.process_time() - before)
"""


def test_a_crowd_costs_no_more_than_its_number():
    """What a launcher takes to end them is what they have to make new ones."""
    done = subprocess.run(
        [sys.executable, "-c", CROWD], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert float(done.stdout) < 0.2


SANDBOX = {
    "open files": "0x5",
    "environment": "0x0",
    "pid": "0x2",
    "core": "0x0",
    "new privileges": "no",
    "write /usr": "no",
    "read /etc": "no",
    "read /root": "no",
    "see /run": "no",
    "grow the memory": "no",
    "shrink the memory": "no",
    "write /tmp": "yes",
    "read /dev": "yes",
    "write /dev": "yes",
    "write /proc": "no",
    "change /dev": "no",
    "user namespaces": "no",
    "read keys": "no",
}

SESSION = """
import ctypes, os, platform, signal, sys
from pathlib import Path
from rprocfs.testing.userspace import read, write
from rprocfs.testing.driver_table import DEBUG, RPMSG
from tests.drivers.test_native import NATIVE, Bench, Images, descendants, launcher
libc = ctypes.CDLL(None)
keyctl, add_key = {"x86_64": (250, 248), "aarch64": (219, 217)}[platform.machine()]
libc.syscall(keyctl, 1, None)  # a session keyring of our own, with a secret
libc.syscall(add_key, b"user", b"secret", b"x", 1, -3)
with Bench(NATIVE, Images(sys.argv[1], ("rpmsg-crash",), ""), sys.argv[2]) as bench:
    bench.start()
    handle = bench.open(f"{RPMSG}/{bench.channels()[0]}/endpoint")
    write(handle, b"probe")
    assert read(handle) == b"unknown"
    print(bench.shell.cat(f"{DEBUG}/trace0"))
    write(handle, b"family")
    bench.wait(lambda: "family: grandchild" in bench.shell.cat(f"{DEBUG}/trace0"))
    pids = descendants(launcher(bench))
    if sys.argv[3:]:
        print(*pids, flush=True)
        os.kill(os.getpid(), signal.SIGKILL)
    bench.stop()
    print(f"family: {len(pids)}, left: {[pid for pid in pids if Path(f'/proc/{pid}').exists()]}")
    print(bench.log)
"""
NO_NAMESPACES = 'echo 0 > /proc/sys/user/max_mnt_namespaces; exec "$@"'


@pytest.mark.parametrize("crasher", [{"cpu-seconds": 1}], indirect=True)
def test_its_cpu_is_limited(crasher):
    """It blocks SIGXCPU, which comes after a second, but not what comes after two."""
    command(crasher, "hang")
    crasher.wait(lambda: crasher.state == "crashed", 60)
    assert "native: killed by SIGKILL" in crasher.log


def test_a_bad_limit(tmp_path):
    with System(firmware=tmp_path) as system:
        device = system.add_processor(NATIVE | {"cpu-seconds": -1})
        assert device.driver is None
        assert "bad cpu-seconds -1" in system.model.kmsg.records()[0].text


USERS = {
    "whoever this is": [],
    "a user": ["unshare", "-U", "--map-user=1000", "--map-group=1000"],
    "root of a container": ["unshare", "-U", "-r"],
    "a host without namespaces": ["unshare", "-U", "-r", "sh", "-c", NO_NAMESPACES, "sh"],
}


def may_unshare():
    return subprocess.run(["unshare", "-U", "true"], capture_output=True, check=False).returncode


@pytest.mark.skipif(may_unshare() != 0, reason="no user namespaces for this user here")
@pytest.mark.parametrize("user", USERS)
def test_what_it_may_do(user, programs, tmp_path):
    done = subprocess.run(
        [*USERS[user], sys.executable, "-c", SESSION, programs["crash"], tmp_path],
        cwd=ROOT, capture_output=True, text=True, check=False, umask=0o077,
    )  # fmt: skip
    said = dict(line.split(": ", 1) for line in done.stdout.splitlines() if ": " in line)
    expected = dict(SANDBOX)
    if "without" in user:
        assert "native: the sandbox is incomplete: no namespaces: No space left" in done.stdout
        expected = {key: SANDBOX[key] for key in WITHOUT_NAMESPACES}
    else:
        assert "incomplete" not in done.stdout
    assert {key: said.get(key) for key in expected} == expected, done.stdout + done.stderr
    assert said["family"] == f"{3 if 'without' in user else 4}, left: []"


@pytest.mark.skipif(may_unshare() != 0, reason="no user namespaces for this user here")
@pytest.mark.parametrize("user", USERS)
def test_nothing_survives_a_killed_daemon(user, programs, tmp_path):
    done = subprocess.run(
        [*USERS[user], sys.executable, "-c", SESSION, programs["crash"], tmp_path, "kill"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    pids = [int(pid) for pid in done.stdout.splitlines()[-1].split()]
    assert len(pids) == (3 if "without" in user else 4)
    deadline = time.monotonic() + 10
    while any(running(pid) for pid in pids):
        assert time.monotonic() < deadline, pids
        time.sleep(0.01)


WITHOUT_NAMESPACES = (
    "open files", "environment", "core", "new privileges", "shrink the memory", "read keys",
)  # fmt: skip


def test_what_is_refused(bench):
    for name in ("machine.elf", "elf64.elf"):
        (bench.directory / name).write_bytes(IMAGES[name].make())
        with pytest.raises(OSError, match="cannot run an image for machine"):
            bench.start(name)
    image = bytearray((bench.directory / "echo.elf").read_bytes())
    image[16] = 1  # ET_REL
    (bench.directory / "object.elf").write_bytes(image)
    with pytest.raises(OSError, match="cannot run an image of type 1") as caught:
        bench.start("object.elf")
    assert caught.value.errno == errno.EINVAL
    assert bench.state == "offline"


def test_a_program_that_the_host_cannot_execute(bench):
    """No such interpreter: known when `start` returns."""
    image = (bench.directory / "echo.elf").read_bytes()
    broken = image.replace(b"/ld-linux", b"/no-linux")
    assert broken != image
    (bench.directory / "broken.elf").write_bytes(broken)
    with pytest.raises(FileNotFoundError):
        bench.start("broken.elf")
    assert bench.state == "offline"
    assert "native: No such file or directory" in bench.log
    assert "crash detected" not in bench.log
    bench.start()


def test_the_table_is_that_of_the_file_and_the_program_what_was_checked(bench):
    """Neither needs an x bit, nor is the file looked at again."""
    path = bench.directory / "echo.elf"
    path.chmod(0o600)
    bench.start()
    path.write_bytes(b"")
    worker = bench.system.remoteproc.rprocs[0].ops.worker
    program = descendants(worker.pid)[-1]
    assert "memfd:rproc-program" in os.readlink(f"/proc/{program}/exe")
    with pytest.raises(OSError, match=r"busy|permitted"):
        Path(f"/proc/{program}/exe").write_bytes(b"")


def test_a_table_that_is_too_large(bench, monkeypatch):
    monkeypatch.setattr(native, "TABLE_SIZE", 16)
    with pytest.raises(OSError, match="resource table larger than 0x10") as caught:
        bench.start()
    assert caught.value.errno == errno.EINVAL


CONSOLE = r"""
#include <stdio.h>
#include "table.h"
RPMSG_TABLE(ADDR_ANY, ADDR_ANY);
int main(void)
{
	char line[80];

	vsoc_init();
	console_puts("who is there?\n");
	fprintf(stderr, "I am %s\n", fgets(line, sizeof(line), stdin) ? line : "deaf");
	for (;;)
		vsoc_wait();
}
"""


def test_its_standard_files_are_the_console(echo, tmp_path):
    (tmp_path / "firmware").mkdir()
    (tmp_path / "ask.c").write_text(CONSOLE)
    build(tmp_path, "ask", source=tmp_path / "ask.c")
    log = tmp_path / "log"
    with Bench(NATIVE | {"console-log": str(log)}, echo, tmp_path / "firmware") as bench:
        shutil.copy(tmp_path / "ask.elf", bench.directory)
        bench.start("ask.elf")
        console = bench.open(f"{R0}/console")
        assert read(console) == b"who is there?\n"
        write(console, b"nobody\n")
        assert read(console) == b"I am nobody\n\n"
    assert log.read_text() == "who is there?\nI am nobody\n\n"
