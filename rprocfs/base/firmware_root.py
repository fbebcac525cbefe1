"""Paths of firmware files, as the kernel walks them from the root of its init process.

A link below ``/lib/firmware`` may be absolute, and then means the root that scripts see:
there the firmware directory of the board lies at ``/lib/firmware``, wherever it is on this
host -- kernel_read_file_from_path_initns() in fs/kernel_read_file.c.
"""

from __future__ import annotations

import errno
import os
from pathlib import Path

from rprocfs.fs.kernfs import error

#: Where the kernel looks for firmware.
LIB_FIRMWARE = "/lib/firmware"
#: ``MAXSYMLINKS``
_MAX_LINKS = 40


class FirmwareRoot:
    """The root directory of this host, but with *directory* at ``/lib/firmware``."""

    def __init__(self, directory: str) -> None:
        self.directory = directory
        # /lib is a link to usr/lib on most systems, and then ".." of the directory is there.
        self._place = str(Path(LIB_FIRMWARE).parent.resolve() / Path(LIB_FIRMWARE).name)

    def resolve(self, path: str) -> str:
        """The path on the host, without links, of an absolute *path* in this root.

        ELOOP for too many links. A component that is missing is no error: opening it is.
        """
        left = path.split("/")[::-1]
        here = "/"
        links = 0
        while left:
            name = left.pop()
            if name in ("", "."):
                continue
            if name == "..":
                here = os.path.dirname(here)  # noqa: PTH120 - of a text
                continue
            there = f"{here.rstrip('/')}/{name}"
            target = _readlink(self._on_host(there))
            if target is None or there == self._place:
                here = there
                continue
            links += 1
            if links > _MAX_LINKS:
                raise error(errno.ELOOP)
            left += target.split("/")[::-1]
            here = "/" if target.startswith("/") else here
        wants_directory = path.endswith(("/", "/."))
        return self._on_host(here) + ("/" if wants_directory else "")

    def _on_host(self, path: str) -> str:
        if path == self._place or path.startswith(self._place + "/"):
            return self.directory + path.removeprefix(self._place)
        return path


def _readlink(path: str) -> str | None:
    """The text of a link; None for anything else."""
    try:
        return str(Path(path).readlink())
    except (OSError, ValueError):
        return None
