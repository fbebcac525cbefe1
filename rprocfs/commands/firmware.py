"""``rprocfs firmware``: a project for firmware of one's own, and the images that come along."""

from __future__ import annotations

import argparse
import errno
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rprocfs.errors import CommandError
from rprocfs.soc.vsoc import VSOC1, Vsoc
from rprocfs.soc.vsoc_native import NATIVE
from rprocfs.soc.vsoc_rv32 import RV32
from rprocfs.system import bundled_firmware

_FREESTANDING = "-ffreestanding -fno-tree-loop-distribute-patterns"
_CORTEX_DEVICES = """\
Devices: at 0x40004000 a CMSDK UART, the console (interrupts 0 and 1); at 0x40005000 another
one, the mailbox (interrupts 2 and 3); NVIC with 32 interrupts, SysTick at 25 MHz."""
_RV32_DEVICES = """\
Devices: at 0x10000000 a 16550 UART, the mailbox (PLIC source 10); at 0x02000000 a CLINT, 10
MHz; at 0x0c000000 the PLIC; at 0x00100000 a test device, which ends the machine. There is no
console, and an access to nothing does not fault."""
_NATIVE_DEVICES = """\
The console is standard input and output, the mailbox a socket: see `lib/rprocfs_native.h`.
Such a program runs as a process of this host, which the board allows with `allow-native`."""


@dataclass(frozen=True, slots=True)
class Flavour:
    """What differs from one processor to the next."""

    machine: Vsoc
    compiler: str
    cpu_flags: str
    script: str  # of the linker; "": the host's own
    sources: tuple[str, ...]
    devices: str
    properties: str = ""


FLAVOURS: Mapping[str, Flavour] = {
    "cortex-m3": Flavour(
        VSOC1, "arm-none-eabi-gcc", "-mthumb -mcpu=cortex-m3 -mfloat-abi=soft",
        "vsoc.ld", ("vsoc.c",), _CORTEX_DEVICES,
    ),
    "cortex-m4": Flavour(
        VSOC1, "arm-none-eabi-gcc", "-mthumb -mcpu=cortex-m4 -mfloat-abi=soft",
        "vsoc.ld", ("vsoc.c",), _CORTEX_DEVICES,
    ),
    "rv32": Flavour(
        RV32, "riscv64-unknown-elf-gcc", "-march=rv32imac_zicsr -mabi=ilp32 -mcmodel=medany",
        "rv32.ld", ("rv32.c",), _RV32_DEVICES,
    ),
    "native": Flavour(
        NATIVE, "cc", "", "", ("native.c",), _NATIVE_DEVICES, "allow-native = true",
    ),
}  # fmt: skip

#: What the images are for, by their names without ``-rv32``.
IMAGES: Mapping[str, str] = {
    "am62x-echo.elf": "for a real AM62x: ti.ipc4.ping-pong and rpmsg_chrdev echo",
    "console.elf": "a virtio console that takes commands, and lies on command",
    "crash.elf": "a channel rpmsg-crash: the text of a message says how to crash",
    "echo.elf": "two channels, rpmsg-raw and rpmsg-echo: each message goes back",
    **{
        f"imx8m{part}-echo.elf": f"for a real i.MX 8M {name}: rpmsg-tty echoes, and others"
        for part, name in {"m": "Mini", "n": "Nano", "p": "Plus", "q": "Quad"}.items()
    },
    "rng.elf": "a virtio source of random numbers",
    "sample.elf": "the remote of the kernel's rpmsg_client_sample",
    "serial.elf": "a virtio serial port that sends all back",
    "stm32mp1-echo.elf": "for a real STM32MP157: rpmsg-tty and rpmsg-client-sample echo",
    "trace.elf": "nothing but a trace, to which each heartbeat adds a line",
    "zynqmp-echo.elf": "for a real Zynq UltraScale+, RPU 0: rpmsg-openamp-demo-channel echoes",
    "zynqmp-echo1.elf": "the same for RPU 1 in split mode",
}


def firmware(subparsers: Any) -> None:
    """Add ``rprocfs firmware``."""
    parser = subparsers.add_parser(
        "firmware",
        help="start a project for firmware, list the included images",
        description="Start a project for firmware, or list the included images.",
    )
    actions = parser.add_subparsers(metavar="ACTION", required=True)
    new = actions.add_parser(
        "new",
        help="write a project: main.c, Makefile, C library, board",
        description="Write a project with a Makefile, a small C library and an example into DIR.",
    )
    new.add_argument(
        "--cpu", choices=list(FLAVOURS), default="cortex-m4", help="what it is for (%(default)s)"
    )
    new.add_argument("directory", metavar="DIR", help="is made, or empty")
    new.set_defaults(run=run_new)
    known = actions.add_parser("list", help="the included images, and what they are for")
    known.set_defaults(run=run_list)


def run_list(arguments: argparse.Namespace) -> int:
    """Print the images, one a line."""
    del arguments
    for path in sorted(Path(bundled_firmware()).glob("*.elf")):
        print(f"{path.name:18} {IMAGES[path.name.replace('-rv32', '')]}")
    return 0


def run_new(arguments: argparse.Namespace) -> int:
    """Write the project. CommandError if the directory is not empty."""
    where = Path(arguments.directory)
    try:
        where.mkdir(parents=True, exist_ok=True)
        if any(where.iterdir()):
            raise CommandError(f"{where}: {os.strerror(errno.ENOTEMPTY)}")
    except FileExistsError as failure:
        raise CommandError(f"{where}: {os.strerror(errno.ENOTDIR)}") from failure
    for name, text in project(arguments.cpu):
        path = where / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, "utf-8")
    print(f"{where}: firmware for rprocfs,{arguments.cpu}; next: make -C {where} run")
    return 0


def project(cpu: str) -> Iterable[tuple[str, str]]:
    """The files of a project, names and contents."""
    flavour = FLAVOURS[cpu]
    kit = Path(__file__).parents[1] / "kit"
    own = (*flavour.sources, "log.c", "rpmsg.c")
    headers = (
        "vsoc.h",
        "virtqueue.h",
        "table.h",
        *(() if flavour.script else ("rprocfs_native.h",)),
    )
    for name in (*own, *headers, *([flavour.script] if flavour.script else [])):
        yield f"lib/{name}", (kit / name).read_text("utf-8")
    words = _words(cpu, flavour, own)
    for name in ("main.c", "Makefile", "run.sh", "board.toml", "README.md"):
        text = (kit / "project" / name).read_text("utf-8")
        yield name, re.sub(r"@([A-Z]+)@", lambda word: words[word[1]], text).rstrip() + "\n"


def _words(cpu: str, flavour: Flavour, sources: Iterable[str]) -> Mapping[str, str]:
    script = flavour.script
    return {
        "CC": flavour.compiler,
        "COMPATIBLE": f"rprocfs,{cpu}",
        "CFLAGS": _FREESTANDING if script else "-D_GNU_SOURCE",
        "CPUFLAGS": flavour.cpu_flags,
        "DEVICES": flavour.devices,
        "LDFLAGS": f"-nostdlib -Llib -Wl,-T,{script} -Wl,-z,max-page-size=256" if script else "",
        "LIBS": "-lgcc" if script else "",
        "MACHINE": flavour.machine.name,
        "MAP": "\n".join(_map(flavour.machine)),
        "PROPERTIES": flavour.properties,
        "SOURCES": " ".join(f"lib/{name}" for name in sources),
    }


def _map(machine: Vsoc) -> Iterable[str]:
    first = machine.fixed_carveouts.da - machine.ram.da
    native = machine is NATIVE
    what = "the resource table that the framework filled in" if native else "the image"
    yield f"| {machine.ram.da:#010x} | RAM: {what}, {first >> 10} KiB |"
    for region, text in (
        (machine.fixed_carveouts, "carveouts with fixed addresses"),
        (machine.fixed_vrings, "vrings with fixed addresses"),
        (machine.pool, "carveouts and vrings that may lie anywhere"),
        (machine.platform_page, "the platform page: the heartbeat word"),
    ):
        yield f"| {region.da:#010x} | {text}, {region.size >> 10} KiB |"
