"""dev/ttyRPMSGN."""

import errno
import select
import struct
from dataclasses import replace

import pytest

from rprocfs.fs.wait import WouldBlock
from rprocfs.rpmsg.tty_port import INIT_TERMIOS
from rprocfs.testing.userspace import read
from rprocfs.tty import tty_io
from rprocfs.tty.n_tty import ICANON
from tests.rpmsg.link import code

TTY = ("rpmsg-tty", 1024)
DEV = "/dev/ttyRPMSG0"
WRITABLE = select.POLLOUT | select.POLLWRNORM
READABLE = select.POLLIN | select.POLLRDNORM


@pytest.fixture
def one(system):
    return system(TTY)


def test_node(one):
    assert one.shell.ls("/sys/class/tty/ttyRPMSG0") == [
        "dev", "device", "power", "subsystem", "uevent",
    ]  # fmt: skip
    assert one.shell.cat("/sys/class/tty/ttyRPMSG0/uevent").endswith("DEVNAME=ttyRPMSG0\n")
    assert one.shell.cat("/sys/bus/rpmsg/devices/virtio0.rpmsg-tty.-1.1024/src") == "0x400\n"


def test_bytes_flow_together(one):
    tty = one.open(DEV)
    assert tty.stream
    assert code(tty.read, 10, 0) == errno.EAGAIN
    for data in (b"one", b"two"):
        assert one.write(tty, data) == 3
    assert tty.poll() == WRITABLE | READABLE
    assert [tty.read(2, 0), tty.read(100, 0)] == [b"on", b"etwo"]
    assert code(tty.read, 10, 0) == errno.EAGAIN
    assert tty.poll() == WRITABLE
    assert code(tty.fsync) == errno.EINVAL


def test_long_writes_are_cut(one):
    tty = one.open(DEV)
    one.echo = False
    assert one.write(tty, b"a" * 1200) == 1200
    assert one.write(tty, b"b" * 2100) == 2100
    assert one.write(tty, b"") == 0
    sizes = [len(message.data) for message in one.received]
    assert sizes == [496, 496, 208, 496, 496, 496, 496, 64, 52]


def test_input_processing(one):
    tty = one.open(DEV)
    one.echo = False
    one.write(tty, b"a\nb\rc")
    assert one.received[-1].data == b"a\nb\rc"
    one.send(1024, 1024, b"x\ny\rz\3w\x7f")
    assert tty.read(100, 0) == b"w\x7f"
    raw = replace(INIT_TERMIOS, iflag=0, lflag=0)
    tty.ioctl(tty_io.TCSETS, 1, raw.pack())
    one.send(1024, 1024, b"x\ny\rz\3")
    assert tty.read(100, 0) == b"x\ny\rz\3"
    one.send(1024, 1024, b"")
    assert code(tty.read, 100, 0) == errno.EAGAIN


def test_several_openers_share(one):
    first, second = one.open(DEV), one.open(DEV)
    one.write(first, b"x")
    assert second.poll() & select.POLLIN
    assert second.read(10, 0) == b"x"
    first.release()
    first.release()
    one.write(second, b"y")
    assert second.read(10, 0) == b"y"


def test_data_while_closed_comes_with_the_next(one):
    one.send(1024, 1024, b"early")
    tty = one.open(DEV)
    assert code(tty.read, 100, 0) == errno.EAGAIN
    one.write(tty, b"later")
    assert tty.read(100, 0) == b"earlylater"
    one.send(1024, 1024, b"unread")
    tty.release()
    tty = one.open(DEV)
    one.write(tty, b"fresh")
    assert tty.read(100, 0) == b"fresh"


def test_too_much_while_closed(one):
    one.klog()
    for _ in range(640 * 1024 // 496 + 1):
        one.remote.send(1024, 1024, bytes(496))
        one.ring(0)
    assert one.klog() == [
        "rpmsg_tty virtio0.rpmsg-tty.-1.1024: Trunc buffer: available space is 144"
    ]


def test_more_than_the_terminal_holds_waits(one):
    tty = one.open(DEV)
    sent = b"".join(b"%06d\n" % number for number in range(1400))
    for at in range(0, len(sent), 400):
        one.send(1024, 1024, sent[at : at + 400])
    got = b""
    while len(got) < len(sent):
        got += read(tty, 1000)
    assert got == sent


def test_full_ring(one):
    tty = one.open(DEV)
    one.hold = True
    for _ in range(16):
        assert one.write(tty, b"m") == 1
    assert code(tty.write, b"m", 0) == errno.ENOMEM
    assert tty.poll() == WRITABLE
    one.release()
    one.hold = True
    assert tty.write(b"n" * 496 * 17, 0) == 3 * 2048 + 496


def stop(one):
    one.stop()


def withdraw(one):
    one.withdraw(*TTY)


@pytest.mark.parametrize("leave", [stop, withdraw])
def test_hang_up(one, leave):
    tty = one.open(DEV)
    one.write(tty, b"unread")
    woken = []
    tty.wait_queue.add(lambda: woken.append(tty.read(1, 0)))
    leave(one)
    assert woken == [b""]
    assert tty.read(100, 0) == b""
    assert code(tty.write, b"x", 0) == errno.EIO
    assert code(tty.ioctl, tty_io.TCGETS, 1, b"") == errno.EIO
    assert tty.poll() == READABLE | WRITABLE | select.POLLERR | select.POLLHUP
    assert not one.shell.exists(DEV)


def test_the_number_is_kept_while_open(one):
    tty, node = one.open(DEV), one.shell.lookup(DEV)
    one.stop()
    one.start()
    assert [name for name in one.shell.ls("/dev") if "tty" in name] == ["ttyRPMSG1"]
    assert code(node.open, 0) == errno.ENXIO
    tty.release()
    one.stop()
    one.start()
    assert [name for name in one.shell.ls("/dev") if "tty" in name] == ["ttyRPMSG0"]


def test_settings(one):
    tty = one.open(DEV)
    assert tty.ioctl(tty_io.TCGETS, 1, b"") == INIT_TERMIOS.pack()
    assert tty.ioctl(tty_io.TCGETS2, 1, b"")[:36] == INIT_TERMIOS.pack()
    canon = replace(INIT_TERMIOS, lflag=INIT_TERMIOS.lflag | ICANON)
    one.send(1024, 1024, b"pending")
    tty.ioctl(tty_io.TCSETSF2, 1, canon.pack2())
    one.send(1024, 1024, b"half a")
    assert not tty.poll() & select.POLLIN
    one.send(1024, 1024, b" line\n")
    assert tty.read(100, 0) == b"half a line\n"
    tty.release()
    one.stop()
    one.start()
    assert one.open(DEV).ioctl(tty_io.TCGETS, 1, b"") == canon.pack()


def test_timed_read_names_its_timeout(one):
    tty = one.open(DEV)
    cc = bytearray(INIT_TERMIOS.cc)
    cc[5], cc[6] = 7, 0
    tty.ioctl(tty_io.TCSETSW, 1, replace(INIT_TERMIOS, cc=bytes(cc)).pack())
    with pytest.raises(WouldBlock) as block:
        tty.read(10, 0)
    assert (block.value.timeout, block.value.expired()) == (0.7, b"")


def test_other_ioctls(one):
    tty = one.open(DEV)
    size = struct.pack("=HHHH", 24, 80, 0, 0)
    assert tty.ioctl(tty_io.TIOCGWINSZ, 1, b"") == bytes(8)
    tty.ioctl(tty_io.TIOCSWINSZ, 1, size)
    assert tty.ioctl(tty_io.TIOCGWINSZ, 1, b"") == size
    one.send(1024, 1024, b"abc")
    assert tty.ioctl(tty_io.FIONREAD, 1, b"") == struct.pack("=i", 3)
    assert tty.ioctl(tty_io.TIOCOUTQ, 1, b"") == bytes(4)
    assert tty.ioctl(tty_io.TCFLSH, 1, b"") == b""
    assert tty.read(10, 0) == b"abc"
    one.send(1024, 1024, b"abc")
    tty.ioctl(tty_io.TCFLSH, 0, b"")
    assert code(tty.read, 10, 0) == errno.EAGAIN
    assert code(tty.ioctl, tty_io.TCFLSH, 3, b"") == errno.EINVAL
    tty.ioctl(tty_io.TIOCEXCL, 0, b"")
    assert tty.ioctl(tty_io.TIOCGEXCL, 1, b"") == struct.pack("=i", 1)
    tty.ioctl(tty_io.TCSBRK, 1, b"")
    one.echo = False
    tty.ioctl(tty_io.TCXONC, 2, b"")
    one.settle()
    assert one.received[-1].data == b"\x13"
    assert code(tty.ioctl, tty_io.TCXONC, 9, b"") == errno.EINVAL


def test_ioctls_that_are_none(one):
    tty = one.open(DEV)
    for cmd in (0x5415, 0x5417, 0x541E, 0xB502):
        assert code(tty.ioctl, cmd, 1, b"") == errno.ENOTTY
    assert code(tty.ioctl, tty_io.TCSETS, 1, b"short") == errno.EFAULT
    assert code(tty.ioctl, tty_io.TCSETS2, 1, b"short") == errno.EFAULT


def test_declared_sizes_are_those_that_are_given(one):
    tty = one.open(DEV)
    for cmd, (into, out) in tty.ioctl_sizes.items():
        data = INIT_TERMIOS.pack() if into == 36 else bytes(into)
        assert len(tty.ioctl(cmd, 1, data)) == out
