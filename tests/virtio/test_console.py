"""virtio_console: terminals /dev/hvcN and ports /dev/vportNpM."""

import errno
import select
import struct
import threading
import time
from dataclasses import replace

import pytest

from rprocfs.fs.kernfs import PAGE_SIZE
from rprocfs.testing.userspace import read, write
from rprocfs.tty import tty_io
from rprocfs.tty.hvc_console import ROUNDS
from rprocfs.tty.n_tty import TTY_STD_TERMIOS
from rprocfs.virtio.console_port import MAX_BUFFERS
from tests.rpmsg.link import code
from tests.virtio.bench import VirtioSystem

CONSOLE, SERIAL = 3, 11
F_SIZE, F_MULTIPORT = 1, 2
HVC, VPORT = "/dev/hvc0", "/dev/vport0p0"
RAW = replace(TTY_STD_TERMIOS, iflag=0, oflag=0, lflag=0).pack()
WRITABLE = select.POLLOUT | select.POLLWRNORM
READABLE = select.POLLIN | select.POLLRDNORM
HUNG_UP = READABLE | WRITABLE | select.POLLERR | select.POLLHUP


def size(cols, rows, ports=1):
    return struct.pack("<HHII", cols, rows, ports, 0)


@pytest.fixture
def console(device):
    return device(CONSOLE, "virtio_console", features=F_SIZE, config=size(80, 25))


@pytest.fixture
def serial(device):
    return device(SERIAL, "virtio_console", features=0)


def raw(one):
    tty = one.open(HVC)
    tty.ioctl(tty_io.TCSETS, 0, RAW)
    return tty


# The terminal.


def test_nodes(console):
    shell = console.shell
    assert shell.ls("/dev") == [*(f"hvc{n}" for n in range(8)), "kmsg", "vport0p0"]
    assert shell.cat("/sys/class/tty/hvc7/dev") == "229:7\n"
    assert shell.readlink("/sys/class/tty/hvc0") == "../../devices/virtual/tty/hvc0"
    assert shell.ls("/sys/class/virtio-ports/vport0p0") == [
        "dev", "device", "power", "subsystem", "uevent",
    ]  # fmt: skip
    assert shell.exists(f"/sys/bus/virtio/devices/{console.vdev.name}/virtio-ports/vport0p0")
    assert code(console.open, "/dev/hvc1") == errno.ENODEV
    assert code(console.open, VPORT) == errno.ENXIO


def test_lines(console):
    tty = console.open(HVC)
    assert tty.stream
    console.put(b"half")
    assert code(tty.read, 100, 0) == errno.EAGAIN
    assert tty.poll() == WRITABLE
    console.put(b" a line\r")
    assert tty.poll() == WRITABLE | READABLE
    assert tty.read(100, 0) == b"half a line\n"
    assert b"".join(console.take() + console.take()) == b"half a line\r\n"
    assert write(tty, b"out\n") == 4
    assert b"".join(console.take() + console.take()) == b"out\r\n"


def test_what_comes_while_closed_waits_in_the_ring(console):
    for text in (b"one\n", b"two\n"):
        console.put(text)
    assert console.queues[0].available() == 14
    tty = console.open(HVC)
    assert [tty.read(100, 0), tty.read(100, 0)] == [b"one\n", b"two\n"]
    assert console.queues[0].available() == 16


def test_more_than_the_terminal_holds_waits_in_the_ring(console):
    tty = raw(console)
    for number in range(16):
        console.put(bytes([number]) * 1000)
    assert console.queues[0].available() < 16
    got = b""
    while len(got) < 16000:
        got += read(tty, 700)
    assert got == b"".join(bytes([number]) * 1000 for number in range(16))
    assert console.queues[0].available() == 16


def test_one_buffer_is_on_its_way_and_the_rest_waits_for_it(console):
    tty = raw(console)
    assert tty.write(b"a" * 100, 0) == 100
    assert tty.write(b"b" * 200, 0) == 200
    assert tty.poll() == WRITABLE
    assert tty.write(b"c" * 56, 0) == 56
    assert tty.poll() == 0
    assert tty.ioctl(tty_io.TIOCOUTQ, 0, b"") == struct.pack("=i", 256)
    assert console.take() == [b"a" * 100]
    assert tty.poll() == WRITABLE
    assert console.take() == [b"b" * 200 + b"c" * 56]
    assert console.take() == []


def test_a_writer_waits_for_room(console):
    tty = raw(console)
    assert tty.write(b"a" * 3000, 0) == 3000
    assert tty.write(b"b" * 5000, 0) == 4096 - (3000 - 2048)
    assert code(tty.write, b"c", 0) == errno.EAGAIN
    done = []
    writer = threading.Thread(target=lambda: done.append(write(tty, b"cc")))
    writer.start()
    taken = console.take()
    while writer.is_alive():
        taken += console.take()
    assert done == [2]
    taken += console.take()
    assert b"".join(taken) == b"a" * 3000 + b"b" * 3144 + b"cc"


def test_settings_go_with_the_last_close(console):
    first, second = raw(console), console.open(HVC)
    first.release()
    assert second.ioctl(tty_io.TCGETS, 0, b"") == RAW
    second.release()
    console.handles.clear()
    assert console.open(HVC).ioctl(tty_io.TCGETS, 0, b"") == TTY_STD_TERMIOS.pack()


def test_removal_is_a_hang_up(console):
    tty = raw(console)
    console.put(b"unread")
    woken = []
    tty.wait_queue.add(lambda: woken.append(tty.read(1, 0)))
    bind = console.unbind()
    assert woken == [b""]
    assert tty.poll() == HUNG_UP
    assert code(tty.write, b"x", 0) == errno.EIO
    assert code(tty.ioctl, tty_io.TCGETS, 0, b"") == errno.EIO
    assert code(console.open, HVC) == errno.ENODEV
    assert not console.shell.exists(VPORT)
    assert console.transport.buffers == []
    bind()
    console.boot()
    again = raw(console)
    console.put(b"hello")
    assert again.read(100, 0) == b"hello"
    assert tty.read(100, 0) == b""


def test_a_writer_that_waits_gets_the_hang_up(console):
    tty = raw(console)
    tty.write(b"a", 0)
    tty.write(b"b" * 4096, 0)
    failures = []
    writer = threading.Thread(target=lambda: failures.append(code(write, tty, b"c")))
    writer.start()
    while not len(tty.wait_queue):
        pass
    console.stop()
    writer.join(10)
    assert failures == [errno.EIO]


def test_numbers_are_used_again(console):
    other = VirtioSystem(CONSOLE, system=console.system, features=0).start()
    tty = other.open("/dev/hvc1")
    assert other.open("/dev/hvc1").poll() == WRITABLE
    console.stop()
    console.start()
    assert console.open(HVC).poll() == WRITABLE
    other.stop()
    assert tty.poll() == HUNG_UP
    for handle in other.handles:
        handle.release()


def test_numbers_beyond_the_nodes(console):
    others = [VirtioSystem(CONSOLE, system=console.system, features=0) for _ in range(16)]
    for other in others:
        other.start()
    assert "allocating hvc for port" in console.klog()[-1]
    assert console.shell.ls("/dev").count("hvc8") == 0
    assert others[-1].vdev.driver.name == "virtio_console"
    assert others[-1].transport.buffers == []
    for other in others:
        other.stop()


# The config space.


def winsize(tty):
    return struct.unpack("=HHHH", tty.ioctl(tty_io.TIOCGWINSZ, 0, b""))


def test_the_config_space_says_how_large_it_is(console):
    tty = console.open(HVC)
    assert winsize(tty) == (25, 80, 0, 0)
    tty.ioctl(tty_io.TIOCSWINSZ, 0, struct.pack("=HHHH", 1, 2, 3, 4))
    console.transport.config[:4] = size(0xFFFF, 0)[:4]
    assert winsize(console.open(HVC)) == (1, 2, 3, 4)
    for handle in console.handles:
        handle.release()
    console.handles.clear()
    assert winsize(console.open(HVC)) == (0, 0xFFFF, 0, 0)


def test_a_config_space_that_is_too_short(device):
    one = device(CONSOLE, "virtio_console", features=F_SIZE, config=b"abc")
    assert winsize(one.open(HVC)) == (0, 0, 0, 0)
    assert one.klog() == ["virtio_console virtio0: access out of bounds"]


def test_a_config_space_that_is_not_offered(device):
    one = device(CONSOLE, "virtio_console", features=0, config=size(80, 25))
    assert winsize(one.open(HVC)) == (0, 0, 0, 0)
    assert one.vdev.features == 0


@pytest.mark.parametrize(
    ("ports", "complaint"),
    [
        (0, "Invalidate max_nr_ports 0"),
        (0x8001, "Invalidate max_nr_ports 32769"),
        (0xFFFFFFFF, "Invalidate max_nr_ports -1"),
        (1, "Error -12 initializing vqs"),
        (0x8000, "Error -12 initializing vqs"),
    ],
)
def test_several_ports_are_refused(device, ports, complaint):
    one = device(CONSOLE, "virtio_console", features=F_MULTIPORT, config=size(80, 25, ports))
    assert one.vdev.driver is None
    assert one.klog()[0] == f"virtio_console virtio0: {complaint}"
    assert one.transport.status & 0x80
    assert not one.shell.exists(VPORT)


# Whatever the device does.


def test_no_memory_for_buffers(device, monkeypatch):
    def fail(self, vdev, size):
        raise OSError(errno.ENOMEM, "")

    monkeypatch.setattr("tests.rpmsg.link.MemoryTransport.dma_alloc_coherent", fail)
    one = device(CONSOLE, "virtio_console", features=0)
    assert one.klog() == ["virtio_console virtio0: Error allocating inbufs"]
    assert one.vdev.driver.name == "virtio_console"
    assert not one.shell.exists(VPORT)


def test_a_ring_without_end_takes_a_bounded_amount_of_memory(device):
    one = device(CONSOLE, "virtio_console", num=1024)
    (buffer,) = one.transport.buffers
    assert buffer.size == 2 * MAX_BUFFERS * PAGE_SIZE


def test_a_length_that_is_a_lie_ends_with_the_buffer(console):
    tty = raw(console)
    console.put(b"x", 0xFFFFFFFF)
    got = b""
    while len(got) < PAGE_SIZE:
        got += read(tty)
    assert got == b"x".ljust(PAGE_SIZE, b"\0")
    assert code(tty.read, 1, 0) == errno.EAGAIN


def test_ids_that_cannot_be(console):
    tty = raw(console)
    head = console.queues[0].pop().head
    for bad in (head + 16, 0xFFFFFFFF):
        console.queues[0].push(bad, 1)
    console.ring(0)
    assert [line.split(": ")[1] for line in console.klog()] == [
        "input:id 16 out of range",
        "input:id 4294967295 out of range",
    ]
    console.queues[0].push(head, 3)
    console.ring(0)
    assert tty.read(100, 0) == bytes(3)
    console.queues[0].set_used_idx(5000)
    console.ring(0)
    assert code(tty.read, 100, 0) == errno.EAGAIN


def test_empty_buffers_are_passed_over(console):
    tty = raw(console)
    for _ in range(40):
        console.put(b"")
    console.put(b"end")
    assert tty.read(100, 0) == b"end"


def test_doorbells_for_nothing(console):
    tty = raw(console)
    for index in (0, 1, 0, 1):
        console.ring(index)
    assert code(tty.read, 1, 0) == errno.EAGAIN


# Ports of bytes.


def test_a_serial_port(serial):
    assert serial.vdev.driver.name == "virtio_rproc_serial"
    assert not serial.shell.exists(HVC)
    serial.put(b"early")
    port = serial.open(VPORT)
    assert port.stream
    assert port.poll() == READABLE | select.POLLOUT
    assert [port.read(2, 0), port.read(100, 0)] == [b"ea", b"rly"]
    assert port.poll() == select.POLLOUT
    assert code(port.read, 1, 0) == errno.EAGAIN
    assert port.read(0, 0) == b""
    assert port.write(b"", 0) == 0
    assert port.write(b"out\n", 0) == 4
    assert port.write(b"x" * 5000, 0) == PAGE_SIZE
    assert serial.take() == [b"out\n", b"x" * PAGE_SIZE]


def endless(one):
    """The device of *one* fills its buffers faster than they are read; how many were."""
    taken = []

    def fill_readbuf(count):
        taken.append(count)
        return b"x" * min(count, 10)

    one.vdev.driver_data.port.buffers.fill_readbuf = fill_readbuf
    return taken


def ends(function, *args):
    thread = threading.Thread(target=function, args=args, daemon=True)
    thread.start()
    thread.join(20)
    return not thread.is_alive()


def test_a_line_that_never_ends_keeps_nobody(console):
    """A line of any length is taken, and what does not fit is dropped."""
    tty = console.open(HVC)
    taken = endless(console)
    assert ends(console.put, b"x")
    until = time.monotonic() + 20
    while len(taken) < 5 * ROUNDS:
        assert time.monotonic() < until, "khvcd does not go on"
        time.sleep(0.001)
    assert ends(console.unbind)
    assert tty.poll() == HUNG_UP


def test_a_port_that_is_closed_while_its_device_sends_on(serial):
    port = serial.open(VPORT)
    taken = endless(serial)
    serial.handles.remove(port)
    assert ends(port.release)
    assert len(taken) == MAX_BUFFERS


def test_one_at_a_time_has_a_port_open(serial):
    refcnt = "/sys/module/virtio_console/refcnt"
    port = serial.open(VPORT)
    assert serial.shell.cat(refcnt) == "1\n"
    assert code(serial.open, VPORT) == errno.EMFILE
    serial.put(b"unread")
    serial.put(b"neither")
    serial.handles.remove(port)
    port.release()
    assert serial.shell.cat(refcnt) == "0\n"
    assert code(serial.open(VPORT).read, 10, 0) == errno.EAGAIN
    assert "bytes_discarded: 13\n" in serial.shell.cat("/sys/kernel/debug/virtio-ports/vport0p0")


def test_a_port_whose_device_does_not_read(serial):
    port = serial.open(VPORT)
    for _ in range(16):
        assert port.write(b"m", 0) == 1
    assert port.poll() == 0
    assert code(port.write, b"m", 0) == errno.EAGAIN
    assert "outvq_full: 1\n" in serial.shell.cat("/sys/kernel/debug/virtio-ports/vport0p0")
    woken = []
    port.wait_queue.add(lambda: woken.append(port.poll()))
    serial.take()
    assert woken == [select.POLLOUT]


def test_a_port_whose_queues_are_broken(serial):
    """As they are for a moment while its device goes."""
    port = serial.open(VPORT)
    serial.put(b"x")
    for queue in serial.transport.vqs:
        queue.break_device()
    assert code(port.write, b"y", 0) == errno.EAGAIN
    assert code(port.read, 1, 0) == errno.EAGAIN
    serial.stop()
    assert code(port.write, b"y", 0) == errno.ENODEV


def test_a_port_that_goes(serial):
    port, node = serial.open(VPORT), serial.shell.lookup(VPORT)
    woken = []
    port.wait_queue.add(lambda: woken.append(port.poll()))
    serial.stop()
    assert woken == [select.POLLHUP]
    assert code(port.read, 1, 0) == code(port.write, b"x", 0) == errno.ENODEV
    assert code(node.open, 2) == errno.ENXIO
    assert not serial.shell.exists(VPORT)
    assert serial.shell.ls("/sys/kernel/debug/virtio-ports") == []


def test_state_in_debugfs(console):
    tty = raw(console)
    tty.write(b"four", 0)
    console.put(b"three")
    assert console.shell.cat("/sys/kernel/debug/virtio-ports/vport0p0") == (
        "name: \nguest_connected: 1\nhost_connected: 0\noutvq_full: 0\nbytes_sent: 4\n"
        "bytes_received: 5\nbytes_discarded: 0\nis_console: yes\nconsole_vtermno: 1\n"
    )


def test_numbers_of_devices_are_given_back(console):
    dev = console.shell.cat("/sys/class/virtio-ports/vport0p0/dev")
    for _ in range(3):
        console.stop()
        console.start()
    assert console.shell.cat("/sys/class/virtio-ports/vport0p0/dev") == dev
