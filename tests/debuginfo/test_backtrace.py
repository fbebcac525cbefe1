"""Backtraces of crashes, against the lines of the sources; gdb agrees in test_crash_dump.py."""

import re
import struct
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rprocfs.base.observe import Observe
from rprocfs.cli import main
from rprocfs.debuginfo.backtrace import backtrace, backtrace_of_dump
from rprocfs.debuginfo.image import DebugInfo, DebugInfoError
from rprocfs.drivers.worker import symbolize
from rprocfs.engines.memory import SharedRam
from rprocfs.testing.driver_table import R0, RPMSG, Bench, Images
from rprocfs.testing.userspace import write
from tests.engines.host import ROOT
from tests.engines.installed import ENGINES, NEEDS_QEMU_RISCV

HERE = Path(__file__).parent
ARM, RISCV = HERE / "crash.elf", HERE / "crash-rv32.elf"
M3 = {"compatible": "rprocfs,cortex-m3"}


def crash(properties, image, way, directory, **options):
    """The kernel log of a crash by *way*, and its dump."""
    images = Images(image, ("rpmsg-crash",), "")
    with Bench(properties | {"watchdog-ms": 1200}, images, directory, **options) as bench:
        bench.start()
        bench.shell.echo(f"{R0}/coredump", "enabled")
        write(bench.open(f"{RPMSG}/{bench.channels()[0]}/endpoint"), way.encode())
        bench.wait(lambda: bench.shell.exists(f"{R0}/devcoredump/data"))
        return bench.log, bench.shell.cat_bytes(f"{R0}/devcoredump/data")


def line(source, text):
    """``/src/DIRECTORY/FILE.c:N`` of the first line with *text*."""
    number = next(
        n for n, has in enumerate((ROOT / source).read_text().splitlines(), 1) if text in has
    )
    return f"/src/{source}:{number}"


CALLER = ["command", "rpmsg_receive", "main", "reset"]
HANDLER = ["vsoc_fail", "<exception taken>"]


def functions(lines):
    return [re.sub(r"^#\d+ +0x\w{8} in ", "", text).split(" ()")[0].strip() for text in lines]


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(
    ("way", "expected"),
    [
        ("undef", [*HANDLER, "undef", *CALLER]),
        ("thread", [*HANDLER, "thread", "command"]),
        ("jump", [*HANDLER, "??", *CALLER]),
        ("lockup", ["lockup", *CALLER]),
    ],
)
def test_the_functions_of_a_crash(engine, way, expected, tmp_path):
    _, dump = crash(M3 | {"engine": engine}, ARM, way, tmp_path)
    found = backtrace_of_dump(ARM.read_bytes(), dump)
    assert functions(found) == expected
    if way == "undef":
        assert found[2].endswith(line("scripts/firmware/crash.c", '__asm__ volatile("udf #1'))
        assert found[3].endswith(line("scripts/firmware/crash.c", "ways[i].crash();"))


@NEEDS_QEMU_RISCV
def test_the_functions_of_a_crash_of_a_riscv_core(tmp_path):
    _, dump = crash({"compatible": "rprocfs,rv32"}, RISCV, "undef", tmp_path)
    found = functions(backtrace_of_dump(RISCV.read_bytes(), dump))
    assert found[:3] == ["vsoc_fail", "trap", "command"]
    assert found[-2:] == ["main", "reset"]


def test_the_log_has_it_if_that_is_asked_for(tmp_path):
    log, _ = crash(M3, ARM, "undef", tmp_path, observe=Observe(symbolize=True))
    lines = log.splitlines()
    begin = next(n for n, text in enumerate(lines) if "handling crash #1" in text)
    found = [text.removeprefix("remoteproc remoteproc0: ") for text in lines[begin + 1 :]]
    assert functions(found[:7]) == [*HANDLER, "undef", *CALLER]
    assert found[7] == "recovering cortex-m0"


def test_the_log_of_a_strict_system_never_has_it(tmp_path, caplog):
    image = tmp_path / "begins.elf"
    image.write_bytes(crashes_in_main())
    images, observe = Images(image, (), ""), Observe(symbolize=True)
    with Bench(M3, images, tmp_path, observe=observe, strict=True) as bench:
        bench.shell.echo(f"{R0}/recovery", "disabled")
        bench.start("begins.elf")
        bench.wait(lambda: any(r.name == "rprocfs.backtrace" for r in caplog.records))
        bench.system.settle()
        log = bench.log
    assert "handling crash #1" in log
    assert "#0" not in log
    said = [r.getMessage() for r in caplog.records if r.name == "rprocfs.backtrace"]
    assert said[0].startswith("cortex-m0: #0  0x21000")
    assert any("in main () at /src/scripts/firmware/crash.c:" in text for text in said)


def test_boot_tells_it(tmp_path, capsys):
    board = tmp_path / "board.toml"
    board.write_text('[[remoteproc]]\ncompatible = "rprocfs,cortex-m3"\nengine = "unicorn"\n')
    image = tmp_path / "crash.elf"
    image.write_bytes(crashes_in_main())
    assert main(["boot", "--board", str(board), "--timeout", "20", str(image)]) == 1
    said = capsys.readouterr().out
    assert re.search(
        r"^crash +#1  0x2100\w+ in main \(\) at /src/scripts/firmware/crash.c:", said, re.MULTILINE
    )


def crashes_in_main():
    """An image whose main() begins with an undefined instruction."""
    image = ARM.read_bytes()
    (first,) = struct.unpack_from("<I", image, struct.unpack_from("<I", image, 28)[0] + 4)
    begin = next(f.begin for f in DebugInfo(image).functions if f.name == "main")
    at = begin - 0x2100_0000 + first
    return image[:at] + b"\x00\xde" + image[at + 2 :]


EXC_RETURN_PSP = 0xFFFF_FFFD


def test_a_frame_on_the_process_stack():
    """The core died in a handler, on the main stack; a thread was interrupted."""
    info = DebugInfo(ARM.read_bytes())
    undef = next(f for f in info.functions if f.name == "undef")
    handler = next(f for f in info.functions if f.name == "unexpected")
    stacks = {0x2101_0000: struct.pack("<8I", 0, 0, 0, 0, 0, 0, undef.begin, 0x0100_0000)}

    def memory(address, size):
        return stacks.get(address, b"")[:size] or None

    registers = (*[0] * 13, 0x2102_0000, EXC_RETURN_PSP, handler.begin)
    found = functions(backtrace(ARM.read_bytes(), registers, memory, 0x2101_0000))
    assert found == ["unexpected", "<exception taken>", "undef"]
    assert functions(backtrace(ARM.read_bytes(), registers, memory, None)) == ["unexpected"]


def test_a_stack_without_an_end():
    """Each frame of a damaged stack leads to the next."""
    receive = next(f for f in DebugInfo(ARM.read_bytes()).functions if f.name == "rpmsg_receive")
    address = (receive.begin + receive.end) // 2
    registers = (*[0] * 13, 0x2100_2000, 0, address)
    lines = list(
        backtrace(ARM.read_bytes(), registers, lambda _, n: (address).to_bytes(n, "little"))
    )
    assert len(lines) == 64


def test_an_image_without_symbols():
    image = (ROOT / "rprocfs/firmware/crash.elf").read_bytes()
    registers = (*[0] * 13, 0x2100_2000, 0x2100_0101, 0x2100_0200)
    assert list(backtrace(image, registers, lambda *_: None)) == ["#0  0x21000200 in ??"]


@settings(deadline=None, max_examples=30)
@given(at=st.integers(0, 25_000), junk=st.binary(min_size=1, max_size=40))
def test_a_damaged_image(at, junk):
    image = ARM.read_bytes()
    image = image[:at] + junk + image[at + len(junk) :]
    registers = (*[0] * 13, 0x210F_FF80, 0x2100_01E9, 0x2100_01EA)
    try:
        list(backtrace(image, registers, lambda _, size: bytes(size)))
    except DebugInfoError as problem:
        assert "\n" not in str(problem)


def test_an_image_that_is_none():
    with SharedRam(0x2100_0000, 4096) as ram:
        (said,) = symbolize.backtrace(b"text", ram.fd, ram.banks, (0,) * 17, None)
        assert said.startswith("no backtrace: no ELF image: ")
        assert symbolize.backtrace(b"", ram.fd, ram.banks, (), None) == [
            "no backtrace: the registers are not known"
        ]


def test_one_that_takes_too_long(monkeypatch):
    monkeypatch.setattr(symbolize, "WITHIN", 0.0)
    with SharedRam(0x2100_0000, 4096) as ram:
        (said,) = symbolize.backtrace(ARM.read_bytes(), ram.fd, ram.banks, (0,) * 17, None)
    assert "timed out" in said
