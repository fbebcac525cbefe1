import ctypes
import os
from pathlib import Path

import pytest

from rprocfs.arch.armv7m.stacks import BusError
from rprocfs.engines.memory import SharedRam
from rprocfs.engines.unicorn.ram import WorkerRam
from rprocfs.soc.machine import Bank


@pytest.fixture
def ram():
    with SharedRam(0x21000000, 0x10000) as ram:
        yield ram


def test_addresses_are_device_addresses(ram):
    ram.at(0x21000010, 4)[:] = b"abcd"
    assert ram.view[0x10:0x14] == b"abcd"
    assert os.pread(ram.fd, 4, 0x10) == b"abcd"


@pytest.mark.parametrize(
    ("da", "size"), [(0x20FFFFFF, 1), (0x21010000, 1), (0x2100FFFF, 2), (0x21000000, -1), (0, 0)]
)
def test_what_is_not_inside(ram, da, size):
    with pytest.raises(ValueError, match="not in this RAM"):
        ram.at(da, size)


def test_clear(ram):
    ram.at(0x21000010, 4)[:] = b"abcd"
    ram.clear()
    assert ram.at(0x21000010, 4) == bytes(4)


def test_nobody_takes_it_away(ram):
    """Whoever accessed what is gone would get SIGBUS."""
    for size in (0, 0x20000):
        with pytest.raises(PermissionError):
            os.ftruncate(ram.fd, size)


def test_closing_twice():
    ram = SharedRam(0, 4096)
    ram.close()
    ram.close()


def test_closing_gives_it_back_while_it_is_in_use():
    ram = SharedRam(0, 1 << 20, name="rproc-closing")
    words = ram.at(0x1000, 0x1000).cast("I")
    words[0] = 7
    ram.close()
    assert not [fd for fd in os.listdir("/proc/self/fd") if "rproc-closing" in target(fd)]
    assert "rproc-closing" not in Path("/proc/self/maps").read_text()
    assert list(words) == [0] * 0x400
    words[1] = 1  # goes nowhere, and hurts nothing
    ram.close()


def test_the_addresses_are_free_when_the_last_view_is_gone():
    ram = SharedRam(0, 1 << 20)
    view = ram.at(0x1000, 0x1000)
    ctypes_array = view.obj
    ends = ctypes.addressof(ctypes_array) + len(ctypes_array)
    part = view[0x10:]
    ram.close()
    del ram, view, ctypes_array
    assert mapped(ends - 1)
    del part
    assert not mapped(ends - 1)


def target(fd):
    try:
        return os.readlink(f"/proc/self/fd/{fd}")
    except OSError:
        return ""


def mapped(address):
    lines = Path("/proc/self/maps").read_text().splitlines()
    ranges = [line.split()[0].split("-") for line in lines]
    return any(int(first, 16) <= address < int(end, 16) for first, end in ranges)


def test_the_workers_view(ram):
    worker = WorkerRam(ram.fd, ram.banks)
    worker.store(0x21000100, [1, 0xFFFFFFFF])
    assert ram.at(0x21000100, 8) == b"\1\0\0\0\xff\xff\xff\xff"
    assert worker.load(0x21000100, 2) == (1, 0xFFFFFFFF)
    assert (worker.fetch(0x21000104), worker.fetch(0x21010000)) == (b"\xff\xff", b"")
    for da, count in ((0x20FFFFFC, 1), (0x2100FFFC, 2)):
        with pytest.raises(BusError):
            worker.load(da, count)
        with pytest.raises(BusError):
            worker.store(da, [0] * count)


def test_banks_may_be_one_behind_the_other(ram):
    banks = Bank("atcm", 0, 0x1000, 0), Bank("btcm", 0x1000, 0x1000, 0x1000)
    worker = WorkerRam(ram.fd, banks)
    ram.at(0x21000FFE, 4)[:] = b"abcd"
    assert worker.code(0x1000, 2) == b"cd"
    assert worker.code(0xFFE, 4) == b"ab"
    assert worker.code(0x2000, 4) == b""
