"""What other packages declare in groups such as ``rprocfs.drivers``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rprocfs.errors import CommandError

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint


def load_entry_point(entry: EntryPoint) -> Any:
    """What *entry* names. CommandError: it cannot be imported, or is not there."""
    try:
        return entry.load()
    except (ImportError, AttributeError) as problem:
        package = f" of {entry.dist.name}" if entry.dist is not None else ""
        raise CommandError(
            f"entry point {entry.name} = {entry.value}{package}: {problem}"
        ) from problem
