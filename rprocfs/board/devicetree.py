"""A devicetree as a board, and back.

What a devicetree has no property for is below ``/chosen``: ``rprocfs,firmware-directory``
and ``rprocfs,modules``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from rprocfs.devicetree.device import of_device_modalias, of_device_uevent
from rprocfs.devicetree.fdt import FDT_MAGIC, FdtError, flatten, unflatten
from rprocfs.devicetree.make import make_tree, make_value
from rprocfs.devicetree.node import OfNode, PropertyError
from rprocfs.devicetree.processors import Match, of_processors
from rprocfs.errors import CommandError

_DIRECTORY, _MODULES = "rprocfs,firmware-directory", "rprocfs,modules"


@dataclass(frozen=True, slots=True, eq=False)
class Devicetree:
    """A tree, its file, its *blob*, and the node of each processor, in order.

    *path* is None for a tree that stands in a board file.
    """

    path: str | None
    root: OfNode
    blob: bytes
    nodes: tuple[OfNode, ...]
    processors: tuple[Mapping[str, Any], ...]
    firmware_directory: str | None
    modules: tuple[str, ...]
    aliases: Mapping[str, str]


def is_dtb(content: bytes) -> bool:
    """Whether it begins with the magic number of a flattened devicetree."""
    return content.startswith(FDT_MAGIC.to_bytes(4, "big"))


def read_dtb(
    path: str,
    blob: bytes,
    match: Callable[[OfNode], Match | None],
) -> Devicetree:
    """Return the board in *blob*; CommandError names the file, node and property."""
    try:
        root = unflatten(blob)
        found = list(of_processors(root, match))
        labels = {id(node): properties["label"] for node, properties in found}
        aliases = {
            name: labels[id(node)] for name, node in root.aliases().items() if id(node) in labels
        }
        for node, _ in found:
            for device in [*node.ancestors(), node]:
                of_device_uevent(device), of_device_modalias(device)
        chosen = root.children.get("chosen", OfNode())
        directory, modules = chosen.string(_DIRECTORY), chosen.strings(_MODULES)
    except (FdtError, PropertyError) as failure:
        raise CommandError(f"{path}: {failure}") from failure
    nodes, processors = [node for node, _ in found], [properties for _, properties in found]
    return Devicetree(
        path, root, blob, tuple(nodes), tuple(processors), directory, modules, aliases
    )


def write_dtb(
    processors: Iterable[Mapping[str, Any]], firmware_directory: str | None, modules: Iterable[str]
) -> bytes:
    """Return a blob from which :func:`read_dtb` reads the same board; CommandError."""
    try:
        root = make_tree(processors)
        _choose(root, firmware_directory, modules)
        root.by_phandle()
        return flatten(root)
    except (FdtError, PropertyError) as failure:
        raise CommandError(f"no devicetree says this: {failure}") from failure


def copy_dtb(tree: Devicetree, firmware_directory: str | None, modules: Iterable[str]) -> bytes:
    """The blob of *tree*, with what a board file says beside it; CommandError."""
    root = unflatten(tree.blob)
    try:
        _choose(root, firmware_directory, modules)
        return flatten(root)
    except FdtError as failure:
        raise CommandError(f"no devicetree says this: {failure}") from failure


def _choose(root: OfNode, firmware_directory: str | None, modules: Iterable[str]) -> None:
    """What is below ``/chosen``."""
    chosen = {}
    if firmware_directory is not None:
        chosen[_DIRECTORY] = make_value(firmware_directory)
    if modules := list(modules):
        chosen[_MODULES] = make_value(modules)
    if chosen:
        node = root.children.get("chosen") or OfNode("chosen", root)
        node.properties |= chosen
