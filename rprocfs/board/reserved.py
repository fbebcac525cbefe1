"""``[[reserved-memory]]`` of a board file, and the processors that it is for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rprocfs.board.source import Place, Source, did_you_mean

_REQUIRED = ("label", "da", "size")


def resolve_regions(
    source: Source, regions: Sequence[Mapping[str, Any]], processors: Sequence[dict[str, Any]]
) -> Mapping[str, Mapping[str, Any]]:
    """The regions by label, put in place of it in each ``memory-region``; CommandError."""
    known: dict[str, dict[str, Any]] = {}
    for number, region in enumerate(regions):
        place = ("reserved-memory", number)
        for key in _REQUIRED:
            if key not in region:
                source.fail(place, f"{key} is missing")
        for key in ("da", "pa", "size"):
            if not 0 <= region.get(key, 0) < 1 << 32:
                source.fail((*place, key), "must be 32 bits")
        if region["label"] in known:
            source.fail((*place, "label"), f"{region['label']} is there already")
        known[region["label"]] = {"pa": region["da"], **region}
    for number, processor in enumerate(processors):
        if "memory-region" in processor:
            where = ("remoteproc", number, "memory-region")
            labels = processor["memory-region"]
            processor["memory-region"] = tuple(_find(source, where, known, x) for x in labels)
    return known


def _find(source: Source, place: Place, known: Mapping[str, Any], label: str) -> Any:
    if label not in known:
        hint = did_you_mean(label, known)
        source.fail(place, f"no [[reserved-memory]] is called {label!r}{hint}")
    return known[label]
