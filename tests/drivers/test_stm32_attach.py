"""An STM32MP157's M4 that the boot loader has started: attach and detach."""

import errno
import logging
import shutil
import struct

import pytest

from rprocfs.testing.driver_table import DEBUG, R0, Bench
from rprocfs.testing.elf import ElfImage, Segment
from rprocfs.testing.firmware import table_section
from rprocfs.testing.rsc_table import resource_table
from rprocfs.testing.userspace import read, write
from tests.drivers.test_stm32_rproc import ECHO, M4, SLEEP, image
from tests.engines.installed import ENGINES

pytestmark = pytest.mark.skipif("unicorn" not in ENGINES, reason="needs unicorn")
DETACHED = M4 | {"detached": True, "firmware-name": "test.elf"}


@pytest.fixture
def make(tmp_path):
    made = []

    def bench(data=None, **properties):
        if data is None:
            shutil.copy(ECHO.echo, tmp_path / "test.elf")
        else:
            (tmp_path / "test.elf").write_bytes(data)
        made.append(Bench(DETACHED | properties, ECHO, tmp_path))
        return made[-1]

    yield bench
    for one in made:
        one.__exit__()


def with_table(at=0x10001000):
    """An image with an empty resource table, that waits for interrupts and has enabled none."""
    code = bytes.fromhex("30bffde7")  # 1: wfi; b 1b
    vectors = struct.pack("<2I", 0x10040000, 0x10000001).ljust(64, b"\0")
    table = resource_table([])
    segments = [Segment(0, vectors), Segment(0x10000000, code), Segment(at, table)]
    header = {"e_entry": 0x10000000}
    return bytes(ElfImage(segments, [table_section(at, len(table))], header=header).build())


def state(bench, word):
    bench.shell.echo(f"{R0}/state", word)


def refused(bench, word):
    with pytest.raises(OSError) as caught:
        state(bench, word)
    return errno.errorcode[caught.value.errno]


def echoes(bench, text):
    bench.wait(lambda: bench.shell.exists("/dev/ttyRPMSG0"))
    tty = bench.shell.open("/dev/ttyRPMSG0")
    try:
        write(tty, text)
        return text.strip() in read(tty)
    finally:
        tty.release()


def trace(bench):
    return bench.shell.cat(f"{DEBUG}/trace0")


def test_it_is_attached_to(make):
    bench = make()
    assert bench.state == "detached"
    state(bench, "start")
    assert bench.state == "attached"
    bench.wait_channels()
    assert echoes(bench, b"hello\n")
    assert "echo: started" in trace(bench)
    table = bench.shell.cat(f"{DEBUG}/resource_table")
    assert "Device Address 0x10040000" in table
    assert bench.log.splitlines()[:7] == [
        "stm32-rproc 10000000.m4: wdg irq registered",
        "remoteproc remoteproc0: m4 is available",
        "remoteproc remoteproc0: attaching to m4",
        "rproc-virtio rproc-virtio.0.auto: assigned reserved memory node vdev0buffer@10042000",
        "virtio_rpmsg_bus virtio0: rpmsg host is online",
        "rproc-virtio rproc-virtio.0.auto: registered virtio0 (type 7)",
        "remoteproc remoteproc0: remote processor m4 is now attached",
    ]


def test_it_attaches_by_itself(make):
    bench = make(**{"auto-boot": True})
    bench.wait(lambda: bench.state == "attached")
    bench.wait_channels()


def test_it_is_stopped_and_boots_as_any_other(make):
    bench = make()
    state(bench, "start")
    bench.wait_channels()
    bench.stop()
    assert bench.state == "offline"
    bench.start()
    assert bench.state == "running"
    assert refused(bench, "detach") == "EINVAL"


def test_detaching_is_said_to_the_firmware(make):
    bench = make()
    state(bench, "start")
    bench.wait_channels()
    state(bench, "detach")
    assert bench.state == "detached"
    assert "without ack" not in bench.log
    assert bench.channels() == []
    assert bench.log.endswith("detached remote processor m4")


def test_the_debug_log_says_who_has_to_announce(make, caplog):
    bench = make()
    with caplog.at_level(logging.DEBUG, "rprocfs.drivers.stm32_rproc"):
        state(bench, "start")
        assert "attached again" not in caplog.text
        state(bench, "detach")
        state(bench, "start")
    assert ": attached again: channels are there if it announces them again" in caplog.text


def test_it_is_attached_to_again(make):
    bench = make()
    for number in range(3):
        state(bench, "start")
        bench.wait_channels()
        assert echoes(bench, b"%d\n" % number)
        assert trace(bench).count("detach\n") == number
        state(bench, "detach")


def test_firmware_that_does_not_take_it(make):
    """It never looks at its mailboxes, and its table is at the begin of the SRAM."""
    bench = make(with_table())
    state(bench, "start")
    state(bench, "detach")
    assert "remoteproc0: warning: remote FW detach without ack" in bench.log
    state(bench, "start")
    bench.stop()
    assert "remoteproc0: warning: remote FW shutdown without ack" in bench.log


def test_without_a_table_there_is_nothing_to_attach_to(make):
    bench = make(SLEEP)
    assert bench.state == "detached"
    assert refused(bench, "start") == "ENOENT"
    assert bench.state == "detached"
    assert "remoteproc0: can't load resource table: -2" in bench.log


def test_a_table_at_the_end_of_memory_is_not_mapped(make):
    bench = make(with_table(at=0x1005FF00))
    assert refused(bench, "start") == "EINVAL"
    assert "m4: can't translate da 1005ff00" in bench.log
    assert bench.state == "detached"


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"no image at all" * 10, "Image is corrupted (bad magic)"),
        (image((0x60000000, b"beside all memory")), "bad phdr da 0x60000000 mem 0x11"),
    ],
)
def test_what_a_boot_loader_cannot_load_is_off(make, data, why):
    bench = make(data)
    assert bench.state == "offline"
    assert f"10000000.m4: boot loader: test.elf: {why}" in bench.log
    bench.start()


def test_a_boot_loader_without_firmware(make):
    bench = make(**{"firmware-name": "none.elf"})
    assert bench.state == "offline"
    assert "10000000.m4: boot loader: none.elf: No such file or directory" in bench.log


def test_a_crash_while_nobody_is_attached(make):
    """The recovery finds no carveouts, as in the kernel; it is off then, and can be booted."""
    bench = make()
    bench.shell.echo(f"{DEBUG}/crash", "1")
    bench.wait(lambda: "Failed to load program segments: -22" in bench.log)
    assert bench.state == "offline"
    bench.start()
    assert echoes(bench, b"again\n")
