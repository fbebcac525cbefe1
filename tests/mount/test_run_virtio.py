"""Virtio devices under rprocfs run, for programs that know terminals and /dev/hwrng."""

import pytest

from rprocfs.system import bundled_firmware
from tests.mount.conftest import needs, needs_run
from tests.mount.test_run import Runner

CONSOLE = """
firmware-directory = "{}"
modules = ["virtio_console", "virtio_rng"]

[[remoteproc]]
compatible = "rprocfs,cortex-m3"
firmware-name = "console.elf"
auto-boot = true

[[remoteproc]]
compatible = "rprocfs,cortex-m3"
firmware-name = "rng.elf"
auto-boot = true
"""


@pytest.fixture
def runner(tmp_path):
    needs_run()
    needs("stty")
    board = tmp_path / "board.toml"
    board.write_text(CONSOLE.format(bundled_firmware()))
    return Runner(board)


SCRIPT = """
while [ ! -e /dev/vport0p0 ] && [ ! -e /dev/vport1p0 ]; do sleep 0.05; done
exec 3<>/dev/hvc0
stty raw -echo <&3
stty size <&3
echo echo hello >&3
head -n 1 <&3
cat /sys/class/tty/hvc0/dev /sys/module/rng_core/refcnt
while [ $(cat /sys/class/misc/hw_random/rng_current) = none ]; do sleep 0.05; done
dd if=/dev/hwrng bs=1000 count=1 status=none | wc -c
"""


def test_a_shell_script(runner):
    assert runner.sh(SCRIPT).split("\n") == ["25 80", "hello", "229:0", "1", "1000", ""]
