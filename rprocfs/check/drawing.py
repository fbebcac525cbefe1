"""The memory map of a report, for a terminal and as SVG."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from xml.sax.saxutils import escape, quoteattr

#: Cells of a bar.
WIDTH = 32
_WHOLE = 1 << 32
_SIGNS = {"ring": "r", "buffer": "b"}

_ROW, _BAR, _LEFT, _PAD = 34, 420, 230, 12
_COLOURS = {"free": "#e5e7eb", "ring": "#c4b5fd", "buffer": "#ddd6fe", "table": "#f59e0b"}
_SEGMENTS = ("#3b82f6", "#10b981", "#ef4444", "#06b6d4", "#84cc16", "#ec4899")


def map_lines(memories: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """A line for each memory: a bar with the numbers of the segments in it, used and free."""
    width = max((len(memory["name"]) for memory in memories), default=0)
    for memory in memories:
        name, da, used, free = (memory[key] for key in ("name", "da", "used", "free"))
        if memory["size"] >= _WHOLE:
            yield f"{name:{width}}  wherever the image wants it: {used:#x} bytes used"
            continue
        bar = "".join(_cells(memory))
        unseen = "" if memory["visible"] else "  not where the core looks"
        yield (
            f"{name:{width}}  {da:#010x} to {da + memory['size']:#010x}  [{bar}]  "
            f"{used:#x} used, {free:#x} free{unseen}"
        )


def _cells(memory: Mapping[str, Any]) -> list[str]:
    cells = [_SIGNS.get(memory["kind"], ".")] * WIDTH
    for part in memory["parts"]:
        first = (part["da"] - memory["da"]) * WIDTH // memory["size"]
        last = (part["da"] + part["size"] - memory["da"] - 1) * WIDTH // memory["size"]
        sign = part["what"][-1] if part["what"] != "table" else "t"
        cells[first : last + 1] = sign * (last + 1 - first)
    return cells


def map_svg(report: Mapping[str, Any]) -> str:
    """The same as a document of its own."""
    memories = [memory for memory in report["memories"] if memory["size"] < _WHOLE]
    height = _PAD * 3 + _ROW * (len(memories) + 1)
    width = _LEFT + _BAR + 220
    title = f"{report['firmware']} on {report['processor']}"
    rows = (line for number, memory in enumerate(memories) for line in _row(number, memory))
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
            'font-family="monospace" font-size="12">',
            f"<title>{escape(title)}</title>",
            f'<rect width="{width}" height="{height}" fill="white"/>',
            f'<text x="{_PAD}" y="{_PAD * 2}" font-weight="bold">{escape(title)}</text>',
            *rows,
            "</svg>\n",
        ]
    )


def _row(number: int, memory: Mapping[str, Any]) -> Iterator[str]:
    y = _PAD * 3 + _ROW * number
    yield f'<text x="{_PAD}" y="{y + 12}">{escape(memory["name"])}</text>'
    limits = f"{memory['da']:#010x} to {memory['da'] + memory['size']:#010x}"
    yield f'<text x="{_PAD}" y="{y + 25}" fill="#6b7280" font-size="10">{limits}</text>'
    yield _box(_LEFT, y, _BAR, _COLOURS.get(memory["kind"], _COLOURS["free"]), memory["name"])
    for part in memory["parts"]:
        x = _LEFT + (part["da"] - memory["da"]) * _BAR / memory["size"]
        wide = max(2.0, part["size"] * _BAR / memory["size"])
        what = part["what"]
        name = what if what == "table" else f"segment {what}"
        colour = _COLOURS["table"] if what == "table" else _SEGMENTS[int(what) % len(_SEGMENTS)]
        yield _box(x, y, wide, colour, f"{name}: {part['size']:#x} bytes at {part['da']:#x}")
    text = f"{memory['used']:#x} used, {memory['free']:#x} free"
    yield f'<text x="{_LEFT + _BAR + _PAD}" y="{y + 16}">{text}</text>'


def _box(x: float, y: float, width: float, colour: str, title: str) -> str:
    return (
        f'<rect x="{x:.1f}" y="{y}" width="{width:.1f}" height="22" fill={quoteattr(colour)} '
        f'stroke="#374151" stroke-width="0.5"><title>{escape(title)}</title></rect>'
    )
