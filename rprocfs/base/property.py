"""What a driver says of the properties that describe its devices."""

from __future__ import annotations

from typing import NamedTuple


class Key(NamedTuple):
    """What a key takes: ``str``, ``int``, ``bool``, ``list`` (of strings), ``dict`` (a table),
    ``tuple`` (tables).
    """

    kind: type
    meaning: str
    #: Whether it may change while its device exists: see ``PlatformDriver.property_changed``.
    live: bool = False
