"""What has to hold for every kind of processor, by scripts/boots and by force."""

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.engines.test_worker import running

ROOT = Path(__file__).parents[2]
BOOTS = ROOT / "scripts" / "boots"


def boots(*arguments):
    return subprocess.run(
        [sys.executable, BOOTS, *arguments], capture_output=True, text=True, check=False
    )


def results(*arguments):
    done = boots("--json", *arguments)
    assert done.returncode == 0, done.stdout + done.stderr
    found = {name: one for name, one in json.loads(done.stdout).items() if "missing" not in one}
    assert found
    assert done.stderr == ""
    return found


def test_boots_in_a_row():
    found = results("-n", "3")
    assert found.keys() >= {"sim", "unicorn-m3", "unicorn-m4"}
    for name, one in found.items():
        assert (one["passed"], one["of"]) == (3, 3), (name, one)
        assert one["stop"]["median"] < 100, (name, one)


def test_a_kick_that_comes_before_the_firmware_listens():
    """It is certain to: the firmware waits for it, and then some, until it switches its mailbox on.

    Without QEMU being made to look again, this never comes up.
    """
    found = results("-n", "2", "--late")
    assert "sim" not in found


def test_a_flood_starves_nobody():
    for name, one in results("-n", "2", "--flood").items():
        assert one["passed"] == 40, (name, one)
        assert one["trip"]["median"] < 50, (name, one)
        assert one["trip"]["max"] < 2000, (name, one)


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["z80"], "no processor z80, there are sim,"),
        (["-n", "0"], "a positive count"),
        (["--late", "--flood"], "either --late or --flood"),
        (["--late", "sim"], "sim executes no firmware"),
    ],
)
def test_wrong_usage(arguments, complaint):
    done = boots(*arguments)
    assert done.returncode == 2
    assert complaint in done.stderr


def test_what_is_asked_for_and_not_installed(tmp_path):
    done = subprocess.run(
        [sys.executable, BOOTS, "-n", "1", "rv32"],
        env={"PATH": str(tmp_path)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert done.stdout == "rv32        not installed: qemu-system-riscv32\n"


DAEMON = """
import runpy, sys, time
from pathlib import Path
from rprocfs.system import System
from rprocfs.testing.userspace import Userspace
from tests.drivers.test_native import descendants
boots = runpy.run_path(sys.argv[1])
scratch = Path(sys.argv[2])
with System(firmware=scratch) as system:
    shell = Userspace(system.tree)
    started = [name for name, (_, suffix, needs) in boots["PROCESSORS"].items()
               if suffix is not None and all(map(boots["shutil"].which, needs))]
    for number, name in enumerate(started):
        properties, suffix, _ = boots["PROCESSORS"][name]
        image = boots["image"]("echo", suffix, scratch)
        (scratch / f"{name}.elf").write_bytes(image.read_bytes())
        system.add_processor(properties)
        directory = f"/sys/class/remoteproc/remoteproc{number}"
        shell.echo(f"{directory}/firmware", f"{name}.elf")
        shell.echo(f"{directory}/state", "start")
    print(len(started), *descendants("self"), flush=True)
    time.sleep(60)
"""


def test_nothing_survives_a_killed_daemon(tmp_path):
    daemon = subprocess.Popen(
        [sys.executable, "-c", DAEMON, BOOTS, tmp_path], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    with daemon:
        started, *pids = map(int, daemon.stdout.readline().split())
        assert len(pids) >= started >= 2
        assert all(running(pid) for pid in pids)
        daemon.kill()
    deadline = time.monotonic() + 10
    while any(running(pid) for pid in pids):
        assert time.monotonic() < deadline, [pid for pid in pids if running(pid)]
        time.sleep(0.01)
