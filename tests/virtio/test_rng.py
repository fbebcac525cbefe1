"""virtio_rng and /dev/hwrng."""

import errno
import os
import threading

import pytest

from rprocfs.kernel import LINUX_6_1
from rprocfs.system import System
from rprocfs.testing.userspace import Userspace, read
from tests.rpmsg.link import code
from tests.virtio.bench import VirtioSystem

RNG = 4
DEV, SYS = "/dev/hwrng", "/sys/class/misc/hw_random"
PATTERN = bytes(range(64))


@pytest.fixture
def rng(device):
    return device(RNG, "virtio_rng", features=0, vqs=1)


@pytest.fixture
def two(rng):
    """A second device of the same system."""
    other = VirtioSystem(RNG, system=rng.system, features=0, vqs=1).start()
    yield other
    other.stop()


def test_without_a_device():
    with System(strict=True, modules=["virtio_rng"]) as system:
        shell = Userspace(system.tree)
        handle = shell.open(DEV, os.O_RDONLY)
        assert code(handle.read, 10, 0) == code(handle.ioctl, 1, 0, b"") == errno.ENODEV
        assert shell.cat(f"{SYS}/rng_available") == "none\n"
        assert shell.cat(f"{SYS}/rng_current") == "none\n"
        assert code(shell.cat, f"{SYS}/rng_quality") == errno.ENODEV
        assert code(shell.echo, f"{SYS}/rng_quality", "512\n") == errno.ENODEV
        assert shell.cat("/sys/module/rng_core/refcnt") == "2\n"
        handle.release()
        assert shell.cat("/sys/module/rng_core/refcnt") == "1\n"


def test_node(rng):
    assert rng.shell.cat(f"{SYS}/uevent") == "MAJOR=10\nMINOR=183\nDEVNAME=hwrng\n"
    assert rng.shell.ls(SYS) == [
        "dev", "power", "rng_available", "rng_current", "rng_quality", "rng_selected",
        "subsystem", "uevent",
    ]  # fmt: skip
    assert rng.shell.cat(f"{SYS}/rng_available") == "virtio_rng.0 none\n"
    assert rng.shell.cat(f"{SYS}/rng_selected") == "0\n"
    assert rng.shell.cat(f"{SYS}/rng_quality") == "1024\n"
    for flags in (os.O_WRONLY, os.O_RDWR):
        assert code(rng.open, DEV, flags) == errno.EINVAL
    assert code(rng.open(DEV, os.O_RDONLY).ioctl, 1, 0, b"") == errno.ENOTTY


def test_the_quality_that_an_older_kernel_assumed():
    with System(strict=True, version=LINUX_6_1, modules=["virtio_rng"]) as system:
        one = VirtioSystem(RNG, system=system, vqs=1).start()
        assert one.shell.cat(f"{SYS}/rng_quality") == "1000\n"


def test_what_came_is_handed_out_from_its_end(rng):
    handle = rng.open(DEV, os.O_RDONLY)
    assert code(handle.read, 16, 0) == errno.EAGAIN
    rng.put(PATTERN)
    assert handle.read(16, 0) == PATTERN[48:]
    assert rng.queues[0].available() == 1
    assert handle.read(48, 0) == PATTERN[:48]
    assert code(handle.read, 1, 0) == errno.EAGAIN
    assert handle.read(0, 0) == b""


def test_a_read_gives_all_that_it_asked_for(rng):
    handle = rng.open(DEV, os.O_RDONLY)
    got = []
    reader = threading.Thread(target=lambda: got.append(read(handle, 200)))
    reader.start()
    for _ in range(4):
        while not rng.queues[0].available():
            pass
        rng.put(PATTERN)
        while reader.is_alive() and not rng.queues[0].available():
            pass
    reader.join(10)
    assert got == [PATTERN * 3 + PATTERN[-8:]]


def test_a_reader_that_does_not_wait_gets_what_there_is(rng):
    handle = rng.open(DEV, os.O_RDONLY | os.O_NONBLOCK)
    assert code(handle.read, 200, 0) == errno.EAGAIN
    rng.put(b"short")
    assert handle.read(200, 0) == b"short"
    assert code(handle.read, 200, 0) == errno.EAGAIN


def test_removal_ends_a_read(rng):
    handle, other = rng.open(DEV, os.O_RDONLY), rng.open(DEV, os.O_RDONLY)
    results = []
    readers = [
        threading.Thread(target=lambda: results.append(read(handle, 200))),
        threading.Thread(target=lambda: results.append(code(read, other, 200))),
    ]
    for number, reader in enumerate(readers):
        reader.start()
        while len(rng.system.modules.load("rng_core").exports.readq) <= number:
            pass
        if not number:
            rng.put(PATTERN)
            while not rng.queues[0].available():
                pass
            while not len(rng.system.modules.load("rng_core").exports.readq):
                pass
    bind = rng.unbind()
    for reader in readers:
        reader.join(10)
    assert sorted(results, key=str) == sorted([PATTERN, errno.ENODEV], key=str)
    assert code(handle.read, 1, 0) == errno.ENODEV
    assert rng.transport.buffers == []
    bind()
    rng.boot()
    rng.put(PATTERN)
    assert handle.read(64, 0) == PATTERN


def test_a_length_that_is_a_lie_ends_with_the_buffer(rng):
    handle = rng.open(DEV, os.O_RDONLY)
    rng.put(PATTERN, 0xFFFFFFFF)
    assert handle.read(64, 0) == PATTERN
    assert code(handle.read, 1, 0) == errno.EAGAIN


def test_what_the_device_writes_later_does_not_count(rng):
    handle = rng.open(DEV, os.O_RDONLY)
    rng.put(PATTERN)
    (buffer,) = rng.transport.buffers
    buffer.va[:64] = bytes(64)
    assert handle.read(64, 0) == PATTERN


def test_entries_that_cannot_be(rng):
    handle = rng.open(DEV, os.O_RDONLY)
    rng.ring(0)
    head = rng.queues[0].pop().head
    rng.queues[0].push(head + 77, 64)
    rng.ring(0)
    assert "out of range" in rng.klog()[0]
    rng.queues[0].push(head, 0)
    rng.ring(0)
    assert code(handle.read, 1, 0) == errno.EAGAIN
    assert rng.queues[0].available() == 0


def test_a_device_without_a_queue(device):
    one = device(RNG, "virtio_rng", features=0, vqs=0)
    assert one.vdev.driver is None
    assert "probe with driver virtio_rng failed with error -12" in one.klog()[0]
    assert one.shell.cat(f"{SYS}/rng_available") == "none\n"


def test_a_source_is_chosen(rng, two):
    shell = rng.shell
    assert shell.cat(f"{SYS}/rng_available") == "virtio_rng.0 virtio_rng.1 none\n"
    assert shell.cat(f"{SYS}/rng_current") == "virtio_rng.0\n"
    shell.echo(f"{SYS}/rng_current", "virtio_rng.1\n")
    assert shell.cat(f"{SYS}/rng_selected") == "1\n"
    handle = rng.open(DEV, os.O_RDONLY)
    two.put(b"second")
    assert handle.read(6, 0) == b"second"
    shell.echo(f"{SYS}/rng_current", "nobody\n")
    assert shell.cat(f"{SYS}/rng_current") == "virtio_rng.1\n"
    shell.echo(f"{SYS}/rng_current", "none\n")
    assert code(handle.read, 6, 0) == errno.ENODEV
    assert shell.cat(f"{SYS}/rng_selected") == "1\n"
    shell.echo(f"{SYS}/rng_current", "\n")
    assert shell.cat(f"{SYS}/rng_current") == "virtio_rng.0\n"
    assert shell.cat(f"{SYS}/rng_selected") == "0\n"


def test_the_best_source_is_read(rng, two):
    shell = rng.shell
    shell.echo(f"{SYS}/rng_quality", "0x100\n")
    assert shell.cat(f"{SYS}/rng_current") == "virtio_rng.1\n"
    assert shell.cat(f"{SYS}/rng_quality") == "1024\n"
    two.stop()
    assert shell.cat(f"{SYS}/rng_current") == "virtio_rng.0\n"
    assert shell.cat(f"{SYS}/rng_quality") == "256\n"
    two.start()
    assert shell.cat(f"{SYS}/rng_available") == "virtio_rng.0 virtio_rng.1 none\n"
    assert shell.cat(f"{SYS}/rng_current") == "virtio_rng.1\n"


@pytest.mark.parametrize("text", ["1025\n", "-1\n", "x\n", "\n", "7"])
def test_a_quality_that_is_none(rng, text):
    assert code(rng.shell.echo, f"{SYS}/rng_quality", text) == errno.EINVAL
