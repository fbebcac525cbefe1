"""Symbols and source lines of an ELF image, by address."""

from __future__ import annotations

import io
import posixpath
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from elftools.common.exceptions import DWARFError, ELFError
from elftools.construct import ConstructError
from elftools.elf.elffile import ELFFile
from elftools.elf.sections import SymbolTableSection

#: What pyelftools raises at an image that is not as it should be.
BROKEN = (
    ELFError, DWARFError, ConstructError, AssertionError, AttributeError, EOFError, KeyError,
    IndexError, OverflowError, RecursionError, TypeError, UnicodeError, ValueError,
)  # fmt: skip


class DebugInfoError(ValueError):
    """The image, or what it says for debuggers, is damaged; the text is one line."""


@dataclass(frozen=True, slots=True, order=True)
class Function:
    """A symbol of code: addresses from *begin* up to, without, *end*."""

    begin: int
    end: int
    name: str


@dataclass(frozen=True, slots=True, order=True)
class Row:
    """The code from *begin* up to, without, *end* is of *line* of the source file *path*.

    A line may share the code of the next row: then *end* is *begin*.
    *statement*: a debugger would set a breakpoint for the line there.
    """

    begin: int
    end: int
    path: str
    line: int
    statement: bool


class DebugInfo:
    """What the ELF *image* says. DebugInfoError, also later: it is read when it is needed.

    *arm*: its code is Thumb code, and symbols have the Thumb bit.
    """

    def __init__(self, image: bytes) -> None:
        try:
            self._elf = ELFFile(io.BytesIO(image))
            self.arm = self._elf.header["e_machine"] == "EM_ARM"
        except BROKEN as problem:
            raise DebugInfoError(f"no ELF image: {_line(problem)}") from problem

    @cached_property
    def functions(self) -> list[Function]:
        """All functions, by address; of those at one address, the last one."""
        found = {}
        try:
            for symbol in self._symbols():
                kind, size = symbol["st_info"]["type"], symbol["st_size"]
                begin = symbol["st_value"] & ~int(self.arm)
                if kind == "STT_FUNC" and symbol["st_shndx"] != "SHN_UNDEF":
                    found[begin] = Function(begin, begin + size, symbol.name)
        except BROKEN as problem:
            raise DebugInfoError(f"damaged symbols: {_line(problem)}") from problem
        return sorted(found.values())

    def _symbols(self) -> Iterator[Any]:
        table = self._elf.get_section_by_name(".symtab")
        if isinstance(table, SymbolTableSection):
            yield from table.iter_symbols()

    def function(self, address: int) -> Function | None:
        """That with *address* in it. One without a size reaches as far as the next."""
        index = bisect_right(self.functions, address, key=lambda one: one.begin) - 1
        if index < 0:
            return None
        found = self.functions[index]
        return found if address < found.end or found.begin == found.end else None

    @cached_property
    def dwarf(self) -> Any:
        """``DWARFInfo`` of pyelftools; None without any."""
        try:
            if not self._elf.has_dwarf_info():
                return None
            return self._elf.get_dwarf_info(follow_links=False)
        except BROKEN as problem:
            raise DebugInfoError(f"damaged DWARF: {_line(problem)}") from problem

    @cached_property
    def rows(self) -> list[Row]:
        """All source lines, by address; empty without DWARF."""
        try:
            return sorted(self._rows()) if self.dwarf is not None else []
        except BROKEN as problem:
            raise DebugInfoError(f"damaged DWARF lines: {_line(problem)}") from problem

    def _rows(self) -> Iterator[Row]:
        for unit in self.dwarf.iter_CUs():
            program = self.dwarf.line_program_for_CU(unit)
            if program is None:
                continue
            top = unit.get_top_DIE().attributes.get("DW_AT_comp_dir")
            names = _Names(program, _text(top.value) if top is not None else "")
            before = None
            for entry in program.get_entries():
                state = entry.state
                if state is None:
                    continue
                if before is not None and before.line and before.address <= state.address:
                    path = names[before.file]
                    yield Row(before.address, state.address, path, before.line, before.is_stmt)
                before = None if state.end_sequence else state

    def row(self, address: int) -> Row | None:
        """The source line of *address*."""
        index = bisect_right(self.rows, address, key=lambda one: one.begin) - 1
        found = self.rows[index] if index >= 0 else None
        return found if found is not None and address < found.end else None


class _Names:
    """The source files of a line program, by their numbers."""

    def __init__(self, program: Any, directory: str) -> None:
        header = program.header
        self._first = 0 if header["version"] >= 5 else 1
        self._files = header["file_entry"]
        self._directories = [_text(name) for name in header["include_directory"]]
        self._directory = directory
        self._known: dict[int, str] = {}

    def __getitem__(self, number: int) -> str:
        if number not in self._known:
            entry = self._files[number - self._first]
            # In DWARF 4 directory 0 is that of the compilation, and not in the list.
            index = entry.dir_index - self._first
            above = self._directories[index] if index >= 0 else ""
            path = posixpath.join(self._directory, above, _text(entry.name))
            self._known[number] = posixpath.normpath(path)
        return self._known[number]


def _text(name: bytes) -> str:
    return name.decode("utf-8", "replace")


def _line(problem: BaseException) -> str:
    return " ".join(str(problem).split()) or type(problem).__name__
