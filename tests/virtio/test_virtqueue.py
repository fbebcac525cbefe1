"""The virtqueue with its lock: callbacks, doorbells, bad entries."""

import errno
import threading
import time

import pytest

from rprocfs.base.device import Device
from rprocfs.base.model import DriverModel
from rprocfs.virtio.device_ring import DeviceQueue
from rprocfs.virtio.ring import Vring, vring_size
from rprocfs.virtio.virtio import VirtioBus, VirtioDevice
from rprocfs.virtio.virtqueue import VirtioVirtqueue, VqInfo
from tests.rpmsg.link import MemoryTransport, code

NUM, ALIGN = 8, 16


class Queue:
    def __init__(self, features=0):
        self.model = DriverModel()
        parent = Device(self.model, "soc")
        parent.device_add()
        vdev = VirtioDevice(VirtioBus(self.model), parent, MemoryTransport(), 7)
        vdev.name = "virtio0"
        vdev.features = features
        self.memory = memoryview(bytearray(vring_size(NUM, ALIGN)))
        self.kicks, self.calls = 0, []
        self.doorbell = lambda: None
        info = VqInfo("input", self.calls.append)
        self.vq = VirtioVirtqueue(vdev, 0, info, self.memory, NUM, ALIGN, self._notify)
        self.far = DeviceQueue(Vring(self.memory, NUM, ALIGN), event_idx=bool(features))

    def _notify(self):
        self.kicks += 1
        self.doorbell()

    def use(self, length=0):
        self.far.push(self.far.pop().head, length)

    def klog(self):
        return [record.text for record in self.model.kmsg.records()]


def test_interrupt_calls_back_only_for_something():
    queue = Queue()
    assert queue.vq.vring_interrupt() is False
    queue.vq.add_inbuf(0x1000, 512, 3)
    assert queue.vq.vring_interrupt() is False
    queue.use(20)
    assert queue.vq.vring_interrupt() is True
    assert queue.calls == [queue.vq]
    assert queue.vq.get_buf() == (3, 20)
    assert queue.vq.get_buf() is None


def test_kick_rings_unless_the_far_side_polls():
    queue = Queue()
    queue.vq.add_outbuf(0x1000, 10, 0)
    queue.vq.kick()
    queue.far.disable_notify()
    queue.vq.add_outbuf(0x1000, 10, 1)
    queue.vq.kick()
    assert queue.kicks == 1


def test_event_idx_is_used_where_it_was_negotiated():
    queue = Queue(1 << 29)
    queue.vq.disable_cb()
    for token in range(3):
        queue.vq.add_outbuf(0x1000, 10, token)
    queue.use()
    queue.far.needs_interrupt()
    queue.use()
    assert queue.far.needs_interrupt() is False
    assert queue.vq.enable_cb() is False
    assert [queue.vq.get_buf(), queue.vq.get_buf()] == [(0, 0), (1, 0)]
    assert queue.vq.enable_cb() is True
    queue.use()
    assert queue.far.needs_interrupt() is True


def test_full_ring():
    queue = Queue()
    for token in range(NUM):
        queue.vq.add_outbuf(0x1000, 10, token)
    assert code(queue.vq.add_outbuf, 0x1000, 10, 9) == errno.ENOSPC


def test_bad_entries_are_logged_and_passed_over():
    queue = Queue()
    for token in range(3):
        queue.vq.add_inbuf(0x1000, 512, token)
    queue.far.push(NUM + 5, 0)
    queue.use(7)
    queue.far.push(0, 0)
    assert queue.vq.get_buf() == (0, 7)
    assert queue.vq.get_buf() is None
    assert queue.klog() == [
        f"virtio virtio0: input:id {NUM + 5} out of range",
        "virtio virtio0: input:id 0 is not a head!",
    ]


def test_a_length_that_cannot_be_is_the_drivers_to_judge():
    queue = Queue()
    queue.vq.add_inbuf(0x1000, 512, 2)
    queue.use(0xFFFFFFFF)
    assert queue.vq.get_buf() == (2, 0xFFFFFFFF)
    assert queue.klog() == []


def test_a_flood_of_bad_entries_is_said_ten_times():
    queue = Queue()
    queue.vq.add_inbuf(0x1000, 512, 0)
    for _ in range(50):
        queue.far.push(NUM, 0)
        assert queue.vq.get_buf() is None
    assert len(queue.klog()) == 10
    queue.use(5)
    assert queue.vq.get_buf() == (0, 5)


def test_an_index_that_jumps_does_not_keep_the_driver_busy():
    queue = Queue()
    for jump in (1000, 7, 0xFFFF, 3):
        queue.far.set_used_idx(jump)
        assert queue.vq.get_buf() is None
    assert "used index" in queue.klog()[0]


def test_a_broken_queue_is_quiet():
    queue = Queue()
    queue.vq.add_inbuf(0x1000, 512, 0)
    queue.use(5)
    queue.vq.break_device()
    before = bytes(queue.memory)
    assert queue.vq.vring_interrupt() is False
    assert queue.vq.get_buf() is None
    assert queue.vq.enable_cb() is False
    queue.vq.disable_cb()
    assert code(queue.vq.add_inbuf, 0x1000, 512, 1) == errno.EIO
    assert bytes(queue.memory) == before
    assert queue.calls == []


def test_a_doorbell_that_fails_is_logged():
    queue = Queue()

    def broken():
        raise OSError(errno.EIO, "no doorbell")

    queue.doorbell = broken
    queue.vq.add_outbuf(0x1000, 10, 0)
    queue.vq.kick()
    assert queue.klog() == ["virtio virtio0: input: notify failed: -5"]


def test_the_doorbell_may_come_back_to_the_queue():
    queue = Queue()
    seen = []

    def doorbell():
        queue.use(4)
        queue.vq.vring_interrupt()
        seen.append(queue.vq.get_buf())

    queue.doorbell = doorbell
    queue.vq.add_inbuf(0x1000, 512, 6)
    queue.vq.kick()
    assert seen == [(6, 4)]


@pytest.mark.parametrize("threads", [4])
def test_many_threads_lose_nothing(threads):
    queue = Queue()
    rounds = 300
    got = []

    def send(first):
        for token in range(first, first + rounds):
            while code(queue.vq.add_outbuf, 0x1000, 4, token):
                if (used := queue.vq.get_buf()) is not None:
                    got.append(used[0])
                else:
                    time.sleep(0)
            queue.vq.kick()

    def far_side():
        while not done.is_set() or queue.far.available():
            rung.wait(0.01)
            rung.clear()
            while queue.far.available():
                queue.use(4)

    done, rung = threading.Event(), threading.Event()
    queue.doorbell = rung.set
    consumer = threading.Thread(target=far_side)
    senders = [threading.Thread(target=send, args=(n * rounds,)) for n in range(threads)]
    for thread in (consumer, *senders):
        thread.start()
    for thread in senders:
        thread.join()
    done.set()
    consumer.join()
    while (used := queue.vq.get_buf()) is not None:
        got.append(used[0])
    assert sorted(got) == list(range(threads * rounds))
