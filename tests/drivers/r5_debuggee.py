"""The image debuggee_r5.c, and the board that it is for."""

import subprocess
from pathlib import Path

import pytest

from tests.drivers.test_xlnx_r5_machine import Board
from tests.engines.host import ROOT

SOURCE = Path(__file__).with_name("debuggee_r5.c")
FIRMWARE = ROOT / "scripts" / "firmware"


@pytest.fixture(scope="session")
def debuggee(tmp_path_factory):
    """`debuggee(core, state, rounds)`: debuggee_r5.c for that core, in ARM or Thumb state."""
    directory = tmp_path_factory.mktemp("debuggee")

    def build(core, state="arm", rounds=3):
        image = directory / f"{state}{core}-{rounds}.elf"
        sources = [FIRMWARE / "zynqmp/zynqmp.c", ROOT / "rprocfs/kit/log.c", SOURCE]
        # The kit's vectors are ARM instructions, so they are not compiled for Thumb state.
        objects = []
        for source in sources:
            made = directory / f"{state}{core}-{rounds}-{source.stem}.o"
            thumb = state == "thumb" and source == SOURCE
            subprocess.run(
                [
                    "arm-none-eabi-gcc", "-c", "-g", "-O0", "-std=c11", "-ffreestanding",
                    "-mcpu=cortex-r5", "-mfloat-abi=hard", "-mfpu=vfpv3-d16",
                    "-mthumb" if thumb else "-marm", f"-I{FIRMWARE / 'zynqmp'}", f"-I{FIRMWARE}",
                    f"-I{ROOT / 'rprocfs/kit'}", '-DMACHINE_H="zynqmp.h"', f"-DCORE={core}",
                    f"-DROUNDS={rounds}",
                    "-o", made, source,
                ],
                check=True,
            )  # fmt: skip
            objects.append(made)
        base = (0x3ED00000, 0x3EF00000)[core]
        link = [
            "arm-none-eabi-gcc", "-nostdlib", "-mcpu=cortex-r5", "-mfloat-abi=hard",
            "-mfpu=vfpv3-d16", f"-L{FIRMWARE / 'zynqmp'}", "-Wl,-T,zynqmp.ld",
            f"-Wl,--defsym=RAM_BASE={base:#x}", "-Wl,-z,max-page-size=256",
        ]  # fmt: skip
        subprocess.run([*link, "-o", image, *objects, "-lgcc"], check=True)
        return image

    return build


@pytest.fixture
def zcu102(tmp_path):
    """`zcu102(**options)`: the board, with both cores on their own."""
    made = []

    def make(**options):
        made.append(Board("zcu102", tmp_path, **options))
        return made[-1]

    yield make
    for board in made:
        board.close()
