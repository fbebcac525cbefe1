"""The keys that a processor may have: the common ones and those that its driver declares.

A driver declares them as ``properties`` (:class:`~rprocfs.base.platform.PlatformDriver`). They
are keys of board files, properties of devicetree nodes and files in configfs.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping

from rprocfs.base.property import Key
from rprocfs.board.schema import PROCESSOR
from rprocfs.errors import CommandError
from rprocfs.system import UnknownDriverError, find_driver, known_compatibles

log = logging.getLogger(__name__)


def processor_keys(compatible: str) -> Mapping[str, Key]:
    """The keys of a processor with that *compatible*; UnknownDriverError, CommandError."""
    return {**getattr(find_driver(compatible), "properties", {}), **PROCESSOR}


def all_keys() -> Mapping[str, Key]:
    """The keys of every driver. One that cannot be loaded is logged, and has none."""
    found: dict[str, Key] = {}
    for compatible in sorted(known_compatibles()):
        try:
            found |= processor_keys(compatible)
        except (CommandError, UnknownDriverError) as failure:
            log.warning("%s", failure)
    return {**PROCESSOR, **found}


def kinds(keys: Mapping[str, Key]) -> Mapping[str, type]:
    """The types of *keys*."""
    return {name: key.kind for name, key in keys.items()}
