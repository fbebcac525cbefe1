"""An STM32MP157's M4 with an image that starts and switches as Zephyr does, on Unicorn."""

import re
import time
from pathlib import Path

import pytest

from rprocfs.testing.driver_table import DEBUG, Bench, Images
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
