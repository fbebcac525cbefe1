import os

import pytest

from rprocfs.arch.armv7m.exceptions import BusError
from rprocfs.engines.memory import SharedRam
from rprocfs.engines.unicorn.ram import WorkerRam


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


def test_closing_while_it_is_in_use_fails():
    ram = SharedRam(0, 4096)
    view = ram.at(0, 4)
    with pytest.raises(BufferError):
        ram.close()
    view.release()


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
