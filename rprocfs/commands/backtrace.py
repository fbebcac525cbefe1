"""What gdb makes of a coredump."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path

GDB = "gdb-multiarch"
#: Seconds that gdb may take.
WITHIN = 30


def backtrace(image: Path, dump: bytes) -> list[str]:
    """The frames of *dump*, a crash of *image*; none if there is no dump, or no gdb-multiarch."""
    gdb = shutil.which(GDB)
    if not dump or gdb is None:
        return []
    with tempfile.NamedTemporaryFile(prefix="rprocfs-core-") as core:
        core.write(dump)
        core.flush()
        done = subprocess.run(
            [gdb, "-nx", "-batch", "-ex", "bt", str(image), core.name],
            capture_output=True, text=True, errors="replace", timeout=WITHIN, check=False,
        )  # fmt: skip
    frames = [line for line in done.stdout.splitlines() if line.startswith("#")]
    return list(dict.fromkeys(frames))
