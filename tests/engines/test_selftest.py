"""What the firmware itself finds out about its core; on QEMU too, where there is one."""

import shutil
import subprocess

import pytest

from rprocfs.engines.memory import SharedRam
from rprocfs.soc.vsoc import VSOC1
from rprocfs.testing.driver_table import DEBUG, Bench, Images
from tests.engines.host import SELFTESTS, Host, segments
from tests.engines.installed import NEEDS_QEMU

IMAGE = "selftest-{}.elf"


def failures(lines):
    return {line.strip() for line in lines if not line.startswith("ok ")}


@pytest.mark.parametrize(
    ("image", "core"),
    [("m3", "cortex-m3"), ("m3", "cortex-m4"), ("m4", "cortex-m4")],
)
def test_selftest(image, core):
    with Host(SELFTESTS / IMAGE.format(image), core=core) as host:
        host.wait(lambda: b"ok done\n" in host.worker.console or host.deaths)
        lines = host.worker.console.decode().splitlines()
        assert host.deaths == []
    # The m3 image expects to find no FPU.
    assert failures(lines) == (set() if core.endswith(image) else {"FAIL no fpu"})
    assert len(lines) > 45


@pytest.mark.skipif(not shutil.which("qemu-system-arm"), reason="no QEMU to compare with")
@pytest.mark.parametrize(("image", "machine"), [("m3", "mps2-an385"), ("m4", "mps2-an386")])
def test_the_selftest_is_right_about_qemu(image, machine):
    with SharedRam(VSOC1.ram.da, VSOC1.ram.size) as ram:
        for da, data in segments((SELFTESTS / IMAGE.format(image)).read_bytes()):
            ram.at(da, len(data))[:] = data
        memory = f"memory-backend-file,id=ram,size=16M,mem-path=/proc/self/fd/{ram.fd},share=on"
        command = ["qemu-system-arm", "-display", "none", "-nodefaults", "-no-user-config"]
        command += ["-M", f"{machine},memory-backend=ram", "-object", memory]
        command += ["-global", f"armv7m.init-nsvtor={VSOC1.ram.da:#x}", "-serial", "stdio"]
        with subprocess.Popen(
            command,
            pass_fds=[ram.fd],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        ) as qemu:
            lines = []
            while "ok done\n" not in lines and (line := qemu.stdout.readline()):
                lines.append(line)
            qemu.kill()
    # QEMU's BKPT sets another bit of HFSR than the architecture says.
    assert failures(lines) <= {"FAIL breakpoint"}
    assert len(lines) > 45


def trace(engine, image, directory):
    """The whole trace of the self test on this engine, as debugfs has it."""
    directory.mkdir()
    images = Images(SELFTESTS / IMAGE.format(image), (), "")
    properties = {
        "compatible": f"rprocfs,cortex-{image}", "engine": engine,
        "console-log": str(directory / "console"),
    }  # fmt: skip
    with Bench(properties, images, directory) as bench:
        bench.start()
        bench.wait(lambda: b"ok done\n" in (directory / "console").read_bytes())
        return bench.shell.cat(f"{DEBUG}/trace0")


@NEEDS_QEMU
@pytest.mark.parametrize("image", ["m3", "m4"])
def test_both_engines_leave_the_same_trace(image, tmp_path):
    """Nesting, tail-chaining, SysTick, PendSV, faults, FPU registers: byte for byte."""
    theirs, ours = (trace(engine, image, tmp_path / engine) for engine in ("qemu", "unicorn"))
    assert ours == theirs
    assert ours.count("events tabBATcCpP\n") == 3
    assert ("exc_return ffffffe1\n" in ours) == (image == "m4")
    assert len(ours.splitlines()) > 50
