import errno
import os
import select
import struct
import threading

import pytest

from rprocfs.drivers.worker.console import KEPT, Console, ConsoleFile
from rprocfs.fs.wait import WouldBlock
from rprocfs.system import System, bundled_firmware
from rprocfs.testing.driver_table import R0, Bench, Images
from rprocfs.testing.elf import Segment
from rprocfs.testing.firmware import firmware
from rprocfs.testing.rsc_table import resource_table
from rprocfs.testing.userspace import Userspace, read, write
from tests.engines.installed import ENGINES

TRACE = Images(f"{bundled_firmware()}/trace.elf", (), "trace")
M4 = {"compatible": "rprocfs,cortex-m4"}
# ldr r0, uart; movs r1, #3; str r1, [r0, #8]; 1: ldr r2, [r0, #4]; lsrs r2, #2;
# bcc 1b; ldr r2, [r0]; str r2, [r0]; b 1b
ECHO = struct.pack(
    "<10HI", 0x4804, 0x2103, 0x6081, 0x6842, 0x0892, 0xD3FC, 0x6802, 0x6002, 0xE7F9, 0xBF00,
    0x40004000,
)  # fmt: skip


def typewriter():
    """An image that sends back what is typed."""
    vectors = struct.pack("<II", 0x21010000, 0x21000401)
    image = firmware(resource_table([]), [Segment(0x21000400, ECHO)], base=0x21000000, text=None)
    image.segments[0].data = vectors + image.segments[0].data[8:]
    return image.build()


@pytest.fixture(params=ENGINES)
def bench(request, tmp_path):
    properties = M4 | {"engine": request.param, "console-log": str(tmp_path / "log")}
    with Bench(properties, TRACE, tmp_path) as bench:
        yield bench


def test_what_the_firmware_writes(bench):
    handle = bench.open(f"{R0}/console")
    with pytest.raises(WouldBlock):
        handle.read(100, 0)
    for _ in range(2):
        bench.shell.echo(f"{R0}/firmware", "echo.elf")
        bench.shell.echo(f"{R0}/state", "start")
        text = b""
        while len(text) < len(b"trace: started\n"):
            text += read(handle)
        assert text == b"trace: started\n"
        bench.stop()
    assert (bench.directory / "log").read_bytes() == b"trace: started\n" * 2


def test_a_log_on_a_full_disk_is_said_once(tmp_path, caplog):
    properties = M4 | {"engine": "unicorn", "console-log": "/dev/full"}
    with Bench(properties, TRACE, tmp_path) as bench:
        handle = bench.open(f"{R0}/console")
        for _ in range(2):
            bench.start()
            text = b""
            while b"trace: started" not in text:  # behind the rest of the boot before
                text += read(handle)
            bench.stop()
        assert bench.log.count("console-log: No space left on device") == 1
    assert not [record for record in caplog.records if record.exc_info]


def test_a_log_that_nobody_reads(tmp_path):
    """A FIFO: opening it must not wait."""
    os.mkfifo(tmp_path / "log")
    with System(firmware=tmp_path) as system:
        properties = M4 | {"engine": "unicorn", "console-log": str(tmp_path / "log")}
        assert system.add_processor(properties).driver is None
        assert "No such device or address" in system.model.kmsg.records()[0].text


def test_typing(bench):
    (bench.directory / "type.elf").write_bytes(typewriter())
    handle = bench.open(f"{R0}/console")
    with pytest.raises(OSError, match="error") as caught:
        handle.write(b"nobody is there", 0)
    assert caught.value.errno == errno.EIO
    bench.start("type.elf")
    text, got = b"hello, world\n" * 20, b""
    assert write(handle, text) == len(text)
    while len(got) < len(text):
        got += read(handle)
    assert got == text


def test_a_reader_finds_the_end_when_the_processor_goes(bench):
    handle = bench.open(f"{R0}/console")
    got = []
    reader = threading.Thread(target=lambda: got.append(read(handle)))
    reader.start()
    driver = f"/sys/bus/platform/devices/{bench.device.name}/driver"
    bench.shell.echo(f"{driver}/unbind", bench.device.name)
    reader.join(20)
    assert got == [b""]
    assert handle.poll() & select.POLLHUP


def test_where_there_is_none(tmp_path):
    with System(firmware=tmp_path, strict=True) as system:
        system.add_processor(M4 | {"engine": "unicorn"})
        assert not Userspace(system.tree).exists(f"{R0}/console")
    with System(firmware=tmp_path) as system:
        system.add_processor({"compatible": "rprocfs,rv32"})
        assert not Userspace(system.tree).exists(f"{R0}/console")


def test_a_log_that_cannot_be_written(tmp_path):
    with System(firmware=tmp_path) as system:
        device = system.add_processor(M4 | {"console-log": str(tmp_path / "no" / "log")})
        assert device.driver is None
        assert "No such file or directory" in system.model.kmsg.records()[0].text


def test_the_file_by_itself():
    room = [3, 0]
    console = Console(lambda data: room.pop(0))
    handle = ConsoleFile(console).open(0)
    assert not handle.poll() & select.POLLIN
    console.output(b"x" * KEPT + b"end")
    assert handle.poll() & select.POLLIN
    assert handle.read(KEPT, 0) == b"x" * (KEPT - 3) + b"end"
    assert handle.write(b"hello", 0) == 3
    with pytest.raises(BlockingIOError):
        handle.write(b"lo", 0)
    console.close()
    assert handle.read(10, 0) == b""
    with pytest.raises(OSError, match="device"):
        ConsoleFile(console).open(0)
