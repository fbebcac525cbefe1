"""Coverage as a table for people."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from rprocfs.coverage.report import Source


def percent(hit: int, lines: int) -> float:
    """*hit* of *lines*; of none, all."""
    return 100 * hit / lines if lines else 100.0


def total(sources: Mapping[str, Source]) -> tuple[int, int]:
    """Lines that were executed, and lines."""
    hit = sum(source.hit for source in sources.values())
    return hit, sum(len(source.lines) for source in sources.values())


def table(sources: Mapping[str, Source]) -> str:
    """A line for each file, and one for all of them."""
    return "\n".join(_lines(sources))


def _lines(sources: Mapping[str, Source]) -> Iterator[str]:
    width = max(len("TOTAL"), *map(len, sources))
    yield f"{'FILE':{width}}  LINES    HIT  COVER  MISSED"
    for path, source in sorted(sources.items()):
        missed = ", ".join(str(a) if a == b else f"{a}-{b}" for a, b in source.missed())
        yield _row(path, width, source.hit, len(source.lines), missed)
    yield _row("TOTAL", width, *total(sources))


def _row(name: str, width: int, hit: int, lines: int, missed: str = "") -> str:
    cover = f"{int(percent(hit, lines))}%"  # 100% is all, and no rounding
    return f"{name:{width}}  {lines:5}  {hit:5}  {cover:>5}  {missed}".rstrip()
