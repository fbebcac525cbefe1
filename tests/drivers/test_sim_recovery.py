"""What only a simulated processor can be made to do at a recovery, as the kernel does it."""

import errno
import os
import threading
import time

import pytest

from rprocfs.fs.kernfs import File
from rprocfs.fs.wait import Task
from rprocfs.system import System
from rprocfs.testing.images import IMAGES
from rprocfs.testing.userspace import Userspace

R0 = "/sys/class/remoteproc/remoteproc0"
DEBUG = "/sys/kernel/debug/remoteproc/remoteproc0"


@pytest.fixture
def system(tmp_path):
    (tmp_path / "fw").write_bytes(IMAGES["good.elf"].make())
    properties = {"compatible": "rprocfs,sim", "firmware-name": "fw", "services": "rpmsg-raw@1024"}
    with System(firmware=tmp_path) as system:
        system.add_processor(properties)
        yield system


@pytest.fixture
def shell(system):
    return Userspace(system.tree)


def _wait(condition):
    deadline = time.monotonic() + 5
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def _log(system):
    return [record.text for record in system.model.kmsg.records()]


def _up(system):
    return _log(system).count("remoteproc remoteproc0: remote processor sim0 is now up")


def _crash(shell):
    shell.echo("/sys/kernel/debug/rproc_sim/0/ctl", "crash 1")


@pytest.mark.parametrize("image", ["notrace.elf", "traces.elf", "elf64.elf", "rsc-notloaded.elf"])
def test_another_image_runs_with_the_table_of_the_first(system, shell, tmp_path, image):
    shell.echo(f"{R0}/state", "start")
    before = shell.ls("/sys/kernel/debug/remoteproc/remoteproc0")
    (tmp_path / "fw").write_bytes(IMAGES[image].make())
    _crash(shell)
    _wait(lambda: _up(system) == 2)
    assert shell.cat(f"{R0}/state") == "running\n"
    assert shell.ls(DEBUG) == before
    _wait(lambda: shell.exists("/sys/bus/rpmsg/devices/virtio0.rpmsg-raw.-1.1024"))


@pytest.mark.parametrize("image", [b"", b"\x7fELF", b"\x7fELF\1" + bytes(40), bytes(500)])
def test_another_image_that_is_none_is_refused(system, shell, tmp_path, image, caplog):
    """A recovery checks the sanity of no image."""
    shell.echo(f"{R0}/state", "start")
    (tmp_path / "fw").write_bytes(image)
    _crash(shell)
    failed = "remoteproc remoteproc0: Failed to load program segments: -22"
    _wait(lambda: failed in _log(system) or any("request_firmware" in x for x in _log(system)))
    system.remoteproc.rprocs[0].workqueue.flush()
    assert shell.cat(f"{R0}/state") == "offline\n"
    assert [record for record in caplog.records if record.exc_info] == []


def test_a_signal_ends_an_inline_dump_for_the_caller_that_recovers(system, shell):
    """`echo recover > recovery` waits for the reader of the dump; it can be killed."""
    shell.echo(f"{R0}/coredump", "inline")
    shell.echo(f"{R0}/recovery", "disabled")
    shell.echo(f"{R0}/state", "start")
    _crash(shell)
    _wait(lambda: shell.cat(f"{R0}/state") == "crashed\n")
    task = Task()

    def recover():
        with task.running():
            shell.echo(f"{R0}/recovery", "recover")

    caller = threading.Thread(target=recover)
    caller.start()
    _wait(lambda: shell.exists(f"{R0}/devcoredump/data"))
    task.interrupt()
    caller.join(10)
    assert not caller.is_alive()
    assert shell.cat(f"{R0}/state") == "running\n"


def test_an_unbind_ends_an_inline_dump(system, shell):
    """Nothing waits for its reader, who is told that it is gone."""
    shell.echo(f"{R0}/coredump", "inline")
    shell.echo(f"{R0}/state", "start")
    _crash(shell)
    _wait(lambda: shell.exists(f"{R0}/devcoredump/data"))
    handle = shell.open(f"{R0}/devcoredump/data")
    shell.echo("/sys/bus/platform/drivers/rproc-sim/unbind", "rproc-sim.0")
    assert not shell.exists(R0)
    assert shell.ls("/sys/class/devcoredump") == ["disabled"]
    with pytest.raises(OSError) as caught:
        handle.read(100, 0)
    assert caught.value.errno == errno.ENODEV


def test_reading_an_inline_dump_to_its_end_is_logged(system, shell):
    shell.echo(f"{R0}/coredump", "inline")
    shell.echo(f"{R0}/state", "start")
    _crash(shell)
    _wait(lambda: shell.exists(f"{R0}/devcoredump/data"))
    handle = shell.open(f"{R0}/devcoredump/data")
    size = len(handle.read(4096, 0))
    assert handle.read(4096, size) == b""
    assert len(handle.read(10, 0)) == 10
    done = [line for line in _log(system) if "Ramdump" in line]
    assert done == [f"remoteproc remoteproc0: Ramdump done, {size} bytes read"] * 2
    handle.write(b"1", 0)
    _wait(lambda: _up(system) == 2)


def test_announcements_come_when_the_boot_is_over(system, shell):
    for _ in range(5):
        system.model.kmsg.clear()
        shell.echo(f"{R0}/state", "start")
        _wait(lambda: any("creating channel" in line for line in _log(system)))
        assert "is now up" in _log(system)[-2]
        shell.echo(f"{R0}/state", "stop")


def test_the_end_of_a_file(shell):
    assert shell.open(f"{R0}/state").seek_end(4096) == 4096
    assert shell.open(f"{DEBUG}/name").seek_end(0) == 0
    with pytest.raises(OSError) as caught:
        shell.open(f"{DEBUG}/resource_table", os.O_RDONLY).seek_end(0)
    assert caught.value.errno == errno.EINVAL


def test_devices_are_not_truncated(shell):
    for path in (f"{R0}/state", f"{DEBUG}/name"):
        shell.lookup(path).truncate()
    node = shell.lookup("/dev/remoteproc0")
    assert isinstance(node, File)
    with pytest.raises(OSError) as caught:
        node.truncate()
    assert caught.value.errno == errno.EINVAL


def test_which_writers_may_keep_others_waiting(shell):
    serial = {name: shell.lookup(f"{R0}/{name}").serial for name in ("state", "coredump", "name")}
    assert serial == {"state": False, "coredump": True, "name": True}
    assert not shell.lookup("/dev/remoteproc0").serial
