"""What a script finds that was written for an STM32MP157 discovery kit."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from rprocfs.system import bundled_firmware
from tests.engines.installed import ENGINES
from tests.examples import SCALE
from tests.mount.conftest import needs_fuse

ROOT = Path(__file__).parents[2]
SCRIPT = r"""
cd /sys/class/remoteproc/remoteproc0
cat name firmware state
echo -n stm32mp1-echo.elf > firmware
echo start > state && cat state
while ! test -e /dev/ttyRPMSG0; do sleep 0.02; done
stty -F /dev/ttyRPMSG0 raw -echo
exec 3<>/dev/ttyRPMSG0; echo hello >&3; head -n 1 <&3; exec 3>&-
head -n 1 /sys/kernel/debug/remoteproc/remoteproc0/trace0
for boot in $(seq BOOTS); do echo stop > state; echo start > state; done
echo stop > state && cat state
readlink -f .
dmesg | grep -c 'is now up'
dmesg
"""

pytestmark = pytest.mark.skipif("unicorn" not in ENGINES, reason="needs unicorn")


def test_a_script_for_a_discovery_kit():
    needs_fuse()
    boots = 10 * SCALE
    command = [sys.executable, "-m", "rprocfs", "run", "--board", "stm32mp157"]
    command += ["-o", f"firmware={bundled_firmware()}", "--", "bash", "-e", "-c"]
    done = subprocess.run(
        [*command, SCRIPT.replace("BOOTS", str(boots))], capture_output=True, text=True,
        timeout=60 * SCALE, cwd=ROOT, check=False,
        env={"PATH": "/usr/bin:/bin:/usr/sbin:/sbin", "PYTHONPATH": ".:mount"},
    )  # fmt: skip
    assert (done.stderr, done.returncode) == ("", 0)
    said, _, log = done.stdout.partition(f"\n{boots + 1}\n")
    assert said.splitlines() == [
        "m4",
        "rproc-m4-fw",
        "offline",
        "running",
        "hello",
        "echo: started",
        "offline",
        "/sys/devices/platform/ahb/10000000.m4/remoteproc/remoteproc0",
    ]
    lines = [re.sub(r"^\[ *[\d.]+\] ", "", line) for line in log.splitlines()]
    assert "rproc-virtio rproc-virtio.0.auto: assigned reserved memory node " in log
    assert "virtio_rpmsg_bus virtio0: creating channel rpmsg-tty addr 0x400" in lines
    assert not [line for line in lines if "without ack" in line or "failed" in line]
