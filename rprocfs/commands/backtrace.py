"""Where the firmware was when it crashed, from its coredump."""

from __future__ import annotations

from rprocfs.debuginfo.backtrace import backtrace_of_dump
from rprocfs.debuginfo.image import DebugInfoError


def backtrace(image: bytes, dump: bytes) -> list[str]:
    """The frames of *dump*, a crash of *image*; none if there is no dump.

    With functions if the image has symbols, with files and lines if it has DWARF.
    """
    if not dump:
        return []
    try:
        return backtrace_of_dump(image, dump)
    except DebugInfoError as problem:
        return [f"no backtrace: {problem}"]
