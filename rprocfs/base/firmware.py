"""request_firmware -- drivers/base/firmware_loader/main.c.

The search order is the kernel's: the custom path of
``sys/module/firmware_class/parameters/path``, then below the firmware directory
``updates/RELEASE``, ``updates``, ``RELEASE``, and the directory itself.
"""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING

from rprocfs.fs.kernfs import Link, error
from rprocfs.fs.sysfs import SysfsFile, attribute

if TYPE_CHECKING:
    from rprocfs.base.device import Device
    from rprocfs.base.model import DriverModel

#: The largest file that is taken, as INT_MAX in kernel_read_file().
MAX_SIZE = 0x7FFFFFFF


class FirmwareLoader:
    """``firmware_class``: finds files by name below *directory* of the host."""

    def __init__(self, model: DriverModel, directory: str | os.PathLike[str]) -> None:
        self.model = model
        self.directory = Path(directory)
        self.path = ""
        model.lib.add("firmware", Link(str(self.directory)))
        parameters = model.sys.mkdirs("module/firmware_class/parameters")
        parameters.add(path.name, SysfsFile(path, self))

    def search_path(self) -> list[Path]:
        """``fw_path``: where to look, in order. RELEASE is what ``uname -r`` prints."""
        release = os.uname().release
        below = [self.directory / part for part in (f"updates/{release}", "updates", release, "")]
        return [Path(self.path), *below] if self.path else below

    def request_firmware(self, name: str, device: Device) -> bytes:
        """The content of the first file called *name*.

        EINVAL for an empty name or one with a ``..`` component, an empty file or a
        directory; ENOENT when there is none; ENAMETOOLONG. Logs as the kernel does.
        """
        if not name:
            raise error(errno.EINVAL)
        if ".." in name.split("/"):
            device.warn(f"Firmware load for '{name}' refused, path contains '..' component")
            raise error(errno.EINVAL)
        code = errno.ENOENT
        for directory in self.search_path():
            where = f"{directory}/{name}"
            try:
                return _read(where)
            except OSError as failure:
                code = failure.errno or errno.EIO
            if code != errno.ENOENT and self.model.version.logs_firmware_path:
                device.warn(f"loading {self._shown(where)} failed with error -{code}")
        device.warn(f"Direct firmware load for {name} failed with error -{code}")
        raise error(code)

    def _shown(self, where: str) -> str:
        """The path as the kernel would name it: the firmware directory is ``/lib/firmware``."""
        own = str(self.directory)
        return "/lib/firmware" + where.removeprefix(own) if where.startswith(own) else where


def _read(where: str) -> bytes:
    """kernel_read_file_from_path(): regular files that are not empty; EINVAL for others."""
    fd = os.open(where, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    try:
        status = os.fstat(fd)
        if not stat.S_ISREG(status.st_mode) or status.st_size <= 0:
            raise error(errno.EINVAL)
        if status.st_size > MAX_SIZE:
            raise error(errno.EFBIG)
        with os.fdopen(fd, "rb", buffering=0, closefd=False) as file:
            return file.readall()
    finally:
        os.close(fd)


@attribute(empty_line=True)
def path(loader: FirmwareLoader) -> str:
    """The directory that is searched first; empty: none."""
    return loader.path


@path.store
def _(loader: FirmwareLoader, buf: str) -> None:
    if len(buf) >= 256:
        raise error(errno.ENOSPC)
    loader.path = buf.removesuffix("\n")
