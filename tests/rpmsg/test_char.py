"""dev/rpmsgN."""

import errno
import select
import struct
import threading

import pytest

from rprocfs.fs.wait import WouldBlock
from rprocfs.kernel import LINUX_6_1, LINUX_7_3
from rprocfs.testing.userspace import read
from tests.rpmsg.link import code

RAW = ("rpmsg-raw", 1024)
NAME = "rpmsg_chrdev virtio0.rpmsg-raw.-1.1024: "
READABLE = select.POLLIN | select.POLLRDNORM
DESTROY_EPT, GET_FLOW, SET_FLOW = 0xB502, 0x8004B505, 0x8004B506


def create_ept(one, src, dst, name=b"e"):
    ctrl = one.open("/dev/rpmsg_ctrl0")
    ctrl.ioctl(0x4028B501, 1, struct.pack("=32sII", name, src, dst))


def test_node(system):
    one = system(RAW)
    where = "/sys/class/rpmsg/rpmsg0"
    assert one.shell.lookup("/dev/rpmsg0").mode == 0o600
    assert one.shell.ls(where) == [
        "dev", "device", "dst", "name", "power", "src", "subsystem", "uevent",
    ]  # fmt: skip
    assert [one.shell.cat(f"{where}/{name}") for name in ("name", "src", "dst")] == [
        "rpmsg-raw\n",
        "1024\n",
        "1024\n",
    ]
    assert one.shell.readlink(f"{where}/device") == "../../../virtio0.rpmsg-raw.-1.1024"


def test_echo(system):
    one = system(RAW)
    raw = one.open("/dev/rpmsg0")
    for data in (b"hello", b"bin\0\xff\n", b"b" * 496):
        assert one.write(raw, data) == len(data)
        assert raw.poll() == READABLE
        assert raw.read(600, 0) == data
    assert next((m.src, m.dst, m.data) for m in one.received) == (1024, 1024, b"hello")


def test_nothing_to_read(system):
    raw = system(RAW).open("/dev/rpmsg0")
    assert raw.poll() == 0
    with pytest.raises(WouldBlock) as block:
        raw.read(10, 0)
    assert block.value.queue is raw.wait_queue
    assert block.value.timeout is None


def test_sizes(system):
    one = system(RAW)
    raw = one.open("/dev/rpmsg0")
    one.klog()
    assert code(raw.write, b"c" * 497, 0) == code(raw.write, bytes(100000), 0) == errno.EMSGSIZE
    assert one.klog() == [NAME + "message is too big (497)", NAME + "message is too big (100000)"]
    one.write(raw, b"")
    assert raw.poll() == READABLE
    assert raw.read(10, 0) == b""
    one.write(raw, b"data")
    assert raw.read(0, 0) == b""
    assert code(raw.read, 10, 0) == errno.EAGAIN
    one.write(raw, b"a long one")
    assert raw.read(3, 0) == b"a l"
    assert code(raw.read, 10, 0) == errno.EAGAIN


def test_offsets_and_the_rest(system):
    one = system(RAW)
    raw = one.open("/dev/rpmsg0")
    assert raw.stream
    raw.write(b"hi", 99)
    one.settle()
    assert raw.read(10, 5) == b"hi"
    assert code(raw.fsync) == errno.EINVAL


def test_one_opener(system):
    one = system(RAW)
    first = one.open("/dev/rpmsg0")
    assert code(one.open, "/dev/rpmsg0") == errno.EBUSY
    first.release()
    one.open("/dev/rpmsg0")
    first.release()
    assert code(one.open, "/dev/rpmsg0") == errno.EBUSY


def test_messages_while_closed(system):
    one = system(RAW)
    create_ept(one, 0x500, 0x600)
    one.klog()
    one.send(1024, 1024, b"before open")
    one.send(0x600, 0x500, b"lost")
    assert one.klog() == ["virtio_rpmsg_bus virtio0: msg received with no recipient"]
    raw, made = one.open("/dev/rpmsg0"), one.open("/dev/rpmsg1")
    assert raw.read(100, 0) == b"before open"
    assert code(made.read, 100, 0) == errno.EAGAIN
    one.send(1024, 1024, b"unread")
    raw.release()
    one.send(1024, 1024, b"between opens")
    raw = one.open("/dev/rpmsg0")
    assert raw.read(100, 0) == b"between opens"
    assert code(raw.read, 100, 0) == errno.EAGAIN


def test_an_endpoint_without_source_takes_the_lowest_address(system):
    one = system()
    create_ept(one, 0xFFFFFFFF, 0x600)
    made = one.open("/dev/rpmsg0")
    one.write(made, b"hi")
    assert made.read(10, 0) == b"hi"
    assert (one.received[0].src, one.received[0].dst) == (0x400, 0x600)
    assert one.shell.cat("/sys/class/rpmsg/rpmsg0/src") == "-1\n"


def test_an_endpoint_without_destination_only_listens(system):
    one = system()
    create_ept(one, 0x500, 0xFFFFFFFF)
    made = one.open("/dev/rpmsg0")
    one.klog()
    assert code(made.write, b"x", 0) == errno.EINVAL
    assert one.klog() == [
        "rpmsg_ctrl virtio0.rpmsg_ctrl.0.0: invalid addr (src 0x500, dst 0xffffffff)"
    ]
    one.send(77, 0x500, b"inbound")
    assert made.read(100, 0) == b"inbound"


def test_full_ring(system):
    one = system(RAW)
    one.hold = True
    raw = one.open("/dev/rpmsg0")
    for number in range(16):
        assert raw.write(b"m%02d" % number, 0) == 3
    with pytest.raises(WouldBlock) as block:
        raw.write(b"m16", 0)
    assert raw.poll() == 0
    woken = threading.Event()
    block.value.queue.add(woken.set)
    one.settle()
    assert not woken.is_set()
    one.release()
    assert woken.is_set()
    one.write(raw, b"after")
    assert len(one.received) == 17
    assert [raw.read(10, 0) for _ in range(17)] == [
        *(b"m%02d" % number for number in range(16)),
        b"after",
    ]


def test_a_writer_gives_up_after_15_seconds(system):
    one = system(RAW)
    one.hold = True
    raw = one.open("/dev/rpmsg0")
    for _ in range(16):
        raw.write(b"m", 0)
    one.klog()
    with pytest.raises(WouldBlock) as block:
        raw.write(b"m16", 0)
    assert block.value.timeout == 15.0
    assert code(block.value.expired) == 512
    assert one.klog() == [NAME + "timeout waiting for a tx buffer"]


def test_destroy_what_an_ioctl_made(system):
    one = system(RAW)
    create_ept(one, 0x500, 0x600)
    raw, made = one.open("/dev/rpmsg0"), one.open("/dev/rpmsg1")
    one.write(made, b"unread")
    one.events.clear()
    assert code(raw.ioctl, DESTROY_EPT, 0, b"") == errno.EINVAL
    assert made.ioctl(DESTROY_EPT, 0, b"") == b""
    assert made.ioctl(DESTROY_EPT, 0, b"") == b""
    assert one.events == ["remove@rpmsg1"]
    assert not one.shell.exists("/dev/rpmsg1")
    assert made.poll() == select.POLLERR
    assert code(made.read, 10, 0) == code(made.write, b"x", 0) == errno.EPIPE


def test_flow_control(system):
    new, old = system(RAW), system(RAW, version=LINUX_6_1)
    handles = [one.open("/dev/rpmsg0") for one in (new, old)]
    assert handles[0].ioctl(GET_FLOW, 1, b"") == bytes(4)
    assert [code(handle.ioctl, SET_FLOW, 1, b"") for handle in handles] == [
        errno.EOPNOTSUPP,
        errno.EINVAL,
    ]
    assert code(handles[0].ioctl, SET_FLOW, 2, b"") == errno.EINVAL
    assert code(handles[1].ioctl, GET_FLOW, 1, b"") == errno.EINVAL
    assert code(handles[0].ioctl, 0x5401, 1, b"") == errno.EINVAL


def stop(one):
    one.stop()


def withdraw(one):
    one.withdraw(*RAW)


def unbind(one):
    one.shell.echo("/sys/bus/rpmsg/drivers/rpmsg_chrdev/unbind", "virtio0.rpmsg-raw.-1.1024")


@pytest.mark.parametrize("leave", [stop, withdraw, unbind])
def test_the_channel_goes_while_open(system, leave):
    one = system(RAW)
    raw = one.open("/dev/rpmsg0")
    node = one.shell.lookup("/dev/rpmsg0")
    one.write(raw, b"unread")
    leave(one)
    assert raw.poll() == select.POLLERR
    assert code(raw.read, 10, 0) == code(raw.write, b"x", 0) == errno.EPIPE
    assert code(raw.ioctl, DESTROY_EPT, 0, b"") == errno.EINVAL
    assert code(node.open, 0) == errno.ENXIO
    assert not one.shell.exists("/dev/rpmsg0")


def test_the_number_is_kept_while_open(system):
    one = system(RAW)
    raw = one.open("/dev/rpmsg0")
    one.stop()
    one.start()
    assert one.shell.ls("/sys/class/rpmsg") == ["rpmsg1", "rpmsg_ctrl0"]
    assert code(raw.read, 1, 0) == errno.EPIPE
    raw.release()
    assert one.shell.ls("/sys/class/rpmsg") == ["rpmsg1", "rpmsg_ctrl0"]
    one.stop()
    one.start()
    assert one.shell.ls("/sys/class/rpmsg") == ["rpmsg0", "rpmsg_ctrl0"]


@pytest.mark.parametrize("leave", [stop, withdraw, unbind])
def test_blocked_reader_and_writer_get_epipe(system, leave):
    one = system(RAW)
    one.hold = True
    raw = one.open("/dev/rpmsg0")
    for _ in range(16):
        raw.write(b"m", 0)
    results = []
    for call in (lambda: raw.read(1, 0), lambda: raw.write(b"m", 0)):
        with pytest.raises(WouldBlock) as block:
            call()
        block.value.queue.add(lambda call=call: results.append(code(call)))
    leave(one)
    assert results == [errno.EPIPE, errno.EPIPE]


def test_a_blocked_reader_is_woken_by_a_message(system):
    one = system(RAW)
    raw = one.open("/dev/rpmsg0")
    got = []
    readers = [threading.Thread(target=lambda: got.append(read(raw))) for _ in range(2)]
    for reader in readers:
        reader.start()
    for _ in readers:
        one.send(1024, 1024, b"same")
    for reader in readers:
        reader.join()
    assert got == [b"same", b"same"]


def test_more_than_the_ring_holds_queues_up(system):
    one = system(RAW)
    raw = one.open("/dev/rpmsg0")
    for number in range(40):
        one.send(1024, 1024, b"m%03d" % number)
    assert [raw.read(10, 0) for _ in range(40)] == [b"m%03d" % number for number in range(40)]
    assert code(raw.read, 10, 0) == errno.EAGAIN


def test_poll_says_when_there_is_a_buffer_since_7_1(system):
    one = system(RAW, num=4, version=LINUX_7_3)
    one.echo, one.hold = False, True
    handle = one.open("/dev/rpmsg0")
    assert handle.poll() == select.POLLOUT
    for _ in range(4):
        handle.write(b"full", 0)
    woken = []
    handle.wait_queue.add(lambda: woken.append(True))
    assert handle.poll() == 0
    assert woken == []
    one.release()
    assert woken == [True]
    assert handle.poll() == select.POLLOUT


def test_the_remote_is_never_asked_for_silence_since_7_1(system):
    both = (system(RAW), system(RAW, version=LINUX_7_3))
    assert [one.transport.rings[1].avail[0] for one in both] == [1, 0]
