"""``[[reserved-memory]]`` of a board file, and the processors that it is for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rprocfs.board import schema
from rprocfs.board.source import Place, Source, did_you_mean

_REQUIRED = ("label", "da", "size")


def resolve_regions(
    source: Source, regions: Sequence[Mapping[str, Any]], processors: Sequence[dict[str, Any]]
) -> Mapping[str, Mapping[str, Any]]:
    """The regions by label, put in place of it in each ``memory-region``."""
    known: dict[str, dict[str, Any]] = {}
    for number, table in enumerate(regions):
        place = ("reserved-memory", number)
        region = source.check_keys(place, table, schema.REGION)
        for key in _REQUIRED:
            if key not in table:
                source.complain(place, f"{key} is missing")
        for key in ("da", "pa", "size"):
            if not 0 <= region.get(key, 0) < 1 << 32:
                source.complain((*place, key), "must be 32 bits")
        if region.get("label") in known:
            source.complain((*place, "label"), f"{region['label']} is there already")
        known[region.get("label", "")] = {"pa": region.get("da"), **region}
    for number, processor in enumerate(processors):
        if "memory-region" in processor:
            where = ("remoteproc", number, "memory-region")
            labels = processor["memory-region"]
            processor["memory-region"] = tuple(_find(source, where, known, x) for x in labels)
    return known


def _find(source: Source, place: Place, known: Mapping[str, Any], label: str) -> Any:
    if label not in known:
        hint = did_you_mean(label, known)
        source.complain(place, f"no [[reserved-memory]] is called {label!r}{hint}")
    return known.get(label)
