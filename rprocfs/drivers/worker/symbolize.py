"""``-o symbolize``: the backtrace of a crash, for people -- not in the kernel.

The image is not trusted, and DWARF can be made that takes for ever to read. So a child process
reads it, with limits of its own.
"""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rprocfs.remoteproc.rproc import Rproc
    from rprocfs.soc.machine import Bank

log = logging.getLogger("rprocfs.backtrace")

ROOT = Path(__file__).parents[3]
START = (
    "import sys; sys.path.insert(0, sys.argv.pop(1)); "
    "from rprocfs.debuginfo.child import main; main()"
)
#: Seconds that it may take.
WITHIN = 10.0


def backtrace(
    image: bytes,
    ram: int,
    banks: Sequence[Bank],
    registers: tuple[int, ...],
    psp: int | None,
) -> list[str]:
    """The lines of the backtrace, or one that says why there is none. Waits up to WITHIN.

    The core has these *registers* and *psp*, and sees *banks* of the memory with the descriptor
    *ram*.
    """
    if not registers:
        return ["no backtrace: the registers are not known"]
    about = {
        "registers": registers,
        "psp": psp,
        "ram": ram,
        "banks": [(bank.da, bank.offset, bank.size) for bank in banks],
    }
    try:
        done = subprocess.run(
            [sys.executable, "-I", "-c", START, str(ROOT)],
            input=json.dumps(about).encode() + b"\n" + image,
            capture_output=True, pass_fds=[ram], timeout=WITHIN, check=False,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired) as problem:
        return [f"no backtrace: {problem}"]
    lines = done.stdout.decode("utf-8", "replace").splitlines()
    return lines or [f"no backtrace: it failed with status {done.returncode}"]


def report(rproc: Rproc, lines: list[str]) -> None:
    """To the kernel log, unless that has to be the kernel's own."""
    for line in lines:
        if rproc.model.strict:
            log.error("%s: %s", rproc.label, line)
        else:
            rproc.err(line)
