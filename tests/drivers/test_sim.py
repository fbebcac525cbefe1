import errno
import os
from itertools import islice
from pathlib import Path

import pytest

from rprocfs.drivers.sim.ctl import string_unescape
from rprocfs.drivers.sim.remote import SimRemote
from rprocfs.remoteproc.core import rproc_get_by_phandle
from rprocfs.remoteproc.rproc import rproc_da_to_va, rproc_put
from rprocfs.system import System
from rprocfs.testing.driver_table import TABLE, Bench, Images
from rprocfs.testing.images import IMAGES
from rprocfs.testing.userspace import Userspace, read

SERVICES = ("rpmsg-raw", "rpmsg-client-sample")
PROPERTIES = {
    "compatible": "rprocfs,sim",
    "services": " ".join(f"{name}@{1024 + i}" for i, name in enumerate(SERVICES)),
}
FIRMWARE = Path(__file__).parents[2] / "rprocfs" / "firmware"
R0 = "/sys/class/remoteproc/remoteproc0"


@pytest.fixture
def images(tmp_path_factory):
    path = tmp_path_factory.mktemp("images") / "good.elf"
    path.write_bytes(IMAGES["good.elf"].make())
    return Images(path, SERVICES, "firmware boot")


@pytest.mark.parametrize("memory", ["tcm", "any"])
@pytest.mark.parametrize("name", TABLE)
def test_driver_table(name, memory, images, tmp_path):
    with Bench({**PROPERTIES, "memory": memory}, images, tmp_path) as bench:
        TABLE[name](bench)


@pytest.fixture
def bench(images, tmp_path):
    with Bench(PROPERTIES, images, tmp_path) as bench:
        yield bench


def _ctl(bench, text):
    bench.shell.echo("/sys/kernel/debug/rproc_sim/0/ctl", text)


def _errno(call, *args):
    with pytest.raises(OSError) as caught:
        call(*args)
    return caught.value.errno


@pytest.mark.parametrize("operation", ["start", "prepare"])
def test_a_boot_that_fails_is_undone(bench, operation):
    _ctl(bench, f"fail_{operation} 5")
    assert _errno(bench.start) == errno.EIO
    assert bench.state == "offline"
    assert f"can't {operation} rproc sim0: -5" in bench.log
    assert "Boot failed: -5" in bench.log
    _ctl(bench, f"fail_{operation} 0")
    bench.start()


def test_a_stop_that_fails_leaves_it_running_without_channels(bench):
    bench.start()
    _ctl(bench, "fail_stop 5")
    assert _errno(bench.stop) == errno.EIO
    assert bench.state == "running"
    assert bench.shell.ls("/sys/bus/virtio/devices") == []
    _ctl(bench, "fail_stop 0")
    bench.stop()
    assert bench.state == "offline"


def test_the_remote_sends_floods_and_fills(bench):
    bench.start()
    handle = bench.open("/dev/rpmsg0")
    _ctl(bench, r"send 0x400 0x400 a\n\x41\0b\101")
    _ctl(bench, "flood 0x400 0x400 3")
    _ctl(bench, "fill 0x400 0x400 7")
    messages = [handle.read(100, 0) for _ in range(5)]
    assert messages == [b"a\nA\0bA", b"m000", b"m001", b"m002", b"xxxxxxx"]
    assert _errno(_ctl, bench, "fill 1 2 5000") == errno.EMSGSIZE
    assert _errno(_ctl, bench, "fill 1 2 4000") == errno.EMSGSIZE


def test_it_logs_what_it_receives(bench):
    bench.start()
    handle = bench.open("/dev/rpmsg0")
    handle.write(b"hi\n", 0)
    log = "/sys/kernel/debug/rproc_sim/0/log"
    line = "msg src=0x400 dst=0x400 len=3 flags=0x0 hi\\x0a\n"
    bench.wait(lambda: line in bench.shell.cat(log))
    assert bench.shell.cat(log).startswith("vdev0 driver ok, features 0x1\n")
    _ctl(bench, "log clear")
    assert bench.shell.cat(log) == ""


def test_announcements_come_and_go(bench):
    bench.start()
    _ctl(bench, "ns create late-comer 0x500")
    path = "/sys/bus/rpmsg/devices/virtio0.late-comer.-1.1280"
    bench.wait(lambda: bench.shell.exists(path))
    _ctl(bench, "ns destroy late-comer 0x500")
    bench.wait(lambda: not bench.shell.exists(path))


@pytest.mark.parametrize(
    "command",
    ["", "nonsense", "fail_start x", "fail_lunch 1", "ns create x", "ns create x 1 9", "send 1",
     "crash", "crash x", "trace x y", "delay_start"],
)  # fmt: skip
def test_bad_commands_are_refused(bench, command):
    bench.start()
    assert _errno(_ctl, bench, command + " ") == errno.EINVAL
    assert bench.state == "running"


def test_nobody_to_talk_to(bench):
    for command in ("send 1 2 x", "ns create x 1"):
        assert _errno(_ctl, bench, command) == errno.ENOTCONN
    assert _errno(_ctl, bench, "x" * 5000) == errno.E2BIG
    assert _errno(_ctl, bench, "trace 0x90000000 x") == errno.EFAULT


@pytest.mark.parametrize("image", ["rng.elf", "console.elf"])
def test_a_vdev_without_rpmsg_is_nobody_to_talk_to(tmp_path, image):
    with System(firmware=FIRMWARE) as system:
        system.add_processor({"compatible": "rprocfs,sim", "memory": "any"})
        shell = Userspace(system.tree)
        shell.echo(f"{R0}/firmware", image)
        shell.echo(f"{R0}/state", "start")
        for command in ("send 1 2 x", "flood 1 2 3", "fill 1 2 3", "ns create x 1"):
            path = "/sys/kernel/debug/rproc_sim/0/ctl"
            assert _errno(shell.echo, path, command) == errno.ENOTCONN


def test_the_remote_writes_its_trace(bench):
    bench.start()
    _ctl(bench, r"trace 0x10004000 hello\n\0")
    assert bench.shell.cat("/sys/kernel/debug/remoteproc/remoteproc0/trace0") == "hello\n"


def test_the_drivers_memory_gives_the_coredump(bench):
    bench.start()
    bench.shell.echo(f"{R0}/coredump", "enabled")
    _ctl(bench, "crash 1")
    data = f"{R0}/devcoredump/data"
    bench.wait(lambda: bench.shell.exists(data))
    assert b"firmware boot" in bench.shell.cat_bytes(data)
    handle = bench.open(data)
    handle.write(b"1", 0)
    bench.wait(lambda: not bench.shell.exists(data))
    assert _errno(handle.read, 1, 0) == errno.ENODEV


@pytest.fixture
def attached(tmp_path):
    with System(firmware=tmp_path) as system:
        system.add_processor({**PROPERTIES, "detached": True})
        yield Userspace(system.tree)


def test_attach_and_detach(attached):
    assert attached.cat(f"{R0}/state") == "detached\n"
    attached.echo(f"{R0}/state", "start")
    assert attached.cat(f"{R0}/state") == "attached\n"
    assert attached.cat(f"{R0}/firmware") == "unknown\n"
    trace = "/sys/kernel/debug/remoteproc/remoteproc0/trace0"
    assert attached.cat(trace) == "already running\n"
    attached.echo(f"{R0}/state", "detach")
    assert attached.cat(f"{R0}/state") == "detached\n"
    assert not attached.exists(trace)
    attached.echo(f"{R0}/state", "start")
    attached.echo(f"{R0}/state", "stop")
    assert attached.cat(f"{R0}/state") == "offline\n"


def test_read_only_attributes(tmp_path):
    with System(firmware=tmp_path) as system:
        system.add_processor({**PROPERTIES, "sysfs-read-only": True})
        shell = Userspace(system.tree)
        for name in ("state", "firmware", "recovery", "coredump", "name"):
            assert shell.lookup(f"{R0}/{name}").mode == 0o444
            assert _errno(shell.open, f"{R0}/{name}", os.O_WRONLY) == errno.EACCES


def test_any_memory_has_a_limit(tmp_path):
    with System(firmware=tmp_path) as system:
        device = system.add_processor({**PROPERTIES, "memory": "any"})
        rproc = system.remoteproc.rprocs[0]
        assert device.driver is not None
        assert len(rproc_da_to_va(rproc, 0x12345678, 64 << 20)) == 64 << 20
        assert rproc_da_to_va(rproc, 0x40000000, 200 << 20) is None
        assert rproc_da_to_va(rproc, 0xFFFFFFFF, 2) is None


def test_by_phandle(tmp_path):
    with System(firmware=tmp_path) as system:
        system.add_processor({**PROPERTIES, "phandle": 7})
        rproc = rproc_get_by_phandle(system.remoteproc, 7)
        assert rproc.label == "sim0"
        rproc_put(rproc)
        assert _errno(rproc_get_by_phandle, system.remoteproc, 8) == errno.ENODEV


def test_escapes():
    assert string_unescape(r"\n\t\\\x7e\101\e\q") == b"\n\t\\~A\x1b\\q"


def test_an_echo_that_finds_no_room_waits_for_it(bench, monkeypatch):
    """The host sends on while the remote answers: its receiving buffers run out."""
    bench.start()
    handle = bench.open("/dev/rpmsg0")
    messages = [b"%d" % number for number in range(100)]
    waiting = iter(messages)
    note = SimRemote._note

    def note_and_send(remote, line):
        note(remote, line)
        for message in islice(waiting, 1):
            handle.write(message, 0)

    monkeypatch.setattr(SimRemote, "_note", note_and_send)
    handle.write(next(waiting), 0)
    assert [read(handle, timeout=20) for _ in messages] == messages
