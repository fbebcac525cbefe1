import shutil
import subprocess

import pytest

from tests.engines.host import IMAGES, ROOT, SELFTESTS, section, segments

ALL = [*sorted(IMAGES.glob("*.elf")), *sorted(SELFTESTS.glob("*.elf"))]


@pytest.mark.skipif(not shutil.which("arm-none-eabi-gcc"), reason="no compiler for Cortex-M")
def test_the_images_are_what_their_sources_give():
    done = subprocess.run(
        [ROOT / "scripts" / "firmware" / "build", "--check"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_there_are_images():
    assert {path.name for path in ALL} >= {"echo.elf", "trace.elf", "crash.elf", "selftest-m3.elf"}


@pytest.mark.parametrize("path", ALL, ids=lambda path: path.name)
def test_an_image_is_small_and_begins_where_the_ram_does(path):
    image = path.read_bytes()
    assert len(image) < 8192
    first = {"rv32": 0x8000_0000, "stm32mp1": 0}
    begin = next((first[word] for word in first if word in path.name), 0x2100_0000)
    assert next(segments(image))[0] == begin
    assert str(ROOT).encode() not in image


@pytest.mark.parametrize("path", sorted(IMAGES.glob("*.elf")), ids=lambda path: path.name)
def test_an_image_has_a_resource_table(path):
    assert section(path.read_bytes(), ".resource_table") % 8 == 0
