"""``run --uname``: the version of the board's kernel, in uname(2) and below /proc."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from rprocfs_fuse.linux import MS_BIND, mount
from rprocfs_fuse.run import namespace
from rprocfs_fuse.run.seccomp import Call

#: ``__NEW_UTS_LEN`` + 1, the size of each field of ``struct new_utsname``.
_FIELD = 65


@dataclass(frozen=True, slots=True)
class UnameCall:
    """uname(2) with *release* in place of that of the host's kernel."""

    release: str

    def __call__(self, call: Call) -> int:
        """EFAULT."""
        system = os.uname()
        fields = (system.sysname, system.nodename, self.release, system.version, system.machine)
        # The domain name follows, which Python does not tell and nobody sets.
        data = b"".join(os.fsencode(text).ljust(_FIELD, b"\0") for text in (*fields, "(none)"))
        call.write(call.args[0], data)
        return 0


def cover_version(release: str) -> None:
    """Put files over those of /proc that tell the version. OSError."""
    system = os.uname()
    version = f"Linux version {release} ({system.nodename}) {system.version}\n"
    files = {"/proc/version": version, "/proc/sys/kernel/osrelease": f"{release}\n"}
    for place, text in files.items():
        stage = Path(namespace.STAGE, Path(place).name)
        stage.write_text(text, "ascii", "replace")
        stage.chmod(0o444)
        mount(str(stage), place, MS_BIND)
