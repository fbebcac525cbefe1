"""The Cortex-R5Fs of a Zynq UltraScale+ execute firmware: split and lockstep, crashes, dumps."""

import shutil
import struct
import time
from contextlib import ExitStack

import pytest

from rprocfs.board.open import open_board
from rprocfs.testing.userspace import Userspace, read, write
from tests.engines.host import ROOT, SAFETY

DEBUG = "/sys/kernel/debug/remoteproc/remoteproc"
REMOTEPROC = "/sys/class/remoteproc/remoteproc"
RPMSG = "/sys/bus/rpmsg/devices"
IMAGES = (ROOT / "rprocfs" / "firmware", ROOT / "tests" / "firmware")
#: What the image crash.c is told, and what the kernel's log then says.
CRASHES = {
    "r": ("mmufault", "data abort: read of 0xf8f00000"),
    "w": ("mmufault", "data abort: write to 0xf8f00004"),
    "m": ("mmufault", "data abort: read of 0x7fe00010"),
    "o": ("mmufault", "data abort: write to 0x7fd00020"),
    "x": ("mmufault", "prefetch abort: fetch from 0xff000000"),
    "f": ("mmufault", "prefetch abort: fetch from 0xf8000000"),
    "u": ("fatal error", "undefined instruction at 0x3ed0"),
    "b": ("fatal error", "breakpoint at 0x3ed0"),
    "s": ("fatal error", "reset through CRL_APB"),
    "d": ("watchdog", "system watchdog"),
}


class Board:
    """A ready board with our images in its firmware directory."""

    def __init__(self, name, directory, **options):
        for place in IMAGES:
            for image in place.glob("zynqmp-*.elf"):
                shutil.copy(image, directory)
        self._opened = open_board(name, firmware=str(directory), **options)
        self.system = self._opened.__enter__()
        self.shell = Userspace(self.system.tree)

    def close(self):
        self._opened.__exit__(None, None, None)

    def start(self, number, image):
        self.shell.echo(f"{REMOTEPROC}{number}/firmware", image)
        self.shell.echo(f"{REMOTEPROC}{number}/state", "start")

    def state(self, number):
        return self.shell.cat(f"{REMOTEPROC}{number}/state").strip()

    @property
    def log(self):
        return "\n".join(record.text for record in self.system.model.kmsg.records())

    def wait(self, condition):
        end = time.monotonic() + 2 * SAFETY
        while not condition():
            assert time.monotonic() < end, self.log
            time.sleep(0.005)

    def echo(self, number):
        """The open endpoint of rpmsg-raw on the core's bus, as soon as it is there."""
        self.wait(lambda: self.shell.exists(f"{RPMSG}/virtio{number}.rpmsg-raw.-1.1025"))
        self.wait(lambda: self.shell.exists(f"/dev/rpmsg{number}"))
        return self.shell.open(f"/dev/rpmsg{number}")


@pytest.fixture
def board(tmp_path):
    """`board(name)`: a ready board."""
    with ExitStack() as stack:

        def make(name, **options):
            made = Board(name, tmp_path, **options)
            stack.callback(made.close)
            return made

        yield make


@pytest.mark.parametrize("name", ["zcu102", "kv260", "zcu102-lockstep", "kv260-lockstep"])
def test_echo(board, name):
    made = board(name)
    for _ in range(2):
        made.start(0, "zynqmp-echo.elf")
        handle = made.echo(0)
        for size in (1, 15, 255, 496):
            message = bytes(number * 7 & 0xFF for number in range(size))
            assert write(handle, message) == size
            assert read(handle) == message
        handle.release()
        assert "echo: started" in made.shell.cat(f"{DEBUG}0/trace0")
        made.shell.echo(f"{REMOTEPROC}0/state", "stop")
        assert made.state(0) == "offline"
    assert "failed" not in made.log


def said_until(console, end):
    """All that the console says up to *end*."""
    said = b""
    while end not in said:
        said += read(console)
    return said.decode()


@pytest.mark.parametrize("name", ["zcu102", "zcu102-lockstep"])
def test_the_start_up_of_the_bsp_and_freertos_and_openamp(board, name):
    """Its order, its self tests and assertions, tasks, carveouts, and the echo: openamp.c."""
    made = board(name)
    console = made.shell.open(f"{REMOTEPROC}0/console")
    for _ in range(2):
        made.start(0, "zynqmp-openamp.elf")
        handle = made.echo(0)
        assert said_until(console, b"ready\r\n") == "openamp: starts\r\nopenamp: ready\r\n"
        for size in (1, 15, 255, 496):
            message = bytes(number * 7 & 0xFF for number in range(size))
            write(handle, message)
            assert read(handle) == message
        handle.release()
        made.shell.echo(f"{REMOTEPROC}0/state", "stop")
    console.release()
    assert made.log.count("Allocated carveout doesn't fit device address request") == 4
    assert "failed" not in made.log


@pytest.mark.parametrize("name", ["zcu102", "zcu102-lockstep"])
def test_the_examples_of_the_drivers(board, name):
    """PM API, DMA, RTC, system monitor, CAN, QSPI, in the order of the vendor's: peripherals.c."""
    made = board(name)
    console = made.shell.open(f"{REMOTEPROC}0/console")
    made.start(0, "zynqmp-peripherals.elf")
    assert said_until(console, b"ed\r\n") == "peripherals: passed\r\n"
    inputs = f"{DEBUG}0/inputs"
    assert made.shell.cat(f"{inputs}/AMS/temp1_input") == "45000\n"
    for level in ("1", "0", "1"):
        made.shell.echo(f"{inputs}/GPIO/22", level)
        if level == "1":
            assert said_until(console, b"ed\r\n") == "pressed\r\n"
    console.release()


@pytest.mark.parametrize("name", ["kv260", "kv260-lockstep"])
def test_the_start_up_of_zephyr(board, name):
    """Its order, in Thumb state; its IPI is the APU's, not that of the vendor's BSP: zephyr.c."""
    made = board(name)
    console = made.shell.open(f"{REMOTEPROC}0/console")
    for _ in range(2):
        made.start(0, "zynqmp-zephyr.elf")
        handle = made.echo(0)
        said = said_until(console, b"ready\r\n")
        assert said == "*** Booting Zephyr-like image ***\r\nready\r\n"
        for size in (1, 15, 255, 496):
            message = bytes(number * 7 & 0xFF for number in range(size))
            write(handle, message)
            assert read(handle) == message
        handle.release()
        assert "FAIL" not in made.shell.cat(f"{DEBUG}0/trace0")
        made.shell.echo(f"{REMOTEPROC}0/state", "stop")
    console.release()
    assert "failed" not in made.log


def test_a_core_that_takes_another_agent_for_linux_is_not_heard(board, tmp_path, caplog, dtc):
    """With the mailboxes of one agent only, as in a kernel; which it is, is in the log."""
    source = (ROOT / "rprocfs/boards/zcu102.dts").read_text()
    pair = "<&rpu0_mailbox 0>, <&rpu0_mailbox 1>,\n\t\t\t\t "
    assert pair in source
    (tmp_path / "apu.dtb").write_bytes(dtc("dts", "dtb", source.replace(pair, "").encode()))
    description = tmp_path / "apu.toml"
    description.write_text('devicetree = "apu.dtb"\n')
    caplog.set_level("DEBUG", "rprocfs")
    made = board(str(description))
    made.start(0, "zynqmp-echo.elf")
    made.wait(lambda: "it triggers IPI agent 7, Linux is 0" in caplog.text)
    assert not made.shell.exists(f"{RPMSG}/virtio0.rpmsg-raw.-1.1025")


def test_both_cores_at_once(board):
    """Each has its own TCMs, console and rings; OCM and the IPIs are both's."""
    made = board("zcu102")
    made.start(0, "zynqmp-echo.elf")
    first = made.echo(0)
    made.start(1, "zynqmp-echo1.elf")
    second = made.echo(1)
    for handle, text in ((first, b"to the first"), (second, b"to the second")):
        write(handle, text)
        assert read(handle) == text
    ocm = made.system.model.iomem.ioremap(0xFFFC_0000, 8).cast("I")
    for number, handle in enumerate((first, second)):
        write(handle, b"ring")
        assert read(handle) == b"ring"
        made.wait(lambda other=1 - number: ocm[other] == 1)
    assert list(ocm) == [1, 1]
    ocm.release()
    made.shell.echo(f"{REMOTEPROC}0/state", "stop")
    write(second, b"still there")
    assert read(second) == b"still there"
    for handle in (first, second):
        handle.release()


def test_the_console(board):
    made = board("kv260")
    console = made.shell.open(f"{REMOTEPROC}0/console")
    made.start(0, "zynqmp-echo.elf")
    said = b""
    while not said.endswith(b"\n"):
        said += read(console)
    assert said == b"echo: the R5F runs\r\n"
    made.echo(0).release()
    write(console, b"hello\n")
    said = b""
    while len(said) < 6:
        said += read(console)
    assert said == b"hello\n"
    console.release()


@pytest.mark.parametrize("way", CRASHES)
def test_a_crash(board, way):
    """Its type and its reason are said, and its registers are in the dump."""
    made = board("zcu102")
    made.shell.echo(f"{REMOTEPROC}0/recovery", "disabled")
    console = made.shell.open(f"{REMOTEPROC}0/console")
    made.start(0, "zynqmp-crash.elf")
    said = b""
    while b"ready" not in said:
        said += read(console)
    write(console, way.encode())
    made.wait(lambda: made.state(0) == "crashed")
    console.release()
    kind, reason = CRASHES[way]
    assert f"crash detected in ffe00000.r5f: type {kind}" in made.log
    assert f"r5f0: {reason}" in made.log


def test_the_coredump(board):
    """Of an abort, whose handler spins: with the registers as they were, and all memory."""
    made = board("zcu102")
    made.shell.echo(f"{REMOTEPROC}0/coredump", "enabled")
    made.shell.echo(f"{REMOTEPROC}0/recovery", "enabled")
    console = made.shell.open(f"{REMOTEPROC}0/console")
    made.start(0, "zynqmp-crash.elf")
    said = b""
    while b"ready" not in said:
        said += read(console)
    write(console, b"m")
    made.wait(lambda: made.shell.exists("/sys/class/devcoredump/devcd1/data"))
    console.release()
    dump = made.shell.cat_bytes("/sys/class/devcoredump/devcd1/data")
    assert b"the crash of the R5F" in dump
    note = dump.index(b"CORE\0") + 8
    values = struct.unpack_from("<17I", dump, note + 72)
    pc = struct.unpack("<I", dump_at(dump, values[15]))[0]
    assert pc >> 20 & 0xFF == 0x59  # LDR, of the register that has the address
    assert values[pc >> 16 & 15] + (pc & 0xFFF) == 0x7FE0_0010
    assert values[16] & 0x1F == 0x1F
    assert values[13] >> 16 == 2  # the stack is in the BTCM, where the core sees it
    assert len(dump_at(dump, values[13])) == 4


def dump_at(dump, da):
    """The word at *da* in a dump."""
    offset, count = struct.unpack_from("<I", dump, 28)[0], struct.unpack_from("<H", dump, 44)[0]
    for index in range(count):
        kind, at, vaddr, _, filesz = struct.unpack_from("<5I", dump, offset + 32 * index)
        if kind == 1 and vaddr <= da < vaddr + filesz:
            return dump[at + da - vaddr :][:4]
    raise AssertionError(f"{da:#x} is not in the dump")


def test_an_image_without_resource_table_runs(board):
    made = board("kv260-lockstep")
    made.start(0, "zynqmp-bare.elf")
    assert made.state(0) == "running"
    assert "no resource table found." in made.log
