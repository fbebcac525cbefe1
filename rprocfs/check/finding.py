"""The findings about an image, with their severity."""

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

    *errno* is the error with which the boot fails because of it, 0 if the image still boots.
    *message* is the kernel's line; empty if the kernel logs nothing.
    """

    errno: int
    message: str
    meaning: str
    remedy: str
    severity: Severity = Severity.NOTE


class Cause(NamedTuple):
    """What is wrong, and its remedy."""

    meaning: str
    remedy: str


def warning(cause: Cause) -> Finding:
    """A finding of which the kernel says nothing."""
    return Finding(0, "", *cause, Severity.WARNING)


def note(cause: Cause) -> Finding:
    """A finding of which the kernel says nothing, and that may be meant so."""
    return Finding(0, "", *cause, Severity.NOTE)
