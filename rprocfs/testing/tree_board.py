"""The processors of a devicetree in a system of their own, for tests of their drivers."""

from __future__ import annotations

import os
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Self

from rprocfs.board.tree import load_tree
from rprocfs.kernel import DEFAULT, KernelVersion
from rprocfs.remoteproc.rproc import Rproc, rproc_da_to_va
from rprocfs.system import System
from rprocfs.testing.elf import ElfImage, Section, Segment
from rprocfs.testing.userspace import Userspace


class TreeBoard(AbstractContextManager["TreeBoard"]):
    """What the drivers of that *kernel* make of the *blob*; *directory* has the firmware."""

    def __init__(
        self, blob: bytes, directory: os.PathLike[str], kernel: KernelVersion = DEFAULT
    ) -> None:
        self.directory = Path(directory)
        self.tree = load_tree("board.dtb", blob)
        self.system = System(firmware=directory, version=kernel)
        self.shell = Userspace(self.system.tree)
        self.devices = [
            self.system.add_processor({"auto-boot": False, **properties}, node)
            for properties, node in zip(self.tree.processors, self.tree.nodes, strict=True)
        ]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.system.close()

    def rproc(self, number: int = 0) -> Rproc:
        """The processor of that number."""
        return self.system.remoteproc.rprocs[number]

    def find(self, da: int, length: int, number: int = 0) -> memoryview | None:
        """The memory that the processor of that number sees there."""
        return rproc_da_to_va(self.rproc(number), da, length)

    @property
    def log(self) -> str:
        """The kernel log."""
        return "\n".join(record.text for record in self.system.model.kmsg.records())

    def write(self, number: int, file: str, text: str) -> int:
        """Write to a file of the processor: 0, or the errno."""
        try:
            self.shell.echo(f"/sys/class/remoteproc/remoteproc{number}/{file}", text)
        except OSError as failure:
            return failure.errno or 0
        return 0

    def read(self, number: int, file: str) -> str:
        """A file of the processor, without its newline."""
        text = self.shell.cat(f"/sys/class/remoteproc/remoteproc{number}/{file}")
        return str(text).removesuffix("\n")

    def boot(self, image: bytes, number: int = 0) -> int:
        """Boot *image*: 0, or the errno."""
        (self.directory / "image.elf").write_bytes(image)
        return self.write(number, "firmware", "image.elf") or self.write(number, "state", "start")


def image(
    *segments: Segment | tuple[int, bytes], table: bytes = b"", at: int = 0, **header: int
) -> bytes:
    """An image of *segments*, or addresses and bytes, with its resource *table* *at* an address.

    *header*: fields of its own, such as ``e_entry``.
    """
    loads = [part if isinstance(part, Segment) else Segment(*part) for part in segments]
    sections = []
    if table:
        loads.append(Segment(at, table))
        sections.append(Section(".resource_table", at, size=len(table)))
    return ElfImage(loads, sections, header=header).build()
