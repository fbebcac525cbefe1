"""The tree as directories and files, ``sys/firmware/devicetree/base`` -- drivers/of/kobj.c."""

from __future__ import annotations

import errno

from rprocfs.devicetree.node import OfNode
from rprocfs.fs.kernfs import Dir, File, Handle, error
from rprocfs.fs.sysfs import kernfs_fop_open


class BinFile(File):
    """``struct bin_attribute``: bytes that never change."""

    __slots__ = ("size", "value")

    def __init__(self, value: bytes, mode: int = 0o444, size: int | None = None) -> None:
        super().__init__(mode)
        self.value = value
        self.size = len(value) if size is None else size

    def open(self, flags: int) -> Handle:
        """See :func:`kernfs_fop_open`."""
        kernfs_fop_open(self, flags)
        return _BinHandle(self)


class _BinHandle(Handle):
    __slots__ = ("file",)

    def __init__(self, file: BinFile) -> None:
        self.file = file

    def read(self, size: int, offset: int) -> bytes:
        """``memory_read_from_buffer``; ENODEV when the file is gone."""
        if not self.file.alive:
            raise error(errno.ENODEV)
        return self.file.value[offset : offset + size]

    def write(self, data: bytes, offset: int) -> int:
        """EIO, even if a user has made the file writable."""
        raise error(errno.EIO)


def of_attach_tree(sys: Dir, root: OfNode, blob: bytes) -> None:
    """Show the tree, and its *blob* as ``firmware/fdt``, below *sys*.

    EEXIST when there is one already.
    """
    firmware = sys.mkdirs("firmware")
    firmware.add("fdt", BinFile(blob, 0o400))
    _attach_node(firmware.mkdirs("devicetree").add("base", Dir()), root)


def _attach_node(here: Dir, node: OfNode) -> None:
    node.kobj = here
    for name, value in node.properties.items():
        secure = name.startswith("security-")  # passwords
        here.add(name, BinFile(value, 0o400, 0) if secure else BinFile(value))
    if "name" not in node.properties:
        here.add("name", BinFile(node.base_name.encode() + b"\0"))
    for child in node.children.values():
        _attach_node(here.add(_safe_name(here, child.name), Dir()), child)


def _safe_name(here: Dir, name: str) -> str:
    """``safe_name``: a child may have the name of a property."""
    return f"{name}#1" if name in here.children else name
