"""The flattened form of a tree, version 17 -- drivers/of/fdt.c, libfdt.

Devicetree Specification 0.4, chapter 5. Bytes in, nodes out, and back. A blob is not trusted.
Reading one takes time and space bounded by its size, and ends with a tree or with one
:class:`FdtError`.
"""

from __future__ import annotations

import re
import struct

from rprocfs.devicetree.node import OfNode

FDT_MAGIC = 0xD00DFEED
FDT_VERSION = 17
#: The oldest version that can be written as: readers of 16 can read it.
FDT_LAST_COMP_VERSION = 16
FDT_BEGIN_NODE, FDT_END_NODE, FDT_PROP, FDT_NOP, FDT_END = 1, 2, 3, 4, 9

#: ``MAX_FDT_SIZE`` of arm64: no kernel boots with a bigger one.
MAX_FDT_SIZE = 2 << 20
#: ``FDT_MAX_DEPTH``.
FDT_MAX_DEPTH = 64
#: A name is shown as that of a file.
NAME_MAX = 255

_HEADER = struct.Struct(">10I")
_U32 = struct.Struct(">I")
_NODE_NAME = re.compile(r"[0-9A-Za-z,._+\-]+(@[0-9A-Za-z,._+\-]+)?")
_PROPERTY_NAME = re.compile(r"[0-9A-Za-z,._+?#\-]+")


class FdtError(ValueError):
    """A blob that is no flattened devicetree, or a damaged one; says what and where."""


def unflatten(blob: bytes) -> OfNode:
    """The root of the tree that *blob* holds; FdtError."""
    return _Reader(blob).read()


class _Reader:
    """``unflatten_dt_nodes``, over the two blocks that the header points at."""

    def __init__(self, blob: bytes) -> None:
        if len(blob) < _HEADER.size:
            raise FdtError(f"too short for a devicetree: {len(blob)} bytes")
        magic, total, struct_at, strings_at, _, version, comp, _, strings, size = (
            _HEADER.unpack_from(blob)
        )
        if magic != FDT_MAGIC:
            raise FdtError(f"no devicetree blob: it begins with {magic:#010x}")
        if version < FDT_VERSION or comp > FDT_VERSION:
            raise FdtError(f"version {version} (compatible with {comp}), only 17 is known")
        if total > MAX_FDT_SIZE:
            raise FdtError(f"{total} bytes, more than {MAX_FDT_SIZE} is no devicetree")
        if total > len(blob):
            raise FdtError(f"cut off: {len(blob)} of {total} bytes")
        for what, start, length in (
            ("structure", struct_at, size),
            ("strings", strings_at, strings),
        ):
            if start < _HEADER.size or start + length > total:
                raise FdtError(f"the {what} block is outside of the blob")
        if struct_at % 4:
            raise FdtError("the structure block is not aligned")
        self.blocks = blob[struct_at : struct_at + size]
        self.strings = blob[strings_at : strings_at + strings]
        self.offset = 0

    def read(self) -> OfNode:
        root: OfNode | None = None
        node: OfNode | None = None
        depth = 0
        while (tag := self._tag()) != FDT_END:
            if tag == FDT_BEGIN_NODE:
                depth += 1
                if depth > FDT_MAX_DEPTH:
                    raise self._bad(f"deeper than {FDT_MAX_DEPTH} nodes")
                node = self._begin_node(root, node)
                root = root or node
            elif node is None:
                raise self._bad("something outside of the root node")
            elif tag == FDT_END_NODE:
                depth -= 1
                node = node.parent
            elif tag == FDT_PROP:
                self._property(node)
            else:
                raise self._bad(f"unknown token {tag:#x}")
        if root is None or node is not None:
            raise self._bad("it ends inside of a node" if root else "there is no root node")
        return root

    def _begin_node(self, root: OfNode | None, parent: OfNode | None) -> OfNode:
        name = self._c_string(self.blocks, self.offset)
        self._skip(len(name) + 1)
        if parent is None:
            if root is not None:
                raise self._bad("a second root node")
            return OfNode()  # the kernel does not look at the name of the root, either
        if not _NODE_NAME.fullmatch(name) or name in (".", ".."):
            raise self._bad(f"{name!r} is no name for a node below {parent.path}")
        if name in parent.children:
            raise self._bad(f"two nodes {name} below {parent.path}")
        return OfNode(name, parent)

    def _property(self, node: OfNode) -> None:
        length, name_at = self._u32(), self._u32()
        name = self._c_string(self.strings, name_at)
        if not _PROPERTY_NAME.fullmatch(name) or name in (".", ".."):
            raise self._bad(f"{name!r} is no name for a property of {node.path}")
        if name in node.properties:
            raise self._bad(f"two properties {name} of {node.path}")
        start = self.offset
        self._skip(length)
        node.properties[name] = self.blocks[start : start + length]

    def _tag(self) -> int:
        while (tag := self._u32()) == FDT_NOP:
            pass
        return tag

    def _u32(self) -> int:
        start = self.offset
        self._skip(4)
        value: int = _U32.unpack_from(self.blocks, start)[0]
        return value

    def _skip(self, length: int) -> None:
        if self.offset + length > len(self.blocks):
            raise self._bad("the structure block is cut off")
        self.offset += length + -length % 4

    def _c_string(self, block: bytes, start: int) -> str:
        end = block.find(b"\0", start, start + NAME_MAX + 1)
        if end < 0:
            raise self._bad("a name without an end, or a very long one")
        return block[start:end].decode("latin-1")

    def _bad(self, what: str) -> FdtError:
        return FdtError(f"{what} (at {self.offset:#x} of the structure block)")


def flatten(root: OfNode) -> bytes:
    """The blob of the tree below *root*; FdtError for names that a reader would refuse."""
    strings: dict[str, int] = {}
    names = bytearray()
    blocks = bytearray()
    _flatten_node(root, blocks, names, strings)
    blocks += _U32.pack(FDT_END)
    reserved = bytes(16)  # the end of an empty list
    struct_at = _HEADER.size + len(reserved)
    strings_at = struct_at + len(blocks)
    total = strings_at + len(names)
    header = _HEADER.pack(
        FDT_MAGIC, total, struct_at, strings_at, _HEADER.size,
        FDT_VERSION, FDT_LAST_COMP_VERSION, 0, len(names), len(blocks),
    )  # fmt: skip
    return header + reserved + bytes(blocks) + bytes(names)


def _flatten_node(
    node: OfNode, blocks: bytearray, names: bytearray, strings: dict[str, int]
) -> None:
    if node.parent is not None and not _NODE_NAME.fullmatch(node.name):
        raise FdtError(f"{node.name!r} is no name for a node")
    blocks += _U32.pack(FDT_BEGIN_NODE) + _padded(node.name.encode() + b"\0")
    for name, value in node.properties.items():
        if not _PROPERTY_NAME.fullmatch(name):
            raise FdtError(f"{name!r} is no name for a property of {node.path}")
        if name not in strings:
            strings[name] = len(names)
            names += name.encode() + b"\0"
        blocks += struct.pack(">3I", FDT_PROP, len(value), strings[name]) + _padded(value)
    for child in node.children.values():
        _flatten_node(child, blocks, names, strings)
    blocks += _U32.pack(FDT_END_NODE)


def _padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % 4)
