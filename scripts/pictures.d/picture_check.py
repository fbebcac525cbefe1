"""What ``rprocfs check --svg`` draws of the echo image of an STM32MP157."""

import subprocess
import sys
import tempfile
from pathlib import Path

import rprocfs

FIRMWARE = Path(rprocfs.__file__).with_name("firmware")


def draw() -> str:
    """The memory map of the image."""
    with tempfile.TemporaryDirectory() as directory:
        picture = Path(directory) / "map.svg"
        words = ["check", "--board", "stm32mp157", "--svg", picture, "stm32mp1-echo.elf"]
        subprocess.run(
            [sys.executable, "-m", "rprocfs", *words],
            cwd=FIRMWARE, stdout=subprocess.DEVNULL, timeout=60, check=True,
        )  # fmt: skip
        return picture.read_text()
