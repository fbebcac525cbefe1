"""Both ends of a ring in two processes, and the orderings that this host may not need."""

import mmap
import os
import subprocess
import sys
from pathlib import Path

import pytest

from rprocfs.testing.vring import DeviceQueue, loose_vring
from rprocfs.virtio import device_ring, ring
from rprocfs.virtio.barrier import Barrier
from rprocfs.virtio.ring import Virtqueue, Vring, vring_size

NUM, COUNT = 16, 20_000
ROOT = Path(__file__).parents[2]

FAR_SIDE = """
import mmap, sys
from rprocfs.virtio.device_ring import DeviceQueue
from rprocfs.virtio.ring import Vring
fd, num, count = map(int, sys.argv[1:])
device = DeviceQueue(Vring(memoryview(mmap.mmap(fd, 0)), num, 64))
while count:
    chain = device.pop()
    if chain:
        count -= 1
        device.push(chain.head, chain.descs[0].addr % 512)
"""


def exchange(vq, far_side):
    """How many buffers came back, each with what the far side makes of its address."""
    sent = received = 0
    while received < COUNT and far_side.poll() in (None, 0):
        if sent < COUNT and vq.num_free:
            vq.add_inbuf(sent, 512, sent)
            sent += 1
        if (used := vq.get_buf()) is not None:
            assert used == (received, received % 512)
            received += 1
    return received


@pytest.mark.skipif(not hasattr(os, "memfd_create"), reason="no memfd_create on this host")
def test_two_processes():
    """Nothing is lost, torn or out of order: an entry is whole before its index is seen."""
    fd = os.memfd_create("ring")
    os.ftruncate(fd, vring_size(NUM, 64))
    memory = mmap.mmap(fd, 0)
    vq = Virtqueue(Vring(memoryview(memory), NUM, 64))
    command = [sys.executable, "-c", FAR_SIDE, str(fd), str(NUM), str(COUNT)]
    with subprocess.Popen(command, pass_fds=[fd], cwd=ROOT) as far_side:
        try:
            received = exchange(vq, far_side)
        except BaseException:
            far_side.kill()
            raise
    os.close(fd)
    assert far_side.returncode == 0
    assert (received, vq.num_free) == (COUNT, NUM)


def test_weakly_ordered_hosts(monkeypatch):
    """The same results where each step needs its barrier."""
    monkeypatch.setattr(ring, "IS_TSO", False)
    monkeypatch.setattr(device_ring, "IS_TSO", False)
    vq = Virtqueue(loose_vring(4))
    device = DeviceQueue(vq.vring)
    for turn in range(10):
        vq.add_inbuf(0, 8, turn)
        device.push(device.pop().head, 3)
        assert vq.get_buf() == (turn, 3)


def test_a_barrier_can_be_crossed_again_and_again():
    barrier, other = Barrier(), Barrier()
    for _ in range(3):
        barrier()
        other()
