"""Writes ELF images, right ones and wrong ones, of either class, any machine and byte order.

Every header field can be overridden by its ELF name, so that any broken image can be made:

    ElfImage([Segment(0x1000, b"code", header={"p_memsz": 2})], header={"e_phnum": 9}).build()
"""

from collections.abc import Mapping, Sequence
from struct import pack
from types import MappingProxyType

EM_386, EM_ARM, EM_X86_64, EM_AARCH64, EM_RISCV = 3, 40, 62, 183, 243
ET_EXEC = 2
PT_NULL, PT_LOAD, PT_NOTE = 0, 1, 4
SHT_NULL, SHT_PROGBITS, SHT_STRTAB = 0, 1, 3
SHF_WRITE, SHF_ALLOC = 1, 2
RWX = 7

Fields = Mapping[str, int]
"""Header fields by their ELF names."""
NO_FIELDS: Fields = MappingProxyType({})

# Name and struct code of each field; N is a word of the class.
_EHDR = (
    "e_type:H e_machine:H e_version:I e_entry:N e_phoff:N e_shoff:N e_flags:I e_ehsize:H "
    "e_phentsize:H e_phnum:H e_shentsize:H e_shnum:H e_shstrndx:H"
)
_PHDR = {
    32: "p_type:I p_offset:I p_vaddr:I p_paddr:I p_filesz:I p_memsz:I p_flags:I p_align:I",
    64: "p_type:I p_flags:I p_offset:Q p_vaddr:Q p_paddr:Q p_filesz:Q p_memsz:Q p_align:Q",
}
_SHDR = (
    "sh_name:I sh_type:I sh_flags:N sh_addr:N sh_offset:N sh_size:N sh_link:I sh_info:I "
    "sh_addralign:N sh_entsize:N"
)
_EHDR_SIZE, _PHDR_SIZE, _SHDR_SIZE = {32: 52, 64: 64}, {32: 32, 64: 56}, {32: 40, 64: 64}


class Segment:
    """A program header and the bytes it loads; `header` overrides fields."""

    def __init__(
        self,
        paddr: int,
        data: bytes = b"",
        memsz: int | None = None,
        *,
        header: Fields = NO_FIELDS,
    ) -> None:
        self.paddr, self.data = paddr, data
        fields = {"p_type": PT_LOAD, "p_flags": RWX, "p_align": 4, "p_filesz": len(data)}
        fields |= {"p_vaddr": paddr, "p_paddr": paddr}
        fields |= {"p_memsz": len(data) if memsz is None else memsz}
        self.header: Fields = fields | dict(header)


class Section:
    """A section header; `header` overrides fields.

    Without data it describes `size` bytes of the segment that has `addr` in the file.
    """

    def __init__(
        self,
        name: str,
        addr: int = 0,
        data: bytes | None = None,
        *,
        size: int = 0,
        header: Fields = NO_FIELDS,
    ) -> None:
        self.name, self.addr, self.data = name, addr, data
        fields = {"sh_type": SHT_PROGBITS, "sh_addralign": 4, "sh_addr": addr}
        fields |= {"sh_size": size if data is None else len(data)}
        self.header: Fields = fields | dict(header)


class ElfImage:
    """An image of segments and sections; `header` overrides fields of its own.

    In the file: header, program headers, segments, sections of their own, names, section headers.
    """

    def __init__(
        self,
        segments: Sequence[Segment] = (),
        sections: Sequence[Section] = (),
        *,
        bits: int = 32,
        big_endian: bool = False,
        ei_class: int | None = None,
        ei_data: int | None = None,
        header: Fields = NO_FIELDS,
    ) -> None:
        self.segments, self.sections = list(segments), list(sections)
        self.bits, self.big_endian = bits, big_endian
        self.ei_class = bits // 32 if ei_class is None else ei_class
        self.ei_data = 1 + big_endian if ei_data is None else ei_data
        self.header = header

    def build(self) -> bytes:
        """The bytes of the file."""
        body = bytearray(_EHDR_SIZE[self.bits] + _PHDR_SIZE[self.bits] * len(self.segments))
        places = [_append(body, segment.data) for segment in self.segments]
        headers = self._section_headers(body, places)
        body += bytes(-len(body) % 8)
        header = self._header(len(body), len(headers))
        phdrs = [
            self._pack(_PHDR[self.bits], {"p_offset": at} | dict(segment.header))
            for segment, at in zip(self.segments, places, strict=True)
        ]
        front = header + b"".join(phdrs)
        return front + bytes(body[len(front) :]) + b"".join(headers)

    def _header(self, shoff: int, shnum: int) -> bytes:
        ident = b"\x7fELF" + bytes([self.ei_class, self.ei_data, 1]) + bytes(9)
        sizes = {"e_ehsize": _EHDR_SIZE, "e_phentsize": _PHDR_SIZE, "e_shentsize": _SHDR_SIZE}
        fields = {"e_type": ET_EXEC, "e_machine": EM_ARM, "e_version": 1, "e_shstrndx": 1}
        fields |= {"e_phoff": _EHDR_SIZE[self.bits], "e_phnum": len(self.segments)}
        fields |= {"e_shoff": shoff, "e_shnum": shnum}
        fields |= {name: size[self.bits] for name, size in sizes.items()}
        return ident + self._pack(_EHDR, fields | dict(self.header))

    def _section_headers(self, body: bytearray, places: list[int]) -> list[bytes]:
        """The headers; contents and names that are in no segment go to the end of `body`."""
        names = bytearray(b"\0.shstrtab\0")
        headers = [self._pack(_SHDR, {}), b""]
        for section in self.sections:
            own = section.data is not None
            at = _append(body, section.data or b"") if own else self._find(section.addr, places)
            name = _append(names, section.name.encode() + b"\0")
            fields = {"sh_name": name, "sh_offset": at} | dict(section.header)
            headers.append(self._pack(_SHDR, fields))
        strtab = {"sh_name": 1, "sh_type": SHT_STRTAB, "sh_size": len(names), "sh_addralign": 1}
        headers[1] = self._pack(_SHDR, strtab | {"sh_offset": _append(body, bytes(names))})
        return headers

    def _find(self, addr: int, places: list[int]) -> int:
        """The offset in the file of what is loaded at `addr`."""
        for segment, at in zip(self.segments, places, strict=True):
            if segment.paddr <= addr < segment.paddr + len(segment.data):
                return at + addr - segment.paddr
        raise ValueError(f"no segment has {addr:#x}")

    def _pack(self, layout: str, fields: Fields) -> bytes:
        pairs = [field.split(":") for field in layout.split()]
        word = "Q" if self.bits == 64 else "I"
        code = (">" if self.big_endian else "<") + "".join(code for _, code in pairs)
        return pack(code.replace("N", word), *(fields.get(name, 0) for name, _ in pairs))


def _append(body: bytearray, data: bytes) -> int:
    """Put `data` behind what there is; where it went."""
    at = len(body)
    body += data
    return at
