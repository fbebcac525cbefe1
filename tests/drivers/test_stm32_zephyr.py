"""An STM32MP157's M4 with an image that starts and switches as Zephyr does, on Unicorn."""

import re
import struct
import time
from pathlib import Path

import pytest

from rprocfs.testing.driver_table import DEBUG, R0, Bench, Images
from tests.engines.installed import ENGINES

M4 = {"compatible": "st,stm32mp1-m4", "label": "m4", "device-name": "ahb/10000000.m4"}
ZEPHYR = Images(Path(__file__).parents[1] / "firmware/stm32mp1-zephyr.elf", (), "zephyr: main")

pytestmark = pytest.mark.skipif("unicorn" not in ENGINES, reason="needs unicorn")


def trace(bench):
    return [line for line in bench.shell.cat(f"{DEBUG}/trace0").split("\n") if line.strip("\0")]


TICKS_PER_SECOND = 10_000


def test_the_start_up_and_the_kernel_of_zephyr(tmp_path):
    """Priorities, lazy floating point, threads, faults that end one, and time without ticks."""
    with Bench(M4, ZEPHYR, tmp_path) as bench:
        begin = time.monotonic()
        bench.start()
        bench.wait(lambda: trace(bench)[-1:] == ["zephyr: good"])
        took = time.monotonic() - begin
        said = trace(bench)
        stages = ("main", "priorities", "lazy", "threads", "faults", "sleeping")
        assert said[:-3] == [f"zephyr: {stage}" for stage in stages]
        assert said[-2:] == ["zephyr: unshared", "zephyr: good"]
        slept = int(said[-3].removeprefix("zephyr: slept 0x"), 16)
        assert slept / TICKS_PER_SECOND <= took
        assert "no model" not in bench.log


def test_its_trace_is_where_the_image_says(tmp_path):
    """Its resource table lies in the RETRAM, the buffer among zeros in the SRAM."""
    with Bench(M4, ZEPHYR, tmp_path) as bench:
        bench.start()
        table = bench.shell.cat(f"{DEBUG}/resource_table")
        assert "Name Zephyr_log" in table
        assert re.search(r"Device Address 0x1000[0-9a-f]{4}\n", table)


# ldr r0, =0x4000a000; movs r1, #0xc0; str r1, [r0]; b .: its window watchdog bites.
DOG = struct.pack("<6H", 0x4801, 0x21C0, 0x6001, 0xE7FE, 0xA000, 0x4000)


@pytest.mark.parametrize("code", [0x10000000, 0x30000000, 0x30020000])
def test_segments_as_linkers_leave_them(tmp_path, code):
    """Code at either address of the SRAM, one of no size anywhere, another address to run at."""
    vectors = struct.pack("<2I", 0x10040000, code | 1)
    ident = b"\x7fELF\1\1\1".ljust(16, b"\0")
    ehdr = struct.pack("<2H5I6H", 2, 40, 1, code | 1, 52, 0, 0, 52, 32, 4, 40, 0, 0)
    loads = (
        (0, 0, len(vectors), len(vectors)),
        (0x10001000, code, len(DOG), len(DOG)),
        (0xC0000000, 0xC0000000, 0, 0),
        (0x10002000, 0x10002000, 0, 0x100),
    )
    at, headers = 52 + 32 * len(loads), b""
    for vaddr, paddr, filesz, memsz in loads:
        headers += struct.pack("<8I", 1, at, vaddr, paddr, filesz, memsz, 7, 4)
        at += filesz
    with Bench(M4, ZEPHYR, tmp_path) as bench:
        (tmp_path / "test.elf").write_bytes(ident + ehdr + headers + vectors + DOG)
        bench.shell.echo(f"{R0}/recovery", "disabled")
        bench.start("test.elf")
        bench.wait(lambda: bench.state == "crashed")
        assert "crash detected in m4: type watchdog" in bench.log
