import errno
import time

import pytest

from rprocfs.drivers.sim.module import parse_parameters
from rprocfs.system import System
from rprocfs.testing.images import IMAGES
from rprocfs.testing.userspace import Userspace

CLASS = "/sys/class/remoteproc"
RESET = "/sys/kernel/debug/rproc_sim/reset"


@pytest.fixture
def system(tmp_path):
    (tmp_path / "good.elf").write_bytes(IMAGES["good.elf"].make())
    with System(strict=True, firmware=tmp_path) as system:
        system.add_processor({"compatible": "rprocfs,sim"})
        yield system


@pytest.fixture
def shell(system):
    return Userspace(system.tree)


def _reset(shell, text):
    shell.echo(RESET, text + "\n")


def test_parameters():
    assert parse_parameters("") == (2, None, {})
    assert parse_parameters("count=99 firmware=a.elf autoboot=0x3") == (
        8,
        "a.elf",
        {"auto-boot": 3},
    )


@pytest.mark.parametrize("text", ["count", "count=x", "nonsense=1", "autoboot=1,2", "firmware"])
def test_what_no_module_would_take(shell, text):
    with pytest.raises(OSError) as caught:
        _reset(shell, text)
    assert caught.value.errno == errno.EINVAL
    assert shell.ls(CLASS) == ["remoteproc0"]


def test_new_processors_take_the_place_of_the_old(shell):
    assert shell.cat(RESET) == ""
    _reset(shell, "count=3")
    assert sorted(shell.ls(CLASS)) == ["remoteproc0", "remoteproc1", "remoteproc2"]
    assert shell.cat(f"{CLASS}/remoteproc2/name") == "sim2\n"
    assert shell.cat(RESET) == "count=3\n"
    _reset(shell, "count=0")
    assert shell.ls(CLASS) == []
    assert shell.ls("/sys/kernel/debug/rproc_sim") == ["reset"]


def test_masks_and_the_first_ones_firmware(shell):
    _reset(shell, "readonly=2 detached=1 firmware=good.elf")
    assert shell.lookup(f"{CLASS}/remoteproc1/state").mode == 0o444
    assert shell.cat(f"{CLASS}/remoteproc0/state") == "detached\n"
    assert shell.cat(f"{CLASS}/remoteproc0/firmware") == "good.elf\n"
    assert shell.cat(f"{CLASS}/remoteproc1/firmware") == "rproc-sim1-fw\n"


def test_running_processors_are_stopped_however_often_they_were_started(shell, system):
    shell.echo(f"{CLASS}/remoteproc0/firmware", "good.elf")
    for _ in range(3):
        shell.echo(f"{CLASS}/remoteproc0/state", "start")
    _reset(shell, "")
    assert shell.cat(f"{CLASS}/remoteproc0/state") == "offline\n"
    assert shell.ls("/sys/bus/virtio/devices") == []
    text = [record.text for record in system.model.kmsg.records()]
    assert "remoteproc remoteproc0: stopped remote processor sim0" in text


def test_waiting_dumps_are_dismissed(shell):
    shell.echo(f"{CLASS}/remoteproc0/firmware", "good.elf")
    shell.echo(f"{CLASS}/remoteproc0/coredump", "inline")
    shell.echo(f"{CLASS}/remoteproc0/state", "start")
    shell.echo("/sys/kernel/debug/rproc_sim/0/ctl", "crash 1")
    deadline = time.monotonic() + 5
    while not shell.exists(f"{CLASS}/remoteproc0/devcoredump"):
        assert time.monotonic() < deadline
        time.sleep(0.005)
    _reset(shell, "count=1")
    assert shell.ls("/sys/class/devcoredump") == ["disabled"]
    assert shell.cat(f"{CLASS}/remoteproc0/state") == "offline\n"
