import shutil
import subprocess

import pytest

from rprocfs.testing.bench import Bench, Images
from tests.engines.host import IMAGES, ROOT, SELFTESTS, section, segments

ALL = [*sorted(IMAGES.glob("*.elf")), *sorted(SELFTESTS.glob("*.elf"))]


ECHO = ("rpmsg-raw", "rpmsg-echo")
BOOTS = {
    "echo.elf": ("rprocfs,cortex-m4", ECHO),
    "echo-rv32.elf": ("rprocfs,rv32", ECHO),
    "stm32mp1-echo.elf": ("st,stm32mp1-m4", ("rpmsg-tty", "rpmsg-client-sample")),
}
NEEDS_GCC = pytest.mark.skipif(
    not shutil.which("arm-none-eabi-gcc"), reason="no compiler for Cortex-M"
)


@NEEDS_GCC
def test_the_images_are_what_their_sources_give():
    """Those of a compiler that did not make them are not compared: the next test boots them."""
    done = subprocess.run(
        [ROOT / "scripts" / "firmware" / "build", "--check"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@NEEDS_GCC
def test_what_this_compiler_makes_boots(tmp_path):
    subprocess.run([ROOT / "scripts/firmware/build", "--to", tmp_path], check=True)
    images = {path.name for path in (tmp_path / "rprocfs/firmware").glob("*.elf")}
    assert images >= {"echo.elf", "trace.elf", "crash.elf"}
    for name, (compatible, channels) in BOOTS.items():
        if "rv32" in name and not (name in images and shutil.which("qemu-system-riscv32")):
            continue
        image = Images(tmp_path / "rprocfs/firmware" / name, channels, "")
        with Bench({"compatible": compatible}, image, tmp_path) as bench:
            bench.start()
            bench.stop()


def test_there_are_images():
    assert {path.name for path in ALL} >= {"echo.elf", "trace.elf", "crash.elf", "selftest-m3.elf"}


@pytest.mark.parametrize("path", ALL, ids=lambda path: path.name)
def test_an_image_is_small_and_begins_where_the_ram_does(path):
    image = path.read_bytes()
    assert len(image) < 16384
    first = {
        "rv32": 0x8000_0000, "stm32mp1": 0, "imx8mm": 0x1FFE_0000, "imx8mq": 0x1FFE_0000,
        "imx8mn": 0, "imx8mp": 0, "zynqmp": 0, "am62x": 0, "-m7": 0x6000_0000,
    }  # fmt: skip
    begin = next((first[word] for word in first if word in path.name), 0x2100_0000)
    assert next(segments(image))[0] == begin
    assert str(ROOT).encode() not in image


@pytest.mark.parametrize("path", sorted(IMAGES.glob("*.elf")), ids=lambda path: path.name)
def test_an_image_has_a_resource_table(path):
    assert section(path.read_bytes(), ".resource_table") % 8 == 0
