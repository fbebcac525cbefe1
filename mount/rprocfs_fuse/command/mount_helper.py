"""What mount(8) executes for the type ``fuse.rprocfs``: ``mount.fuse.rprocfs BOARD DIR``.

So does ``mount -a`` for a line of fstab(5)::

    /etc/rprocfs/m4.toml  /srv/board  fuse.rprocfs  defaults,nofail  0  0

BOARD is a file, the name of a ready board, or ``rprocfs`` for the default one.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from rprocfs.cli import complete_streams, guarded
from rprocfs_fuse.command.mount import run_mount
from rprocfs_fuse.command.options import Options, OptionsAction
from rprocfs_fuse.mountpoint import SOURCE

#: ``MOUNT_EX_USAGE`` and ``MOUNT_EX_FAIL`` of mount(8).
EX_USAGE, EX_FAIL = 1, 32


class _Parser(argparse.ArgumentParser):
    def exit(self, status: int = 0, message: str | None = None) -> None:  # type: ignore[override]
        """Leave with a status of mount(8)."""
        super().exit(EX_USAGE if status else 0, message)


def main(argv: Sequence[str] | None = None) -> int:
    """Mount and return 0, or complain and return a status of mount(8)."""
    complete_streams()
    parser = _Parser(prog="mount.fuse.rprocfs", description="Mount a board on a directory.")
    parser.add_argument("source", metavar="BOARD")
    parser.add_argument("directory", metavar="DIR")
    parser.add_argument(
        "-o", dest="options", metavar="OPTIONS", action=OptionsAction, default=Options()
    )
    parser.add_argument("-f", dest="fake", action="store_true", help="check only, mount nothing")
    for flag in ("-s", "-n", "-v"):
        parser.add_argument(flag, action="store_true", help="has no effect")
    parser.add_argument("-t", metavar="TYPE", help="has no effect")
    parser.add_argument("-N", metavar="NAMESPACE", help="has no effect: mount(8) is there already")
    arguments = parser.parse_args(argv)
    if arguments.fake:
        return 0
    arguments.board = None if arguments.source in (SOURCE, "none") else arguments.source
    arguments.foreground = False
    return EX_FAIL if guarded(run_mount, arguments) else 0


if __name__ == "__main__":
    sys.exit(main())
