"""What gdb makes of a coredump: where the firmware was when it died."""

import os
import re
import shutil
import struct
import subprocess

import pytest

from rprocfs.arch.armv7m.core import CortexM
from rprocfs.arch.rv32.core import Rv32
from rprocfs.drivers.worker.crash_dump import merged, notes
from rprocfs.remoteproc.dump_segment import DumpSegment
from rprocfs.testing.driver_table import R0, RPMSG, Bench, Images
from rprocfs.testing.userspace import write
from tests.engines.host import ROOT
from tests.engines.installed import ENGINES, NEEDS_QEMU_RISCV

GDB = shutil.which("gdb-multiarch")
ARM, RISCV = "arm-none-eabi-gcc", "riscv64-unknown-elf-gcc"


def needs(compiler):
    missing = [name for name in ("gdb-multiarch", compiler) if not shutil.which(name)]
    return pytest.mark.skipif(bool(missing), reason=f"not installed: {missing}")


NEEDS_ARM, NEEDS_RISCV = needs(ARM), needs(RISCV)


def backtrace(properties, image, way, directory, mode="enabled"):
    """Functions and lines, the innermost first, and the signal, of a crash by *way*."""
    core = directory / "core"
    with Bench(
        properties | {"watchdog-ms": 1200}, Images(image, ("rpmsg-crash",), ""), directory
    ) as b:
        b.start()
        b.shell.echo(f"{R0}/coredump", mode)
        write(b.open(f"{RPMSG}/{b.channels()[0]}/endpoint"), way.encode())
        b.wait(lambda: b.shell.exists(f"{R0}/devcoredump/data"))
        core.write_bytes(b.shell.cat_bytes(f"{R0}/devcoredump/data"))
        b.shell.echo(f"{R0}/devcoredump/data", "1")
        b.wait(lambda: b.state == "running")
    # What gdb would look for besides, like a server for symbols, is none of its business here.
    done = subprocess.run(
        [GDB, "-nx", "-batch", "-ex", "bt", image, core],
        capture_output=True,
        text=True,
        check=True,
        env={"PATH": os.environ["PATH"], "HOME": str(directory), "LC_ALL": "C"},
    )
    signal = re.search(r"terminated with signal (\w+)", done.stdout)[1]
    # The first line is where it stopped, the others are the backtrace.
    frames = dict(re.findall(r"^#(\d+) +(?:0x\w+ in )?(.*)$", done.stdout, re.MULTILINE))
    return [frames[str(number)] for number in range(len(frames))], signal


def line(source, text):
    """``FILE.c:N`` of the first line with *text*."""
    (path,) = [p for d in ("rprocfs/kit", "scripts/firmware") for p in (ROOT / d).glob(source)]
    number = next(n for n, has in enumerate(path.read_text().splitlines(), 1) if text in has)
    return f"{source}:{number}"


M3 = {"compatible": "rprocfs,cortex-m3"}
HANDLER = ["vsoc_fail ()", "<signal handler called>"]
TRAP = ["vsoc_fail ()", "fault ()", "trap ()"]


@NEEDS_ARM
@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(
    ("way", "frames", "signal"),
    [
        ("undef", [*HANDLER, "undef ()", "command ("], "SIGABRT"),
        ("thread", [*HANDLER, "undef ()", "thread ()"], "SIGABRT"),
        ("read", [*HANDLER, "unmapped_read ()", "command ("], "SIGSEGV"),
        ("jump", [*HANDLER, "?? ()", "command ("], "SIGSEGV"),
        ("lockup", ["lockup ()", "command ("], "SIGABRT"),
        ("vectors", ["undef ()", "vectors ()", "command ("], "SIGABRT"),
        ("reset", ["command ("], "SIGABRT"),
        ("crash", ["hang ()", "say_so ()", "command ("], "SIGABRT"),
        ("hang", ["hang ()", "command ("], "SIGALRM"),
    ],
)
def test_gdb_finds_the_crash(engine, way, frames, signal, unstripped, tmp_path):
    found, seen = backtrace(M3 | {"engine": engine}, unstripped(ARM), way, tmp_path)
    assert seen == signal
    if way == "reset":  # the store to AIRCR, and where it returns to: both are there in time
        found = found[1:] if found[0].startswith("system_reset") else found
    assert [text[: len(start)] for text, start in zip(found, frames, strict=False)] == frames
    if way in ("undef", "thread", "vectors"):
        assert line("crash.c", 'static void undef(void) { __asm__ volatile("udf') in "".join(found)
    if way not in ("thread", "vectors"):  # they push nothing, as they will not return
        assert found[-1].startswith("main ()")


@NEEDS_ARM
@pytest.mark.parametrize("engine", ENGINES)
def test_gdb_finds_the_crash_in_memory_that_is_read_with_the_dump(engine, unstripped, tmp_path):
    m3 = M3 | {"engine": engine}
    found, signal = backtrace(m3, unstripped(ARM), "thread", tmp_path, "inline")
    assert signal == "SIGABRT"
    assert [text.split(" (")[0] for text in found[1:3]] == ["<signal handler called>", "undef"]


@NEEDS_RISCV
@NEEDS_QEMU_RISCV
@pytest.mark.parametrize(
    ("way", "frames", "signal"),
    [
        ("undef", [*TRAP, "command ("], "SIGABRT"),
        ("jump", [*TRAP, "command ("], "SIGABRT"),
        ("reset", ["command ("], "SIGABRT"),
        ("crash", ["hang ()", "say_so ()", "command ("], "SIGABRT"),
        ("hang", ["hang ()", "command ("], "SIGALRM"),
    ],
)
def test_gdb_finds_the_crash_of_a_riscv_core(way, frames, signal, unstripped, tmp_path):
    found, seen = backtrace({"compatible": "rprocfs,rv32"}, unstripped(RISCV), way, tmp_path)
    assert seen == signal
    if way == "reset":  # the store that resets, and where it returns to: both are there in time
        found = found[1:] if found[0].startswith("system_reset") else found
    assert [text[: len(start)] for text, start in zip(found, frames, strict=False)] == frames
    assert found[-1].startswith("main ()")


@pytest.mark.parametrize(("core", "size", "count"), [(CortexM, 148, 17), (Rv32, 204, 32)])
def test_the_layout_of_the_note(core, size, count):
    note = notes(core.registers, tuple(range(1, count + 1)), 0)
    assert struct.unpack_from("<3I", note) == (5, size, 1)
    assert note[12:20] == b"CORE\0\0\0\0"
    status = note[20 : 20 + size]
    assert struct.unpack_from("<I", status)[0] == struct.unpack_from("<H", status, 12)[0] == 11
    assert struct.unpack_from("<I", status, 24)[0] == 1
    assert struct.unpack_from(f"<{count}I", status, 72) == tuple(range(1, count + 1))


def test_no_registers_no_note():
    assert notes(CortexM.registers, (), 0) == b""


def test_registers_that_the_core_does_not_have():
    assert len(notes(CortexM.registers, (1,) * 32, 0)) == len(
        notes(CortexM.registers, (1,) * 17, 0)
    )


def test_a_crash_of_no_known_type():
    assert notes(CortexM.registers, (0,) * 17, 77)[20:24] == (6).to_bytes(4, "little")


def parts(*ranges):
    return [DumpSegment(begin, end - begin) for begin, end in ranges]


def test_what_overlaps_is_dumped_once():
    def anywhere(_da, _size):
        return True

    three = parts((0x3000, 0x4000), (0x1000, 0x1100), (0x1080, 0x3080))
    assert merged(three, anywhere) == parts((0x1000, 0x4000))
    assert merged(parts((8, 12), (0, 4)), anywhere) == parts((0, 4), (8, 12))
    assert merged(parts((0, 16), (4, 8)), anywhere) == parts((0, 16))


def test_memories_that_touch_are_dumped_apart():
    def one(da, size):
        return da // 0x1000 == (da + size - 1) // 0x1000

    touching = parts((0, 0x800), (0x800, 0x1000), (0x1000, 0x2000))
    assert merged(touching, one) == parts((0, 0x1000), (0x1000, 0x2000))
