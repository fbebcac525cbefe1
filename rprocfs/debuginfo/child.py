"""A process that makes one backtrace, of an image that nobody trusts.

stdin has a line of JSON, then the image: *registers*, *psp*, *ram* (a descriptor) and *banks*,
each [device address, offset in ram, size]. stdout gets the lines, printable ones.
"""

from __future__ import annotations

import json
import os
import resource
import sys
from typing import Any

from rprocfs.debuginfo.backtrace import backtrace
from rprocfs.debuginfo.image import DebugInfoError
from rprocfs.lib.printable import printable

#: Seconds of CPU, and bytes of memory.
CPU, MEMORY = 8, 2 << 30
LONGEST = 500


def main() -> None:
    """Read, and write."""
    resource.setrlimit(resource.RLIMIT_CPU, (CPU, CPU))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    about: dict[str, Any] = json.loads(sys.stdin.buffer.readline())
    image = sys.stdin.buffer.read()

    def memory(address: int, size: int) -> bytes | None:
        for da, offset, length in about["banks"]:
            if da <= address and address + size <= da + length:
                return os.pread(about["ram"], size, offset + address - da)
        return None

    try:
        for line in backtrace(image, tuple(about["registers"]), memory, about["psp"]):
            print(printable(line[:LONGEST]))
    except DebugInfoError as problem:
        print(printable(f"no backtrace: {problem}"[:LONGEST]))
