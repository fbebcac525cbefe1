"""The endpoint file of each channel."""

import errno
import select

import pytest

from rprocfs.fs.wait import WouldBlock
from tests.rpmsg.link import code

RAW = "/sys/bus/rpmsg/devices/virtio0.rpmsg-raw.-1.1024"
SAMPLE = "/sys/bus/rpmsg/devices/virtio0.sample.-1.1025"
SERVICES = (("rpmsg-raw", 1024), ("sample", 1025), ("rpmsg-tty", 1026))


@pytest.fixture
def one(system):
    return system(*SERVICES)


def test_which_channels_have_one(one):
    where = "/sys/bus/rpmsg/devices"
    having = [name for name in one.devices() if one.shell.exists(f"{where}/{name}/endpoint")]
    assert having == [
        "virtio0.rpmsg-raw.-1.1024", "virtio0.rpmsg-tty.-1.1026", "virtio0.sample.-1.1025",
    ]  # fmt: skip
    assert one.shell.lookup(f"{RAW}/endpoint").mode == 0o600


@pytest.mark.parametrize("device", [RAW, SAMPLE])
def test_a_message_a_write_a_message_a_read(one, device):
    endpoint = one.open(f"{device}/endpoint")
    assert endpoint.stream
    assert endpoint.poll() == 0
    with pytest.raises(WouldBlock):
        endpoint.read(10, 0)
    one.write(endpoint, b"hello\n")
    one.write(endpoint, b"again\n")
    assert endpoint.poll() == select.POLLIN | select.POLLRDNORM
    assert [endpoint.read(100, 0), endpoint.read(100, 0)] == [b"hello\n", b"again\n"]
    assert code(endpoint.write, bytes(497), 0) == errno.EMSGSIZE
    assert code(endpoint.ioctl, 0xB502, 0, b"") == errno.EINVAL


def test_a_bound_channel_is_its_node(one):
    endpoint = one.open(f"{RAW}/endpoint")
    assert code(one.open, "/dev/rpmsg0") == errno.EBUSY
    endpoint.release()
    node = one.open("/dev/rpmsg0")
    assert code(one.open, f"{RAW}/endpoint") == errno.EBUSY
    node.release()
    one.send(1024, 1024, b"while closed")
    assert one.open(f"{RAW}/endpoint").read(100, 0) == b"while closed"


def test_a_channel_without_driver_gets_an_address_while_open(one):
    one.send(1025, 0x402, b"nobody")
    endpoint = one.open(f"{SAMPLE}/endpoint")
    assert code(one.open, f"{SAMPLE}/endpoint") == errno.EBUSY
    one.write(endpoint, b"x")
    assert (one.received[-1].src, one.received[-1].dst) == (0x402, 1025)
    assert one.shell.cat(f"{SAMPLE}/src") == "0xffffffff\n"
    endpoint.release()
    one.klog()
    one.send(1025, 0x402, b"nobody")
    assert one.klog() == ["virtio_rpmsg_bus virtio0: msg received with no recipient"]
    assert code(one.open(f"{SAMPLE}/endpoint").read, 1, 0) == errno.EAGAIN


def test_a_channel_that_was_bound_before_uses_its_address(one):
    one.shell.echo("/sys/bus/rpmsg/drivers/rpmsg_chrdev/unbind", "virtio0.rpmsg-raw.-1.1024")
    endpoint = one.open(f"{RAW}/endpoint")
    one.write(endpoint, b"x")
    assert one.received[-1].src == 0x400
    assert endpoint.read(10, 0) == b"x"


def test_another_driver_has_it(one):
    path = "/sys/bus/rpmsg/devices/virtio0.rpmsg-tty.-1.1026/endpoint"
    assert code(one.open, path) == errno.EBUSY


@pytest.mark.parametrize("device", [RAW, SAMPLE])
def test_the_channel_goes(one, device):
    endpoint, file = one.open(f"{device}/endpoint"), one.shell.lookup(f"{device}/endpoint")
    blocked = []
    endpoint.wait_queue.add(lambda: blocked.append(code(endpoint.read, 1, 0)))
    one.stop()
    assert blocked == [errno.EPIPE]
    assert endpoint.poll() == select.POLLERR
    assert code(endpoint.read, 1, 0) == code(endpoint.write, b"x", 0) == errno.EPIPE
    assert code(file.open, 0) == errno.ENXIO
    one.start()
    one.write(one.open(f"{device}/endpoint"), b"new life")
    assert one.received[-1].data == b"new life"
