"""What there is to know about an image, and how bad it is."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple


class Severity(StrEnum):
    """How bad a finding is."""

    #: The kernel refuses the image.
    ERROR = "error"
    #: It boots, and does not work, or not all of it.
    WARNING = "warning"
    #: It boots; worth to know.
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing to know about an image.

    *errno* is what a boot fails with because of it, 0 where it boots all the same.
    *message* is the kernel's line; empty where the kernel says nothing.
    """

    errno: int
    message: str
    meaning: str
    remedy: str
    severity: Severity = Severity.NOTE


class Cause(NamedTuple):
    """What is wrong, and what mends it."""

    meaning: str
    remedy: str


def warning(cause: Cause) -> Finding:
    """A finding of which the kernel says nothing."""
    return Finding(0, "", *cause, Severity.WARNING)


def note(cause: Cause) -> Finding:
    """A finding of which the kernel says nothing, and that may be meant so."""
    return Finding(0, "", *cause, Severity.NOTE)
