"""/lib/firmware under rprocfs run: found by scripts and by the kernel alike, and private."""

import os

import pytest

from rprocfs.testing.images import IMAGES
from tests.mount.conftest import needs_run
from tests.mount.test_run import R0, Runner

GOOD = IMAGES["good.elf"].make()
BOARD = """
firmware-directory = "a, b:c"

[[remoteproc]]
compatible = "rprocfs,sim"
"""


@pytest.fixture
def runner(before, tmp_path):
    (tmp_path / "a, b:c").mkdir()
    (tmp_path / "a, b:c/good.elf").write_bytes(GOOD)
    (tmp_path / "board.toml").write_text(BOARD)
    return Runner(tmp_path / "board.toml", before)


@pytest.fixture
def images(tmp_path):
    return tmp_path / "a, b:c"


def boot(name):
    return f"echo {name} > {R0}/firmware; echo start > {R0}/state; cat {R0}/state"


@pytest.mark.parametrize("directory", ["/lib/firmware", "/usr/lib/firmware"])
def test_an_absolute_link_is_resolved_where_the_script_is(runner, directory):
    if directory.startswith("/usr") and not os.path.islink("/lib"):
        pytest.skip("/usr/lib/firmware is no other name of /lib/firmware here")
    out = runner.sh(f"ln -s {directory}/good.elf /lib/firmware/link; {boot('link')}")
    assert out == "running\n"


def test_what_a_script_puts_there_is_its_own(runner, images):
    script = f"cd /lib/firmware; cp good.elf mine; rm good.elf; ls; {boot('mine')}"
    assert runner.sh(script) == "mine\nrunning\n"
    assert [path.name for path in images.iterdir()] == ["good.elf"]
    assert runner.sh("ls /lib/firmware") == "good.elf\n"


def test_it_can_be_kept(runner, tmp_path):
    runner.options = ["--keep-firmware", tmp_path / "new/kept"]
    runner.sh("cd /lib/firmware; mkdir d; echo 1 > d/f; ln -s d/f link; rm good.elf")
    kept = tmp_path / "new/kept"
    assert sorted(path.name for path in kept.iterdir()) == ["d", "link"]
    assert (kept / "d/f").read_text() == "1\n"
    assert os.readlink(kept / "link") == "d/f"


def test_a_directory_that_is_not_there(runner, images):
    (images / "good.elf").unlink()
    images.rmdir()
    assert runner.sh("ls /lib/firmware; echo 1 > /lib/firmware/f; ls /lib/firmware") == "f\n"


def test_an_image_that_came_from_outside_since_it_was_missed(runner, images, tmp_path):
    os.mkfifo(tmp_path / "go")
    again = f"echo start > state 2>/dev/null || {{ echo ready; read x < {tmp_path}/go; "
    again += "echo start > state; }; cat state"
    process = runner.start("sh", "-c", f"cd {R0}; echo late > firmware; {again}")
    (images / "late").write_bytes(GOOD)
    (tmp_path / "go").write_text("go\n")
    assert process.communicate(timeout=30) == ("running\n", "")


@pytest.mark.parametrize("name", ["beaglebone-pru", "stm32mp157"])
def test_the_images_that_come_along_are_found_on_a_ready_board(name):
    needs_run()
    out = Runner(name).sh("cd /lib/firmware; ls echo.elf; head -c 4 trace.elf | tail -c 3")
    assert out == "echo.elf\nELF"
