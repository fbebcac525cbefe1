"""Whatever a device writes into its rings: its drivers stay, and work again once it behaves."""

import os
from contextlib import suppress

import pytest

from rprocfs.tty import tty_io
from tests.examples import rounds
from tests.virtio.test_console import RAW

DEVICES = {
    "console": (3, "/dev/hvc0", os.O_RDWR),
    "serial": (11, "/dev/vport0p0", os.O_RDWR),
    "rng": (4, "/dev/hwrng", os.O_RDONLY),
}


def mutate(ring, random):
    """Somewhere a byte, an entry that may be, and an index that may be."""
    ring.memory[random.randrange(len(ring.memory))] = random.getrandbits(8)
    length = random.choice((0, 1, 64, 4096, 4097, random.getrandbits(32)))
    ring.used_ring[random.randrange(ring.num)] = random.randrange(ring.num + 2) | length << 32
    ring.used[1] = ring.used[1] + random.choice((0, 1, 1, 2, 9, random.getrandbits(16))) & 0xFFFF


def fresh(one, name):
    """The device, reset, and its file, opened again."""
    one.unbind()()
    one.boot()
    while one.handles:
        one.handles.pop().release()
    _, path, flags = DEVICES[name]
    handle = one.open(path, flags)
    if name == "console":
        handle.ioctl(tty_io.TCSETS, 0, RAW)
    with suppress(OSError):  # what the core of hw_random still has
        handle.read(4096, 0)
    return handle


@pytest.mark.parametrize("name", DEVICES)
def test_any_ring(device, name):
    kind, _, flags = DEVICES[name]
    one = device(kind, "virtio_console", "virtio_rng", features=0, num=8)
    received = 0
    for number, random in rounds(5000):
        if not number % 20:
            handle = fresh(one, name)
        index = random.randrange(len(one.transport.rings))
        mutate(one.transport.rings[index], random)
        one.ring(index)
        size = random.randrange(5000)
        with suppress(OSError):
            data = handle.read(size, 0)
            assert len(data) <= size
            received += len(data)
        if flags == os.O_RDWR:
            with suppress(OSError):
                assert handle.write(bytes(size), 0) <= size
        handle.poll()
    assert received
    handle = fresh(one, name)
    one.put(b"as new")
    assert handle.read(6, 0) == b"as new"
    one.stop()
    assert one.transport.buffers == []
