import errno

import pytest

from rprocfs.remoteproc.rproc import rproc_da_to_va
from rprocfs.system import bundled_firmware
from rprocfs.testing.driver_table import Bench, Images
from rprocfs.testing.firmware_table import FIRMWARE_TABLE
from rprocfs.testing.userspace import read, write
from tests.engines.installed import NEEDS_QEMU_RISCV

pytestmark = NEEDS_QEMU_RISCV
RV32 = {"compatible": "rprocfs,rv32"}
CRASH = Images(f"{bundled_firmware()}/crash-rv32.elf", ("rpmsg-crash",), "")
ECHO = Images(
    f"{bundled_firmware()}/echo-rv32.elf", ("rpmsg-raw", "rpmsg-echo"), "echo", CRASH.echo
)


@pytest.mark.parametrize("name", FIRMWARE_TABLE)
def test_driver_table(name, tmp_path):
    with Bench(RV32, ECHO, tmp_path) as bench:
        FIRMWARE_TABLE[name](bench)


def test_an_image_that_begins_elsewhere(tmp_path):
    with Bench(RV32, ECHO, tmp_path) as bench:
        image = bytearray((tmp_path / "echo.elf").read_bytes())
        image[24:28] = (0x80000004).to_bytes(4, "little")
        (tmp_path / "late.elf").write_bytes(image)
        with pytest.raises(OSError, match="begins at 0x80000000") as caught:
            bench.start("late.elf")
        assert caught.value.errno == errno.EINVAL


def test_what_qemu_puts_behind_its_memory_is_not_for_images(tmp_path):
    with Bench(RV32, ECHO, tmp_path) as bench:
        rproc = bench.system.remoteproc.rprocs[0]
        assert rproc_da_to_va(rproc, 0x80FEFFFC, 4) is not None
        assert rproc_da_to_va(rproc, 0x80FF0000, 4) is None
        assert rproc_da_to_va(rproc, 0x81000000, 4) is None
        bench.start()
        handle = bench.open("/dev/rpmsg0")
        write(handle, b"hello")
        assert read(handle) == b"hello"
