"""The Cortex-M4 and -M7 of an i.MX 8M: gdb, lines, exceptions, samples and a backtrace."""

import re
import subprocess

import pytest

from rprocfs.base.observe import Observe
from rprocfs.cli import main
from rprocfs.coverage.report import read as read_coverage
from rprocfs.testing.driver_table import R0, RPMSG, Images
from rprocfs.testing.userspace import read, write
from tests.drivers.gdb_session import NEEDS_GDB, Session, transcript
from tests.drivers.imx8m import KitBench
from tests.engines.host import ROOT

FIRMWARE = ROOT / "scripts" / "firmware"
ECHO_C = FIRMWARE / "imx8m" / "echo.c"
CHANNELS = ("rpmsg-raw", "rpmsg-echo", "rpmsg-crash")
PARTS = {
    "imx8mm": ["-Wl,-T,m4.ld", "-mcpu=cortex-m4", "-mfpu=fpv4-sp-d16"],
    "imx8mp": ["-Wl,-T,m7.ld", "-mcpu=cortex-m7", "-mfpu=fpv5-d16", "-DVRING_BASE=0x55000000u"],
}


@pytest.fixture(params=PARTS)
def part(request):
    return request.param


@pytest.fixture
def made(part, tmp_path):
    """The echo of the kit, as its developer has it."""
    kit, image = ROOT / "rprocfs" / "kit", tmp_path / f"{part}.elf"
    sources = [FIRMWARE / "imx8m/imx8m.c", kit / "log.c", kit / "rpmsg.c", ECHO_C]
    subprocess.run(
        [
            "arm-none-eabi-gcc", "-g", "-O0", "-std=c11", "-ffreestanding", "-nostdlib", "-mthumb",
            "-fno-tree-loop-distribute-patterns", "-mfloat-abi=hard",
            "-Wl,-z,max-page-size=256", *PARTS[part],
            '-DFIRST="rpmsg-raw"', '-DSECOND="rpmsg-echo"',
            '-DMACHINE_H="imx8m.h"', f"-I{FIRMWARE / 'imx8m'}", f"-L{FIRMWARE / 'imx8m'}",
            f"-I{FIRMWARE}", f"-I{kit}", f"-L{kit}", "-o", image, *sources, "-lgcc",
        ],
        check=True,
    )  # fmt: skip
    return image


def line(text):
    rows = ECHO_C.read_text().splitlines()
    return next(number for number, row in enumerate(rows, 1) if text in row)


@NEEDS_GDB
def test_a_session(part, made, tmp_path):
    script = f"""
        target remote {tmp_path / "gdb"}
        print $d0 = 2.5
        print/x $fpscr = 0x3000000
        break handle
        continue
        finish
        print/x *(unsigned *)0xe000ed00
        delete
        break crash
        continue
        backtrace 2
        continue
    """
    (tmp_path / "board").mkdir()
    with KitBench(part, Images(made, CHANNELS, ""), tmp_path / "board") as bench:
        bench.shell.echo(f"{R0}/recovery", "disabled")
        bench.start()
        handle = bench.open(f"{RPMSG}/virtio0.rpmsg-raw.-1.1024/endpoint")
        die = bench.open(f"{RPMSG}/virtio0.rpmsg-crash.-1.1026/endpoint")
        bench.shell.echo(f"{R0}/gdb", str(tmp_path / "gdb"))
        with Session(made, script, tmp_path) as session:
            session.wait("Breakpoint 1 at")
            write(handle, b"hello")
            session.wait("$3 = ")
            write(die, b"u")
            said = transcript(session.output())
        bench.wait(lambda: bench.state == "crashed")
    assert "$1 = 2.5" in said
    assert "$2 = 0x3000000" in said
    assert any(text.startswith("Breakpoint 1, handle (") for text in said)
    cpuid = {"imx8mm": "0x410fc241", "imx8mp": "0x411fc272"}[part]
    assert any(re.fullmatch(rf"\$\d = {cpuid}", text) for text in said), "\n".join(said)
    assert any(text.startswith("Breakpoint 2, crash (") for text in said), said
    assert any(text.startswith("#1  handle (") for text in said), said
    assert "Program received signal SIGABRT, Aborted." in said


def test_what_is_recorded(part, made, tmp_path, capsys):
    places = {name: str(tmp_path / name) for name in ("coverage", "trace", "profile")}
    observe = Observe(symbolize=True, **places)
    (tmp_path / "board").mkdir()
    images = Images(made, CHANNELS, "")
    with KitBench(part, images, tmp_path / "board", observe=observe) as bench:
        bench.shell.echo(f"{R0}/recovery", "disabled")
        bench.start()
        handle = bench.open(f"{RPMSG}/virtio0.rpmsg-raw.-1.1024/endpoint")
        for _ in range(100):
            write(handle, bytes(400))
            assert read(handle) == bytes(400)
        write(bench.open(f"{RPMSG}/virtio0.rpmsg-crash.-1.1026/endpoint"), b"u")
        bench.wait(lambda: bench.state == "crashed")
        bench.system.settle()
        log = bench.log
    lines = read_coverage([tmp_path / "coverage"])[str(ECHO_C)].lines
    assert lines[line("return rpmsg_send(dst, src, data, len)")] == 100
    assert lines[line('"udf #1"')] == 1
    assert main(["trace", places["trace"]]) == 0
    said = [row.split("  ", 1)[1] for row in capsys.readouterr().out.splitlines() if "takes" in row]
    assert any("takes IRQ " in row for row in said)
    assert re.search(r"takes (HardFault|UsageFault)", said[-1])
    assert main(["profile", places["profile"]]) == 0
    assert "rpmsg_send" in capsys.readouterr().out
    assert re.search(r"#\d +0x\w+ in crash \(\) at \S*echo.c:\d+", log)
