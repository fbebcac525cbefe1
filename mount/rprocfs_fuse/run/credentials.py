"""What the caller of a system call may do."""

from __future__ import annotations

import re
from pathlib import Path

from rprocfs_fuse.run.seccomp import Call


def capabilities(call: Call) -> int:
    """The effective ones of the caller in the user namespace of the run; Continue.

    None of a caller that is gone, and none of one in a namespace below: anybody may make one and
    have all of them in there, as capable() does not count them, either.
    """
    caller = Path(f"/proc/{call.pid}")
    try:
        status = (caller / "status").read_text("utf-8", "replace")
        if not (caller / "ns/user").samefile("/proc/self/ns/user"):
            return 0
    except OSError:
        return 0
    call.check()
    found = re.search(r"^CapEff:\s*([0-9a-f]+)$", status, re.MULTILINE)
    return int(found[1], 16) if found else 0
