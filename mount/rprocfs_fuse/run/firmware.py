"""``/lib/firmware`` of a run: an overlay, so that what scripts put there is the run's own."""

from __future__ import annotations

import os
import shutil
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rprocfs.base.firmware import FirmwareLoader
from rprocfs_fuse.linux import MS_BIND, MS_RDONLY, MS_REMOUNT, mount
from rprocfs_fuse.run import namespace

#: Where the overlay is mounted, and what is written to it. The command sees neither.
MOUNTPOINT = f"{namespace.STAGE}/firmware"
_WRITTEN = f"{namespace.STAGE}/firmware-written"


@contextmanager
def private_firmware(loader: FirmwareLoader, keep: Path | None = None) -> Iterator[None]:
    """Have *loader* find, below :data:`MOUNTPOINT`, its directories and what is written there.

    In the end that is copied to the directory *keep*. If the kernel refuses the overlay,
    nothing can be written. OSError.
    """
    kept = keep and keep.absolute()
    upper = Path(_WRITTEN, "upper")
    for directory in (Path(MOUNTPOINT), upper, Path(_WRITTEN, "work")):
        directory.mkdir(parents=True)
    layers = [str(layer) for layer in (loader.directory, *loader.lower) if layer.is_dir()]
    if not layers:
        mount(str(upper), MOUNTPOINT, MS_BIND)
    elif _mount_overlay(layers, upper):
        loader.missed = _forget_names
    else:
        _mount_read_only(layers[0])
    loader.relocate(MOUNTPOINT)
    try:
        yield
    finally:
        if kept:
            shutil.copytree(upper, kept, symlinks=True, dirs_exist_ok=True, ignore=_whiteouts)


def _mount_overlay(layers: list[str], upper: Path) -> bool:
    """Did it work. The layers are named by descriptors: a path may hold any character."""
    fds = [os.open(layer, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC) for layer in layers]
    lower = ":".join(f"/proc/self/fd/{fd}" for fd in fds)
    data = f"lowerdir={lower},upperdir={upper},workdir={upper.parent}/work"
    try:
        for options in (f"{data},userxattr", data):  # as users before Linux 5.11 cannot
            try:
                mount("overlay", MOUNTPOINT, 0, "overlay", options)
            except OSError as problem:
                why = problem.strerror
            else:
                return True
    finally:
        for fd in fds:
            os.close(fd)
    text = f"/lib/firmware cannot be written: no overlay can be mounted: {why}"
    print(f"rprocfs: {text}", file=sys.stderr)
    return False


def _mount_read_only(directory: str) -> None:
    mount(directory, MOUNTPOINT, MS_BIND)
    mount("none", MOUNTPOINT, MS_BIND | MS_REMOUNT | MS_RDONLY)


def _forget_names() -> bool:
    """An overlay remembers which names a layer lacked; others may have put a file there since."""
    try:
        mount("overlay", MOUNTPOINT, MS_REMOUNT)
    except OSError:
        return False
    return True


def _whiteouts(directory: str, names: list[str]) -> list[str]:
    """What the overlay makes of a file that was removed."""
    return [name for name in names if stat.S_ISCHR(Path(directory, name).lstat().st_mode)]
