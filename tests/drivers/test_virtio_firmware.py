"""Firmware whose vdevs are no rpmsg: a console, a serial port, a source of random numbers."""

import errno
import os
import struct
import threading
import time
from dataclasses import replace

import pytest

from rprocfs.remoteproc.rsc_table import RSC_VDEV, iter_resources
from rprocfs.system import System
from rprocfs.testing.driver_table import DEBUG, R0
from rprocfs.testing.firmware import firmware, fw_carveout
from rprocfs.testing.rsc_table import resource_table, vdev, vring
from rprocfs.testing.userspace import Userspace, read, write
from rprocfs.tty import tty_io
from rprocfs.tty.n_tty import TTY_STD_TERMIOS
from tests.engines.installed import ENGINES, NEEDS_QEMU_RISCV

RAW = replace(TTY_STD_TERMIOS, iflag=0, oflag=0, lflag=0).pack()
CORES = [*ENGINES, pytest.param("rv32", marks=NEEDS_QEMU_RISCV)]


def cortex_m(engine):
    return {"compatible": "rprocfs,cortex-m3", "engine": engine}


class Board:
    """One processor that runs an image."""

    def __init__(self, properties, image, *modules, **options):
        self.system = System(modules=modules, **options)
        self.system.add_processor(properties)
        self.shell = Userspace(self.system.tree)
        self.handles = []
        self.shell.echo(f"{R0}/firmware", image)
        self.shell.echo(f"{R0}/state", "start")

    def __enter__(self):
        return self

    def __exit__(self, *_exc):
        while self.handles:
            self.handles.pop().release()
        self.system.close()

    def open(self, path, flags=os.O_RDWR):
        self.handles.append(self.shell.open(path, flags))
        return self.handles[-1]

    def console(self):
        """A terminal that neither echoes nor waits for whole lines."""
        tty = self.open("/dev/hvc0")
        tty.ioctl(tty_io.TCSETS, 0, RAW)
        return tty

    def log(self):
        return "\n".join(record.text for record in self.system.model.kmsg.records())


@pytest.fixture(params=CORES)
def boot(request):
    made = []

    def make(name, *modules):
        if request.param == "rv32":
            made.append(Board({"compatible": "rprocfs,rv32"}, f"{name}-rv32.elf", *modules))
        else:
            made.append(Board(cortex_m(request.param), f"{name}.elf", *modules))
        return made[-1]

    yield make
    for one in made:
        one.__exit__()


def expect(handle, text):
    """Read until *text* came, and nothing else."""
    got = b""
    while len(got) < len(text):
        got += read(handle)
    assert got == text


def back_and_forth(handle, data):
    """Write all of *data* and read it again."""
    got = bytearray()

    def receive():
        while len(got) < len(data):
            got.extend(read(handle))

    reader = threading.Thread(target=receive)
    reader.start()
    at = 0
    while at < len(data):
        at += write(handle, data[at : at + 8192])
    reader.join(30)
    assert got == data


def config_of(board):
    """The config space in the resource table in use."""
    table = board.system.remoteproc.rprocs[0].table
    (entry,) = [entry for entry in iter_resources(table) if entry.type == RSC_VDEV]
    return struct.unpack("<HHII", entry.vdev(table).config)


def winsize(tty):
    return struct.unpack("=HHHH", tty.ioctl(tty_io.TIOCGWINSZ, 0, b""))[:2]


def test_a_console(boot):
    board = boot("console")
    tty = board.open("/dev/hvc0")
    write(tty, b"ping\n")
    expect(tty, b"pong\n")
    tty.ioctl(tty_io.TCSETS, 0, RAW)
    write(tty, b"echo hello\n")
    expect(tty, b"hello\n")
    data = bytes(number * 7 & 0xFF for number in range(100_000))
    write(tty, b"cat %d\n" % len(data))
    back_and_forth(tty, data)
    write(tty, b"ping\n")
    expect(tty, b"pong\n")


def test_its_config_space(boot):
    board = boot("console")
    assert config_of(board) == (80, 25, 0, 0)
    tty = board.console()
    assert winsize(tty) == (25, 80)
    write(tty, b"size 132 50\n")
    expect(tty, b"resized\n")
    assert config_of(board) == (132, 50, 0, 0)
    assert winsize(tty) == (25, 80)
    board.handles.pop().release()
    assert winsize(board.open("/dev/hvc0")) == (50, 132)
    assert "Config length 0xc\n" in board.shell.cat(f"{DEBUG}/resource_table")


def test_a_console_that_lies(boot):
    board = boot("console")
    tty = board.console()
    write(tty, b"lie\n")
    got = b""
    while not got.endswith(b"lied\n"):
        got += read(tty)
    assert "virtio_console virtio0: input:id 999 out of range" in board.log()
    assert len(got) in (4096 + 5, 4096 + 7 + 5)
    write(tty, b"ping\n")
    expect(tty, b"pong\n")


def test_its_driver_is_bound_again(boot):
    board = boot("console")
    driver = "/sys/bus/virtio/drivers/virtio_console"
    for _ in range(3):
        tty = board.console()
        write(tty, b"ping\n")
        expect(tty, b"pong\n")
        board.shell.echo(f"{driver}/unbind", "virtio0")
        assert tty.read(10, 0) == b""
        board.shell.echo(f"{driver}/bind", "virtio0")


def test_a_crash_hangs_up(boot):
    board = boot("console")
    tty = board.console()
    board.shell.echo(f"{DEBUG}/crash", "1\n")
    while (data := read(tty)) != b"":
        assert data is None
    board.system.remoteproc.rprocs[0].lock.lock()  # recovery is over
    board.system.remoteproc.rprocs[0].lock.unlock()
    tty = board.console()
    write(tty, b"ping\n")
    expect(tty, b"pong\n")


def xorshift(count):
    """The numbers of rng.c."""
    state, numbers = 2463534242, bytearray()
    for _ in range(count):
        state ^= state << 13 & 0xFFFFFFFF
        state ^= state >> 17
        state ^= state << 5 & 0xFFFFFFFF
        numbers.append(state >> 24)
    return bytes(numbers)


def test_random_numbers(boot):
    board = boot("rng")
    handle = board.open("/dev/hwrng", os.O_RDONLY)
    assert read(handle, 6400) == xorshift(6400)
    board.shell.echo(f"{R0}/state", "stop")
    with pytest.raises(OSError, match=os.strerror(errno.ENODEV)):
        handle.read(64, 0)
    board.shell.echo(f"{R0}/state", "start")
    assert read(handle, 64) == xorshift(64)


@pytest.mark.parametrize("engine", ENGINES)
def test_a_serial_port(engine):
    with Board(cortex_m(engine), "serial.elf") as board:
        port = board.open("/dev/vport0p0")
        back_and_forth(port, bytes(number * 11 & 0xFF for number in range(100_000)))


@pytest.mark.parametrize("engine", ENGINES)
def test_the_sample_driver(engine):
    with Board(cortex_m(engine), "sample.elf", "rpmsg_client_sample", strict=True) as board:
        deadline = time.monotonic() + 10
        while "goodbye!" not in board.log():
            assert time.monotonic() < deadline, board.log()
            time.sleep(0.002)
        assert board.log().count(": incoming msg ") == 100


MANY = vring(16)


@pytest.mark.parametrize(
    ("kind", "features", "config", "rings", "complaint"),
    [
        (3, 2, bytes(8), [MANY] * 2, "virtio_console virtio0: Invalidate max_nr_ports 0"),
        (3, 2, b"", [MANY] * 2, "virtio_console virtio0: rproc_virtio_get: access out of bounds"),
        (3, 2, b"\0\0\0\0\1\0\0\0", [MANY] * 2, "virtio_console virtio0: Error -22 initializing"),
        (3, 0, b"", [MANY], "virtio_console virtio0: Error -12 initializing vqs"),
        (4, 0, b"", [], "probe with driver virtio_rng failed with error -12"),
    ],
)
def test_devices_that_cannot_be(kind, features, config, rings, complaint, tmp_path):
    """On the simulated processor: refused in the kernel's words, and the processor runs."""
    device = vdev(rings, device_id=kind, dfeatures=features, config=config)
    image = firmware(resource_table([fw_carveout(), device])).build()
    (tmp_path / "odd.elf").write_bytes(image)
    properties = {"compatible": "rprocfs,sim", "memory": "any"}
    with Board(properties, "odd.elf", firmware=tmp_path) as board:
        assert complaint in board.log()
        assert board.shell.cat(f"{R0}/state") == "running\n"
        assert not board.shell.exists("/sys/bus/virtio/devices/virtio0/driver")
