"""Stacks as a flame graph: a picture (SVG) whose widths are times."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from xml.sax.saxutils import escape

from rprocfs.profiling.stacks import Stacks

WIDTH, ROW, MARGIN, FONT = 1200, 18, 10, 12
#: Narrower ones have no text, and those without a pixel are left out.
NARROW, LETTER = 30, 7


@dataclass(slots=True)
class Node:
    """A function where it was called: how many samples are of it and below, and what it called."""

    name: str
    count: int = 0
    called: dict[str, Node] = field(default_factory=dict)

    @property
    def depth(self) -> int:
        """How many functions it and what it called are, at most."""
        return 1 + max((node.depth for node in self.called.values()), default=0)


def tree(stacks: Stacks) -> Node:
    """All stacks, below a root."""
    root = Node("all", stacks.total())
    for names, count in stacks.items():
        node = root
        for name in names:
            node = node.called.setdefault(name, Node(name))
            node.count += count
    return root


def flame_graph(stacks: Stacks, title: str) -> str:
    """The picture: who calls is below, and what is sampled is on top."""
    root = tree(stacks)
    height = root.depth * ROW + 4 * MARGIN
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" '
        f'font-family="monospace" font-size="{FONT}">',
        f'<rect width="{WIDTH}" height="{height}" fill="#fff"/>',
        f'<text x="{MARGIN}" y="{2 * MARGIN}">{escape(title)}</text>',
        *_drawn(root, MARGIN, height - MARGIN - ROW, (WIDTH - 2 * MARGIN) / root.count, root.count),
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


def _drawn(node: Node, x: float, y: int, scale: float, total: int) -> Iterator[str]:
    width = node.count * scale
    if width < 1:
        return
    name = escape(node.name)
    label = escape(node.name[: int(width / LETTER) - 1]) if width >= NARROW else ""
    yield (
        f"<g><title>{name}: {node.count} samples, {node.count / total:.1%}</title>"
        f'<rect x="{x:.1f}" y="{y}" width="{width:.1f}" height="{ROW - 1}" '
        f'fill="{colour(node.name)}"/><text x="{x + 3:.1f}" y="{y + FONT}">{label}</text></g>'
    )
    for called in sorted(node.called.values(), key=lambda one: one.name):
        yield from _drawn(called, x, y - ROW, scale, total)
        x += called.count * scale


def colour(name: str) -> str:
    """The same one for a function in every picture."""
    number = zlib.crc32(name.encode("utf-8", "replace"))
    return f"rgb({205 + number % 50},{80 + (number >> 8) % 130},{(number >> 16) % 60})"
