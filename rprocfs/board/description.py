"""A board whose description was checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from rprocfs.board.rules import Rule

if TYPE_CHECKING:
    from rprocfs.board.devicetree import Devicetree
    from rprocfs.devicetree.node import OfNode

#: The firmware directory of a board file that does not name one.
FIRMWARE_DIRECTORY = "/lib/firmware"

Properties = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Board:
    """What :mod:`.schema` describes; *firmware_directory* None: the package's own.

    The first *processors* are those of the *devicetree*, if there is one. *firmware_lower*
    are directories of included images, for what that one lacks. *regions* are the
    reserved memories by label, *aliases* labels of processors by name.
    """

    processors: tuple[Properties, ...]
    firmware_directory: str | None = None
    modules: tuple[str, ...] = ()
    devicetree: Devicetree | None = None
    regions: Mapping[str, Properties] = field(default_factory=dict)
    kernel: str | None = None
    soc: Mapping[str, str] = field(default_factory=dict)
    aliases: Mapping[str, str] = field(default_factory=dict)
    rules: tuple[Rule, ...] = ()
    firmware_lower: tuple[str, ...] = ()

    def node(self, number: int) -> OfNode | None:
        """The node of the processor of that number in the devicetree, or None."""
        nodes = self.devicetree.nodes if self.devicetree is not None else ()
        return nodes[number] if number < len(nodes) else None


DEFAULT_BOARD = Board(
    (
        {"label": "m4", "phandle": 1, "compatible": "rprocfs,cortex-m4"},
        {
            "label": "sim",
            "phandle": 2,
            "compatible": "rprocfs,sim",
            "memory": "any",
            "lenient": True,
            "services": "rpmsg-raw@1024",
        },
    )
)
