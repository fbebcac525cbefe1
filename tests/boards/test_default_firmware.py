"""Every ready board has the images that its processors boot by default, and boots them."""

import subprocess
import sys
from pathlib import Path

import pytest

from rprocfs.board import open_board
from rprocfs.board.ready import ready_boards
from rprocfs.testing.userspace import Userspace

ROOT = Path(__file__).parents[2]
#: What is booted by a driver of its own only.
NOT_FOR_USERS = {"wkup_m3"}


def test_they_are_what_the_script_makes():
    command = [sys.executable, ROOT / "scripts/firmware/boards", "--check"]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("name", ready_boards())
def test_every_processor_boots_its_own(name):
    with open_board(name) as system:
        shell = Userspace(system.tree)
        for rproc in system.remoteproc.rprocs:
            here = f"/sys/class/remoteproc/{rproc.name}"
            label = shell.cat(f"{here}/name").strip()
            if label in NOT_FOR_USERS:
                continue
            if shell.cat(f"{here}/state") == "offline\n":
                shell.echo(f"{here}/state", "start")
            assert shell.cat(f"{here}/state") == "running\n"
            service = str(rproc.parent.properties.get("services", "")).partition("@")[0]
            while service and not any(
                service in entry for entry in shell.ls("/sys/bus/rpmsg/devices")
            ):
                pass
