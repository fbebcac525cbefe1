"""What the caller of a system call may do."""

from __future__ import annotations

import re
from pathlib import Path

from rprocfs_fuse.run.seccomp import Call


def capabilities(call: Call) -> int:
    """The effective ones of the caller; none of one that is gone. Continue."""
    try:
        status = Path(f"/proc/{call.pid}/status").read_text("utf-8", "replace")
    except OSError:
        return 0
    call.check()
    found = re.search(r"^CapEff:\s*([0-9a-f]+)$", status, re.MULTILINE)
    return int(found[1], 16) if found else 0
