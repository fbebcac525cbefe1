"""``[[reserved-memory]]`` of a board file, and the processors that it is for."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from typing import Any

from rprocfs.errors import CommandError

#: The keys of ``[[reserved-memory]]``: where the processor sees it, and where the bus does.
REGION_KEYS: Mapping[str, type] = {"label": str, "da": int, "pa": int, "size": int}
_REQUIRED = ("label", "da", "size")
_ADDRESSES = 1 << 32


def resolve_regions(
    path: str, regions: Sequence[Mapping[str, Any]], processors: Sequence[dict[str, Any]]
) -> Mapping[str, Mapping[str, Any]]:
    """The regions by label, put in place of it in each ``memory-region``; CommandError."""
    known: dict[str, dict[str, Any]] = {}
    for number, region in enumerate(regions):
        where = f"{path}: reserved-memory[{number}]"
        for key in _REQUIRED:
            if key not in region:
                raise CommandError(f"{where}: {key} is missing")
        for key in ("da", "pa", "size"):
            if not 0 <= region.get(key, 0) < _ADDRESSES:
                raise CommandError(f"{where}.{key}: must be 32 bits")
        if region["label"] in known:
            raise CommandError(f"{where}.label: {region['label']} is there already")
        known[region["label"]] = {"pa": region["da"], **region}
    for number, processor in enumerate(processors):
        if "memory-region" in processor:
            where = f"{path}: remoteproc[{number}].memory-region"
            labels = processor["memory-region"]
            if not isinstance(labels, list):
                raise CommandError(f"{where}: must be a list of labels")
            processor["memory-region"] = tuple(_find(where, known, label) for label in labels)
    return known


def _find(where: str, known: Mapping[str, Any], label: object) -> Any:
    if not isinstance(label, str):
        raise CommandError(f"{where}: must be labels of [[reserved-memory]]")
    if label not in known:
        near = difflib.get_close_matches(label, known, 1)
        hint = f", did you mean {near[0]}?" if near else ""
        raise CommandError(f"{where}: no [[reserved-memory]] is called {label!r}{hint}")
    return known[label]
