"""Firmware that writes what it must not: nobody but itself is worse off."""

import shutil

import pytest

from rprocfs.system import System
from rprocfs.testing.driver_table import R0
from rprocfs.testing.userspace import Userspace, read, write
from tests.engines.host import IMAGES, SELFTESTS
from tests.engines.installed import ENGINES
from tests.mount.test_run import wait_until

ACTS = ("ids", "lengths", "scribble", "jump", "names", "ns-flood", "flood", "doorbells")
#: What is logged of it, and how often at most.
SAID = (
    ("ids", "id 32 out of range", 1),
    ("ids", "out of range", 20),
    ("lengths", "inbound msg too big", 10),
    ("jump", "used index", 3),
    ("names", "malformed ns msg", 3),
    ("names", "channel twice:ffffffff:bb8 already exist", 1),
    ("names", "rpmsg_destroy_channel failed: -22", 1),
    ("ns-flood", "destroying channel flood", 100),
    ("flood", "msg received with no recipient", 20),
)
NAMES = "/sys/bus/rpmsg/devices"


@pytest.fixture(params=ENGINES)
def board(request, tmp_path):
    """Three processors, the first to be hostile: (system, shell, the nodes of the others)."""
    shutil.copy(SELFTESTS / "hostile.elf", tmp_path)
    shutil.copy(IMAGES / "echo.elf", tmp_path)
    cortex = {"compatible": "rprocfs,cortex-m3", "engine": request.param}
    sim = {"compatible": "rprocfs,sim", "memory": "any", "services": "rpmsg-raw@1024"}
    with System(firmware=tmp_path) as system:
        shell = Userspace(system.tree)
        handles = []
        for number, properties in enumerate((cortex, cortex, sim)):
            system.add_processor(properties)
            start(shell, number, "echo.elf")
            handles.append(shell.open(f"/dev/rpmsg{number}"))
        handles.pop(0).release()
        shell.echo(f"{R0}/state", "stop")
        yield system, shell, handles
        while handles:  # an open file keeps the memory
            handles.pop().release()


def start(shell, number, image):
    directory = f"{R0[:-1]}{number}"
    shell.echo(f"{directory}/firmware", image)
    shell.echo(f"{directory}/state", "start")
    wait_until(lambda: shell.exists(f"/dev/rpmsg{number}"))


def trace(shell):
    return shell.cat("/sys/kernel/debug/remoteproc/remoteproc0/trace0")


def provoke(shell, act, others):
    """One boot: it does its worst, others go on, it is stopped."""
    start(shell, 0, "hostile.elf")
    node = shell.open("/dev/rpmsg0")
    write(node, act.encode())
    try:
        wait_until(lambda: f"{act} ends" in trace(shell), 20)
        for other in others:
            write(other, act.encode())
            assert read(other) == act.encode()
        assert shell.cat(f"{R0}/state") == "running\n"
        names = shell.ls(NAMES)
    finally:
        node.release()
    shell.echo(f"{R0}/state", "stop")
    assert not [name for name in shell.ls(NAMES) if name.startswith("virtio0.")]
    return names


def test_nobody_else_is_harmed(board):
    system, shell, others = board
    found = {}
    for act in ACTS:
        names = provoke(shell, act, others)
        assert not [name for name in names if "/" in name or name in ("", ".", "..")]
        found[act] = [record.text for record in system.model.kmsg.records()]
        system.model.kmsg.clear()
    for act, word, most in SAID:
        assert 0 < sum(word in line for line in found[act]) <= most, (word, found[act])
    start(shell, 0, "echo.elf")
    again = shell.open("/dev/rpmsg0")
    write(again, b"again")
    assert read(again) == b"again"
    again.release()
