"""Nodes and properties of an unflattened tree -- drivers/of/base.c, property.c."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rprocfs.fs.kernfs import Dir


class PropertyError(ValueError):
    """A property whose value does not have the requested type; the text names it and its node."""

    def __init__(self, node: OfNode, name: str, what: str) -> None:
        super().__init__(f"{node.path}: {name}: {what}")


class OfNode:
    """``struct device_node``: *name* with its unit address, ``""`` for the root.

    Properties are kept as the bytes they are, in their order, and so are the children.
    *kobj* is its directory in sysfs, once it is shown.
    """

    def __init__(self, name: str = "", parent: OfNode | None = None) -> None:
        self.name = name
        self.parent = parent
        self.properties: dict[str, bytes] = {}
        self.children: dict[str, OfNode] = {}
        self.kobj: Dir | None = None
        if parent is not None:
            parent.children[name] = self

    @property
    def base_name(self) -> str:
        """``%pOFn``: the name without its unit address."""
        return self.name.partition("@")[0]

    @property
    def path(self) -> str:
        """``%pOF``: ``/soc/m4@10000000``."""
        names = [node.name for node in self._upwards() if node.parent is not None]
        return "/" + "/".join(reversed(names))

    @property
    def root(self) -> OfNode:
        """The root of the tree that this node is in."""
        return list(self._upwards())[-1]

    def _upwards(self) -> Iterator[OfNode]:
        node: OfNode | None = self
        while node is not None:
            yield node
            node = node.parent

    def ancestors(self) -> list[OfNode]:
        """The nodes above, from the root down."""
        return list(self._upwards())[:0:-1]

    def walk(self) -> Iterator[OfNode]:
        """This node and all below, in the order of the tree."""
        yield self
        for child in self.children.values():
            yield from child.walk()

    # Values. A property that is not there is None or empty; PropertyError for a wrong one.

    def flag(self, name: str) -> bool:
        """``of_property_read_bool``: whether the property exists."""
        return name in self.properties

    def cells(self, name: str) -> tuple[int, ...]:
        """The 32-bit numbers of a property."""
        value = self.properties.get(name, b"")
        if len(value) % 4:
            raise PropertyError(self, name, f"{len(value)} bytes are no 32-bit cells")
        return struct.unpack(f">{len(value) // 4}I", value)

    def u32(self, name: str) -> int | None:
        """``of_property_read_u32``."""
        if name not in self.properties:
            return None
        cells = self.cells(name)
        if len(cells) != 1:
            raise PropertyError(self, name, "must be one 32-bit cell")
        return cells[0]

    def strings(self, name: str) -> tuple[str, ...]:
        """``of_property_for_each_string``."""
        value = self.properties.get(name)
        if value is None:
            return ()
        if not value.endswith(b"\0"):
            raise PropertyError(self, name, "must be a string, and end in a NUL")
        try:
            return tuple(value[:-1].decode("utf-8").split("\0"))
        except UnicodeDecodeError as failure:
            raise PropertyError(self, name, "is no UTF-8") from failure

    def string(self, name: str) -> str | None:
        """``of_property_read_string``."""
        texts = self.strings(name)
        if len(texts) > 1:
            raise PropertyError(self, name, "must be one string")
        return texts[0] if texts else None

    @property
    def available(self) -> bool:
        """``of_device_is_available``: ``status`` is missing, ``okay`` or ``ok``."""
        return self.string("status") in (None, "okay", "ok")

    @property
    def phandle(self) -> int | None:
        """The number by which other nodes refer to it."""
        return self.u32("phandle" if "phandle" in self.properties else "linux,phandle")

    # Other nodes.

    def find(self, path: str) -> OfNode | None:
        """``of_find_node_by_path``, an absolute one."""
        node: OfNode | None = self.root
        for name in path.strip("/").split("/") if path.strip("/") else ():
            node = node.children.get(name) if node else None
        return node

    def by_phandle(self) -> dict[int, OfNode]:
        """The nodes of the tree by phandle; PropertyError if two have the same one."""
        found: dict[int, OfNode] = {}
        for node in self.root.walk():
            phandle = node.phandle
            if phandle in (0, 0xFFFFFFFF):
                raise PropertyError(node, "phandle", f"{phandle:#x} is none")
            if phandle is not None:
                other = found.setdefault(phandle, node)
                if other is not node:
                    raise PropertyError(node, "phandle", f"{phandle} is that of {other.path} too")
        return found

    def aliases(self) -> dict[str, OfNode]:
        """``/aliases``: name to node; those that lead nowhere are left out, as the kernel does.

        So is what is no string at all, as in upstream's omap3-n900.dts: no property is refused.
        """
        node = self.root.children.get("aliases")
        found: dict[str, OfNode] = {}
        for name in node.properties if node else ():
            if node is not None and name not in ("name", "phandle", "linux,phandle"):
                target = node.find(node.properties[name].partition(b"\0")[0].decode("latin-1"))
                if target is not None and target.parent is not None:
                    found[name] = target
        return found
