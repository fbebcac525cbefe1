"""Boards that a devicetree source describes, and firmware as its developer has it."""

import subprocess
from contextlib import ExitStack

import pytest

from rprocfs.kernel import DEFAULT
from rprocfs.testing.tree_board import TreeBoard
from tests.drivers.r5_debuggee import debuggee, zcu102
from tests.engines.host import ROOT

#: Fixtures that are elsewhere.
__all__ = ["debuggee", "zcu102"]

FLAGS = {
    "arm-none-eabi-gcc": ["-mthumb", "-mcpu=cortex-m3", "-mfloat-abi=soft", "-Wl,-T,vsoc.ld"],
    "riscv64-unknown-elf-gcc": [
        "-march=rv32imac_zicsr",
        "-mabi=ilp32",
        "-mcmodel=medany",
        "-Wl,-T,rv32.ld",
    ],
}
CPU = {"arm-none-eabi-gcc": "vsoc.c", "riscv64-unknown-elf-gcc": "rv32.c"}


@pytest.fixture
def tree_board(dtc, tmp_path):
    """Makes the board of a source; each change is what to replace in it, and with what.

    *head* comes before the source, and no change is made in it.
    """
    with ExitStack() as stack:

        def make(source, *changes, head="", kernel=DEFAULT):
            for before, after in changes:
                assert before in source
                source = source.replace(before, after)
            blob = dtc("dts", "dtb", (head + source).encode(), warnings=True)
            return stack.enter_context(TreeBoard(blob, tmp_path, kernel))

        yield make


@pytest.fixture(scope="session")
def unstripped(tmp_path_factory):
    """`unstripped(compiler)`: crash.elf, or another *source*, as its developer has it."""
    directory = tmp_path_factory.mktemp("unstripped")

    def build(compiler, source=ROOT / "scripts" / "firmware" / "crash.c", optimise="-Os"):
        image = directory / f"{compiler}-{source.stem}.elf"
        if not image.exists():
            kit = ROOT / "rprocfs" / "kit"
            flags = ["-g", "-std=c11", "-ffreestanding", "-nostdlib", f"-I{kit}", f"-L{kit}"]
            flags += ["-fno-tree-loop-distribute-patterns", "-Wl,-z,max-page-size=256", optimise]
            sources = [kit / name for name in (CPU[compiler], "log.c", "rpmsg.c")]
            flags += [f"-I{ROOT / 'scripts' / 'firmware'}", *FLAGS[compiler]]
            subprocess.run([compiler, *flags, "-o", image, *sources, source, "-lgcc"], check=True)
        return image

    return build
