"""Rings in every state that a remote can write, against the queue and what receives from it."""

import struct

from rprocfs.base.device import Device
from rprocfs.base.dma import DmaBuffer
from rprocfs.base.model import DriverModel
from rprocfs.rpmsg.endpoint import RpmsgEndpoint
from rprocfs.rpmsg.hdr import RPMSG_HDR_SIZE
from rprocfs.rpmsg.rx import Endpoints, Rx
from rprocfs.virtio.ring import IDX, Vring, vring_size
from rprocfs.virtio.virtio import VirtioBus, VirtioDevice
from rprocfs.virtio.virtqueue import VirtioVirtqueue, VqInfo
from tests.examples import rounds
from tests.rpmsg.link import MemoryTransport

ALIGN, SIZE, DA = 16, 512, 0x1000
EDGES = (0, 1, 7, 15, 16, 17, 255, 511, 512, 513, 0x7FFF, 0x8000, 0xFFFF)
WIDE = (*EDGES, 0x10000, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)


class Endpoint(RpmsgEndpoint):
    """One that only receives."""

    def destroy_ept(self): ...
    def sendto(self, data, dst): ...
    def trysendto(self, data, dst): ...
    def get_mtu(self): ...
    def send_timeout(self): ...

    sendq = None


class Link:
    """A receive ring with its buffers, and an endpoint at 1024."""

    def __init__(self, num, features=0):
        self.model = DriverModel()
        parent = Device(self.model, "soc")
        parent.device_add()
        vdev = VirtioDevice(VirtioBus(self.model), parent, MemoryTransport(), 7)
        vdev.name, vdev.features = "virtio0", features
        self.num = num
        self.memory = memoryview(bytearray(vring_size(num, ALIGN)))
        self.ring = Vring(self.memory, num, ALIGN)
        self.buffers = bytearray(num * SIZE)
        self.got = []
        info = VqInfo("input", lambda _: self.rx.recv_done())
        self.vq = VirtioVirtqueue(vdev, 0, info, self.memory, num, ALIGN, lambda: None)
        endpoints = Endpoints()
        self.ept = Endpoint(None, self.receive, None, 1024, atomic=True)
        self.ept.addr = endpoints.alloc(self.ept, 1024)
        buffers = DmaBuffer(DA, memoryview(self.buffers), len(self.buffers))
        self.rx = Rx(vdev, self.vq, buffers, SIZE, endpoints)

    def receive(self, rpdev, data, priv, src):
        del rpdev, priv, src
        self.got.append(len(data))

    def mutate(self, random):
        """One wild write, as a remote may do at any time; now and then an honest message."""
        ring, num = self.ring, self.num
        used = ring.used[IDX]
        match random.randrange(6):
            case 0:
                ring.used[IDX] = random.choice((used + 1, used + num, used - 1, *EDGES)) & 0xFFFF
            case 1:
                at = random.randrange(num)
                head = random.choice((random.randrange(num), num, *WIDE))
                ring.used_ring[at] = head | random.choice(WIDE) << 32
            case 2:
                self.memory[random.randrange(len(self.memory))] = random.randrange(256)
            case 3:
                head = (1024, random.choice((1024, 53, 0, 0xFFFFFFFF)), 0, random.choice(EDGES), 0)
                struct.pack_into("<IIIHH", self.buffers, random.randrange(num) * SIZE, *head)
            case 4:
                ring.avail[random.randrange(len(ring.avail))] = random.choice(EDGES)
            case 5:
                at, length = used % num, random.randrange(RPMSG_HDR_SIZE, SIZE + 1)
                head = random.randrange(num)
                struct.pack_into(
                    "<IIIHH", self.buffers, head * SIZE, 7, 1024, 0, length - RPMSG_HDR_SIZE, 0
                )
                ring.used_ring[at] = head | length << 32
                ring.used[IDX] = (used + 1) & 0xFFFF


def test_a_million_rings():
    """RPROCFS_EXAMPLES=100 makes it one: nothing but messages that fit and lines of the log."""
    link, received = None, 0
    for number, random in rounds(10_000):
        if number % 1000 == 0:
            received += len(link.got) if link else 0
            link = Link(random.choice((1, 2, 8, 16, 256)), random.choice((0, 1 << 29)))
        link.mutate(random)
        link.vq.vring_interrupt()
        assert not link.vq.more_used()
        assert link.vq._ring.num_free <= link.num
        assert all(length <= SIZE - RPMSG_HDR_SIZE for length in link.got[-link.num :])
        assert len(link.model.kmsg.records()) < 200
    assert received > 100
