"""Memories by name: what is reserved for a processor, and what its driver tells people of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from rprocfs.base.dma import DmaPool


@dataclass(frozen=True, slots=True)
class Reserved:
    """The reserved memory that a processor's virtio devices allocate from, its node's *name*."""

    name: str
    pool: DmaPool


class Memory(NamedTuple):
    """A memory that a driver translates addresses of: *size* bytes at *da*.

    The last *spare* of them cannot be had.
    """

    name: str
    da: int
    size: int
    spare: int = 0
