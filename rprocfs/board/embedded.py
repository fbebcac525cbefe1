"""A devicetree inside of a board file: a ``data:`` URL (RFC 2397), so that one file is a board."""

from __future__ import annotations

import base64

PREFIX = "data:;base64,"


def is_embedded(name: str) -> bool:
    """Whether the key ``devicetree`` is the tree itself, and not the name of a file."""
    return name.startswith("data:")


def decode(name: str) -> bytes:
    """The bytes of the URL; ValueError for any other kind of URL than ``data:;base64,``."""
    if not name.startswith(PREFIX):
        raise ValueError(f"must begin with {PREFIX}")
    try:
        return base64.b64decode(name[len(PREFIX) :], validate=True)
    except ValueError as failure:
        raise ValueError("is no base64") from failure


def encode(blob: bytes) -> str:
    """The opposite of :func:`decode`."""
    return PREFIX + base64.b64encode(blob).decode("ascii")
