"""The link: probing, sending, receiving, taking down, and remotes that lie."""

import errno
import random
import threading

import pytest

from rprocfs.rpmsg.core import ChannelInfo
from rprocfs.rpmsg.hdr import RPMSG_HDR_SIZE, RpmsgHdr
from rprocfs.rpmsg.rx import WEIGHT
from rprocfs.testing.userspace import read, write
from tests.rpmsg.link import RpmsgSystem, code

RAW = ("rpmsg-raw", 1024)
VIRTIO0 = "virtio_rpmsg_bus virtio0: "


def inbound(one, length, data=b"", used=None):
    """A message with a header that claims *length*, of which *used* bytes are said to be there."""
    head, buf = one.remote._next_buffer(RPMSG_HDR_SIZE + len(data))
    message = RpmsgHdr(9, 1024, 0, length).pack() + data
    buf[: len(message)] = message
    one.remote.tx.push(head, len(message) if used is None else used)
    one.interrupt()


def check_alive(one, handle):
    """Traffic flows both ways."""
    one.write(handle, b"alive")
    assert handle.read(100, 0) == b"alive"


# Up and down.


def test_probe(system):
    one = system()
    assert one.klog() == [VIRTIO0 + "rpmsg host is online"]
    assert one.transport.status == 7
    vrp = one.vdev.driver_data
    assert (vrp.rvq.name, vrp.svq.name) == ("input", "output")
    assert one.remote.tx.available() == 16


@pytest.mark.parametrize(("num", "buffers"), [(2, 4), (16, 32), (256, 512), (512, 512)])
def test_number_of_buffers(system, num, buffers):
    one = system(num=num)
    assert one.transport.buffers[0].size == buffers * 512
    assert one.remote.tx.available() == buffers // 2


def test_too_few_queues(system):
    one = RpmsgSystem(vqs=1)
    one.boot = lambda: None
    one.start()
    assert one.klog() == [VIRTIO0 + "probe with driver virtio_rpmsg_bus failed with error -12"]
    assert one.vdev.driver is None
    one.close()


def test_no_memory(system):
    one = RpmsgSystem(num=256)
    one.boot = lambda: None
    one.transport.pool.alloc(one.transport.pool._space.end - 0x40000000 - 4096)
    one.start()
    assert one.klog() == [VIRTIO0 + "probe with driver virtio_rpmsg_bus failed with error -12"]
    assert one.transport.vqs == []
    one.close()


def test_unbind_and_bind(system):
    one = system(RAW)
    one.klog()
    driver = "/sys/bus/virtio/drivers/virtio_rpmsg_bus"
    one.shell.echo(f"{driver}/unbind", "virtio0")
    assert one.devices() == []
    assert one.shell.cat("/sys/bus/virtio/devices/virtio0/status") == "0x00000001\n"
    assert one.transport.buffers == []
    one.shell.echo(f"{driver}/bind", "virtio0")
    one.boot()
    assert len(one.devices()) == 3
    assert one.klog() == [
        VIRTIO0 + "rpmsg host is online",
        VIRTIO0 + "creating channel rpmsg-raw addr 0x400",
    ]
    check_alive(one, one.open("/dev/rpmsg0"))


def test_a_channel_of_ours_is_withdrawn_at_stop(system):
    one = system()
    ctrl = one.channel("virtio0.rpmsg_ctrl.0.0")
    ctrl.create_channel(ChannelInfo("rpmsg-raw", 0x500, 0x600))
    one.settle()
    one.hold = True
    buffers = one.transport.buffers[:]
    one.stop()
    one.transport.buffers = buffers
    assert [message.ns.flags for message in one.received] == [0]
    assert [message.ns.flags for message in one.remote.messages()] == [1]


def test_a_full_ring_does_not_hold_up_a_stop(system):
    one = system()
    ctrl = one.channel("virtio0.rpmsg_ctrl.0.0")
    ctrl.create_channel(ChannelInfo("rpmsg-raw", 0x500, 0x600))
    one.settle()
    one.hold = True
    raw = one.open("/dev/rpmsg0")
    while not code(raw.write, b"x", 0):
        pass
    results = []
    ept = one.channel("virtio0.rpmsg-raw.1280.1536").endpoint
    sender = threading.Thread(target=lambda: results.append(code(ept.send, b"waits")))
    sender.start()
    one.klog()
    one.stop()
    sender.join()
    assert results == [errno.EPIPE]
    assert one.klog()[0].endswith("failed to announce service -32")


def test_nothing_is_written_after_the_end(system):
    one = system(RAW)
    channel = one.channel("virtio0.rpmsg-raw.-1.1024")
    ept, vrp = channel.endpoint, one.vdev.driver_data
    rings, (buffers,) = one.transport.rings, one.transport.buffers
    stale = list(one.transport.vqs)
    one.stop()
    before = [bytes(ring.memory) for ring in rings], bytes(buffers.va)
    assert code(ept.send, b"x") == code(ept.trysend, b"x") == errno.EPIPE
    vrp.tx.sendq.add(lambda: None)
    for queue in stale:
        queue.vring_interrupt()
    vrp.rx.recv_done()
    assert ([bytes(ring.memory) for ring in rings], bytes(buffers.va)) == before


# The sending side of a Python driver, which may wait.


def test_send_waits_for_a_buffer(system):
    one = system(RAW)
    one.hold = True
    ept = one.channel("virtio0.rpmsg-raw.-1.1024").endpoint
    for _ in range(16):
        ept.send(b"fill")
    assert code(ept.trysend, b"no") == errno.ENOMEM
    sender = threading.Thread(target=ept.send, args=(b"waited",))
    sender.start()
    while not len(ept.sendq):
        pass
    one.release()
    sender.join()
    one.settle()
    assert one.received[-1].data == b"waited"


def test_endpoint_ops(system):
    one = system(RAW)
    channel = one.channel("virtio0.rpmsg-raw.-1.1024")
    ept = channel.endpoint
    assert ept.get_mtu() == 496
    assert ept.poll(lambda: None) == 0
    ept.sendto(b"elsewhere", 77)
    one.settle()
    assert (one.received[-1].src, one.received[-1].dst) == (0x400, 77)
    assert code(ept.sendto, b"x", 0xFFFFFFFF) == errno.EINVAL


# Remotes that lie.


@pytest.mark.parametrize(
    ("length", "used", "said"),
    [
        (497, None, "(16, 497)"),
        (0xFFFF, 512, "(512, 65535)"),
        (5, 600, "(600, 5)"),
        (5, 0xFFFFFFFF, "(4294967295, 5)"),
        (0, 0, "(0, 0)"),
        (0, 15, "(15, 0)"),
    ],
)
def test_inbound_too_big(system, length, used, said):
    one = system(RAW)
    raw = one.open("/dev/rpmsg0")
    one.klog()
    for _ in range(40):
        inbound(one, length, used=used)
    log = one.klog()
    assert log[0] == VIRTIO0 + f"inbound msg too big: {said}"
    assert len(log) == 10
    assert one.remote.tx.available() == 16
    check_alive(one, raw)


def test_messages_to_nobody(system):
    one = system(RAW)
    raw = one.open("/dev/rpmsg0")
    one.klog()
    for dst in [0, 1023, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF] * 5:
        one.send(9, dst, b"x")
    log = one.klog()
    assert set(log) == {VIRTIO0 + "msg received with no recipient"}
    assert len(log) == 10
    check_alive(one, raw)


def test_wild_entries_in_both_rings(system):
    one = system(RAW)
    raw = one.open("/dev/rpmsg0")
    wild = random.Random(1)
    for _ in range(300):
        queue = wild.choice((one.remote.tx, one.remote.rx))
        queue.push(wild.choice((16, 255, 0xFFFF, 0xFFFFFFFF)), wild.getrandbits(32))
        one.interrupt(0 if queue is one.remote.tx else 1)
    check_alive(one, raw)


def test_random_rings_never_raise(caplog):
    """Whatever is in the used rings and the buffers: no exception, and a stop is a stop."""
    wild = random.Random(2)
    for _ in range(30):
        one = RpmsgSystem(RAW).start()
        one.open("/dev/rpmsg0")
        one.hold = True
        for _ in range(20):
            for ring in one.transport.rings:
                at = wild.randrange(len(ring.used_ring))
                ring.used_ring[at] = wild.getrandbits(wild.choice((4, 36, 64)))
                ring.used[1] = wild.choice((ring.used[1] + 1, wild.getrandbits(16))) & 0xFFFF
            buffer = one.transport.buffers[0].va
            at = wild.randrange(0, len(buffer) - 64)
            buffer[at : at + 64] = wild.randbytes(64)
            one.interrupt(0)
            one.interrupt(1)
        one.close()
        assert one.devices() == []
    bugs = [record for record in caplog.records if record.exc_info]
    assert bugs == []


def test_lost_buffers_are_the_remotes_own_loss(system):
    one = system(RAW, ("rpmsg-raw", 1025))
    first = one.open("/dev/rpmsg0")
    one.hold = True
    for _ in range(16):
        first.write(b"x", 0)
    one.transport.rings[1].used[1] = 1000
    assert code(first.write, b"y", 0) == errno.EAGAIN
    one.send(1025, 1025, b"the other way still works")
    assert one.open("/dev/rpmsg1").read(100, 0) == b"the other way still works"


# Many at once.


def test_several_senders_and_receivers(system):
    """Nothing is lost, doubled or overtaken within an endpoint."""
    count, channels = 300, 3
    one = system(*(("rpmsg-raw", 2000 + number) for number in range(channels)))
    handles = [one.open(f"/dev/rpmsg{number}") for number in range(channels)]
    got = [[] for _ in handles]

    def send(index):
        for number in range(count):
            write(handles[index], b"%d:%d" % (index, number))

    def receive(index):
        while len(got[index]) < count:
            got[index].append(read(handles[index]))

    def remote_keeps_up():
        # The remote's send fails where the host left no buffer, so it may not run ahead.
        one.consume = consume

    def consume():
        while one.remote.tx.available() and (message := one.remote.receive()) is not None:
            one.remote.send(message.dst, message.src, message.data)
            one.ring(0)
        if one.remote.rx.needs_interrupt():
            one.ring(1)

    remote_keeps_up()
    threads = [
        threading.Thread(target=target, args=(index,))
        for target in (send, receive)
        for index in range(channels)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert got == [[b"%d:%d" % (index, n) for n in range(count)] for index in range(channels)]


def test_starts_and_stops_under_traffic(system):
    one = system(RAW)
    for _ in range(10):
        raw = one.open(f"/dev/{one.shell.ls('/sys/class/rpmsg')[0]}")
        ended = []

        def talk(raw=raw, ended=ended):
            while not (failure := code(write, raw, b"x")):
                pass
            ended.append(failure)

        talker = threading.Thread(target=talk)
        talker.start()
        one.settle()
        one.stop()
        talker.join()
        assert ended == [errno.EPIPE]
        raw.release()
        one.start()


def test_announcements_while_the_driver_is_unbound_and_bound(system):
    one = system()
    driver = "/sys/bus/virtio/drivers/virtio_rpmsg_bus"
    for number in range(20):
        one.remote.announce("rpmsg-raw", number)
        one.irq.queue_work(lambda: one.ring(0))
        one.shell.echo(f"{driver}/unbind", "virtio0")
        assert one.devices() == []
        one.shell.echo(f"{driver}/bind", "virtio0")
        one.irq.flush()
        one.boot()
    one.announce("rpmsg-raw", 1024)
    check_alive(one, one.open("/dev/rpmsg0"))


def test_the_thread_of_the_doorbell_delivers_a_budget_at_most(system):
    one = system(("acme", 1024), num=256)
    heard = []

    def callback(rpdev, data, priv, src):
        heard.append((data, threading.current_thread().name))

    one.channel("virtio0.acme.-1.1024").create_ept(
        callback, None, ChannelInfo("all", 77, 1024), atomic=True
    )
    for number in range(WEIGHT + 20):
        one.remote.send(1024, 77, bytes((number,)))
    one.interrupt()
    assert [data[0] for data, _ in heard] == list(range(WEIGHT + 20))
    assert {thread for _, thread in heard[:WEIGHT]} == {"irq"}
    assert {thread for _, thread in heard[WEIGHT:]} == {"rpmsg-virtio0"}
