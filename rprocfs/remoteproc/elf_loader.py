"""Firmware images in ELF -- drivers/remoteproc/remoteproc_elf_loader.c.

Sans-I/O: an image is bytes or a memoryview of them. Headers are decoded by pyelftools, one at a
time and only after their extent was checked here. Its `ELFFile` is not used: it walks tables by
`e_phentsize` and `e_shentsize` and looks names up in a string table section. The kernel takes the
standard sizes and reads names from any section that `e_shstrndx` selects, and this loader has to
load exactly what the kernel loads.

All functions but the sanity check take an image that passed it.

A refused image raises `FirmwareError` with the kernel's errno and its log message. If the kernel
would read past the end of a broken image, the image is refused instead.
"""

from collections.abc import Callable, Iterator
from functools import cache
from typing import Any, NamedTuple, Self

from rprocfs.kernel import DEFAULT, SECTION_HEADERS_CHECKED, KernelVersion
from rprocfs.remoteproc.errors import FirmwareError
from rprocfs.remoteproc.rsc_table import check_table

Firmware = bytes | memoryview
DaToVa = Callable[[int, int], memoryview | None]
"""(da, length) -> the memory there, exactly that long, or None: rproc_da_to_va."""

ELFMAG = b"\x7fELF"
EI_CLASS, EI_DATA = 4, 5
ELFCLASS32, ELFCLASS64 = 1, 2
ELFDATA2LSB = 1

_EHDR_SIZE = {ELFCLASS32: 52, ELFCLASS64: 64}
_PHDR_SIZE = {ELFCLASS32: 32, ELFCLASS64: 56}
_SHDR_SIZE = {ELFCLASS32: 40, ELFCLASS64: 64}

_RSC_TABLE_NAME = b".resource_table\0"
_ZEROES = memoryview(bytes(1 << 20))


class LoadSegment(NamedTuple):
    """What a PT_LOAD program header says is loaded, from where to where."""

    da: int
    memsz: int
    filesz: int
    offset: int

    @classmethod
    def of(cls, phdr: Any) -> Self:
        """That of a header, unchecked."""
        return cls(phdr["p_paddr"], phdr["p_memsz"], phdr["p_filesz"], phdr["p_offset"])

    def check(self, avail: int) -> None:
        """FirmwareError if its bytes are not in an image of *avail* bytes, or more than it has."""
        if self.filesz > self.memsz:
            raise FirmwareError(f"bad phdr filesz {self.filesz:#x} memsz {self.memsz:#x}")
        need = self.offset + self.filesz
        if need > avail:
            raise FirmwareError(f"truncated fw: need {need:#x} avail {avail:#x}")

    def bad_da(self) -> FirmwareError:
        """Why it is refused if the processor has no such memory."""
        return FirmwareError(f"bad phdr da {self.da:#x} mem {self.memsz:#x}")


class SectionPlace(NamedTuple):
    """What a section header says: an address, and *size* bytes at *offset* of the file."""

    addr: int
    offset: int
    size: int


def fw_elf_get_class(fw: Firmware) -> int:
    """ELFCLASS32 or ELFCLASS64, of an image that passed the sanity check."""
    return fw[EI_CLASS]


def rproc_elf_sanity_check(fw: Firmware, kernel: KernelVersion = DEFAULT) -> None:
    """Check that the loader can read this ELF image; FirmwareError if not."""
    _check_ident(fw)
    ehdr = _ehdr(fw)
    _check_section_headers(fw, ehdr, kernel)
    if ehdr["e_phnum"] == 0:
        raise FirmwareError("No loadable segments")
    if ehdr["e_phoff"] > len(fw):
        raise FirmwareError("Firmware size is too small")


def rproc_elf_get_boot_addr(fw: Firmware) -> int:
    """The entry point."""
    return int(_ehdr(fw)["e_entry"])


def rproc_elf_load_segments(da_to_va: DaToVa, fw: Firmware) -> None:
    """Copy every PT_LOAD segment to its `p_paddr`, and zero what the file does not fill.

    FirmwareError at the first segment that the kernel refuses; the segments before it stay loaded.
    """
    image = memoryview(fw)
    for segment in iter_load_segments(fw):
        segment.check(len(fw))
        va = da_to_va(segment.da, segment.memsz)
        if va is None:
            raise segment.bad_da()
        va[: segment.filesz] = image[segment.offset : segment.offset + segment.filesz]
        _zero(va[segment.filesz : segment.memsz])


def rproc_elf_load_rsc_table(fw: Firmware) -> bytes:
    """A copy of the resource table, its header checked.

    FirmwareError if it is refused or, without a message, if there is none.
    """
    shdr = _find_table(fw)
    offset, size = shdr["sh_offset"], shdr["sh_size"]
    return bytes(memoryview(fw)[offset : offset + size])


def rproc_elf_find_loaded_rsc_table(fw: Firmware) -> tuple[int, int]:
    """(da, size): where the loaded segments put the resource table, if one of them has it.

    FirmwareError as rproc_elf_load_rsc_table. The kernel logs the message a second time here and
    treats the image as one without a table.
    """
    shdr = _find_table(fw)
    return int(shdr["sh_addr"]), int(shdr["sh_size"])


def iter_load_segments(fw: Firmware) -> Iterator[LoadSegment]:
    """The PT_LOAD segments that occupy memory, in the order of the image, otherwise unchecked.

    FirmwareError, before the first one, if the program headers are not all in the image. That can
    happen: a recovery, as in the kernel, loads an image without the sanity check. The kernel then
    reads past the end of an image that is too short.
    """
    for phdr in iter_phdrs(fw):
        if phdr["p_type"] == "PT_LOAD" and phdr["p_memsz"]:
            yield LoadSegment.of(phdr)


def iter_phdrs(fw: Firmware) -> Iterator[Any]:
    """The program headers, ``struct elf32_phdr`` and its like, unchecked.

    FirmwareError, before the first one, if they are not all in the image.
    """
    if len(fw) <= EI_CLASS or len(fw) < _EHDR_SIZE.get(fw_elf_get_class(fw), len(fw) + 1):
        raise FirmwareError("Firmware size is too small")
    phoff, phnum = _ehdr(fw)["e_phoff"], _ehdr(fw)["e_phnum"]
    elf_class = fw_elf_get_class(fw)
    if phoff + phnum * _PHDR_SIZE[elf_class] > len(fw):
        raise FirmwareError("Firmware size is too small")
    for i in range(phnum):
        yield _parse("Elf_Phdr", fw, phoff + i * _PHDR_SIZE[elf_class], _PHDR_SIZE[elf_class])


def find_section(fw: Firmware, name: str) -> SectionPlace | None:
    """Where the first section of that *name* is, unchecked; None: there is none."""
    shdr = _find_section(fw, name.encode() + b"\0")
    if shdr is None:
        return None
    return SectionPlace(int(shdr["sh_addr"]), int(shdr["sh_offset"]), int(shdr["sh_size"]))


def _check_ident(fw: Firmware) -> None:
    if len(fw) < _EHDR_SIZE[ELFCLASS32]:
        raise FirmwareError("Image is too small")
    if fw[: len(ELFMAG)] != ELFMAG:
        raise FirmwareError("Image is corrupted (bad magic)")
    elf_class = fw[EI_CLASS]
    if elf_class not in _EHDR_SIZE:
        # It is a `char`, and signed.
        raise FirmwareError(f"Unsupported class: {elf_class - (elf_class & 0x80) * 2}")
    if len(fw) < _EHDR_SIZE[elf_class]:
        raise FirmwareError("elf64 header is too small")
    if fw[EI_DATA] != ELFDATA2LSB:
        raise FirmwareError("Unsupported firmware endianness")


def _check_section_headers(fw: Firmware, ehdr: Any, kernel: KernelVersion) -> None:
    size = _SHDR_SIZE[fw_elf_get_class(fw)]
    room = len(fw) - ehdr["e_shoff"]
    names = 0  # the section of the names is looked at even if there are no others
    if kernel.has(SECTION_HEADERS_CHECKED):
        if room < 0:
            raise FirmwareError("Section header table is out of bounds")
        if room < ehdr["e_shnum"] * size:
            raise FirmwareError("Section headers are out of bounds")
        names = ehdr["e_shstrndx"]
    if room < (names + 1) * size:
        raise FirmwareError("Image is too small")


def _zero(va: memoryview) -> None:
    for start in range(0, len(va), len(_ZEROES)):
        part = va[start : start + len(_ZEROES)]
        part[:] = _ZEROES[: len(part)]


def _find_table(fw: Firmware) -> Any:
    """find_table: the section header of the resource table, once the table's own header is good."""
    shdr = _find_section(fw, _RSC_TABLE_NAME)
    if shdr is None:
        raise FirmwareError
    offset, size = shdr["sh_offset"], shdr["sh_size"]
    if offset + size > len(fw):
        raise FirmwareError("resource table truncated")
    check_table(memoryview(fw)[offset : offset + size])
    return shdr


def _find_section(fw: Firmware, wanted: bytes) -> Any:
    """The first section of that name, None if the section headers end before one.

    *wanted* has its NUL.
    """
    ehdr = _ehdr(fw)
    names = _shdr(fw, ehdr, ehdr["e_shstrndx"])
    for i in range(ehdr["e_shnum"] if names else 0):
        shdr = _shdr(fw, ehdr, i)
        if shdr is None:
            break
        name = names["sh_offset"] + shdr["sh_name"]
        if fw[name : name + len(wanted)] == wanted:
            return shdr
    return None


def _shdr(fw: Firmware, ehdr: Any, index: int) -> Any:
    """One section header, None if it is not in the image."""
    size = _SHDR_SIZE[fw_elf_get_class(fw)]
    offset = ehdr["e_shoff"] + index * size
    return _parse("Elf_Shdr", fw, offset, size) if offset + size <= len(fw) else None


def _ehdr(fw: Firmware) -> Any:
    return _parse("Elf_Ehdr", fw, 0, _EHDR_SIZE[fw_elf_get_class(fw)])


def _parse(struct: str, fw: Firmware, offset: int, size: int) -> Any:
    """Decode `fw[offset:offset + size]`, which the caller has found to be in the image."""
    return getattr(_structs(fw_elf_get_class(fw)), struct).parse(bytes(fw[offset : offset + size]))


@cache
def _structs(elf_class: int) -> Any:
    # Only a boot needs it, and its import takes as long as half of Python's own start.
    from elftools.elf.structs import ELFStructs  # noqa: PLC0415

    structs = ELFStructs(little_endian=True, elfclass=32 if elf_class == ELFCLASS32 else 64)
    structs.create_basic_structs()
    structs.create_advanced_structs()
    return structs
