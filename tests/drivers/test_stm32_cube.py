"""An STM32MP157's M4 with an image as STM32CubeMP1 and FreeRTOS make them, on Unicorn."""

from pathlib import Path

import pytest

from rprocfs.testing.driver_table import DEBUG, R0, Bench, Images
from rprocfs.testing.userspace import read, write
from tests.engines.installed import ENGINES

M4 = {"compatible": "st,stm32mp1-m4", "label": "m4", "device-name": "ahb/10000000.m4"}
IMAGE = Path(__file__).parents[1] / "firmware/stm32mp1-cube.elf"
CUBE = Images(IMAGE, ("rpmsg-tty", "rpmsg-tty"), "cube: boot")

pytestmark = pytest.mark.skipif("unicorn" not in ENGINES, reason="needs unicorn")


def trace(bench):
    return [line for line in bench.shell.cat(f"{DEBUG}/trace0").split("\n") if line.strip("\0")]


def test_the_start_up_of_cube_and_freertos(tmp_path):
    """Drivers, tasks, both directions of the IPCC, two terminals, sleep, and the shutdown."""
    with Bench(M4, CUBE, tmp_path) as bench:
        bench.start()
        console = bench.open(f"{R0}/console")
        bench.wait(lambda: trace(bench)[-1:] in (["cube: good"], ["cube: failed"]))
        assert trace(bench) == [
            "cube: boot", "cube: drivers", "rpmsg: up",
            "rpmsg: announced rpmsg-tty at 0x400", "rpmsg: announced rpmsg-tty at 0x401",
            "cube: good",
        ]  # fmt: skip
        said = b""
        while b"\n" not in said:
            said += read(console)
        assert said == b"cube: sent by DMA\r\n"
        for name in ("/dev/ttyRPMSG0", "/dev/ttyRPMSG1"):
            tty = bench.open(name)
            write(tty, b"hello " + name.encode() + b"\n")
            assert name.encode() in read(tty)
        write(tty, b"*stop\n")
        assert b"*stop" in read(tty)
        bench.wait(lambda: "cube: stops" in trace(bench))
        write(tty, b"wake up\n")
        assert b"wake up" in read(tty)
        assert trace(bench)[6:] == ["cube: stops", "cube: left a stop"]
        bench.stop()
        assert "without ack" not in bench.log
