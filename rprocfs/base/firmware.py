"""request_firmware -- drivers/base/firmware_loader/main.c.

The search order is the kernel's: the custom path of
``sys/module/firmware_class/parameters/path``, then below the firmware directory
``updates/RELEASE``, ``updates``, ``RELEASE``, and the directory itself. Directories that
lie below that one come last, as the lower layers of an overlay would. What is in none of them
is looked for compressed (:mod:`.firmware_compress`).
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rprocfs.base.firmware_compress import SUFFIXES
from rprocfs.base.firmware_root import LIB_FIRMWARE, FirmwareRoot
from rprocfs.fs.kernfs import Link, error
from rprocfs.fs.sysfs import SysfsFile, attribute
from rprocfs.kernel import FIRMWARE_PATH_LOGGED

if TYPE_CHECKING:
    from rprocfs.base.device import Device
    from rprocfs.base.model import DriverModel

Decompress = Callable[["Device", bytes], bytes]

#: The largest file that is taken, as INT_MAX in kernel_read_file().
MAX_SIZE = 0x7FFFFFFF


class FirmwareLoader:
    """``firmware_class``: finds files by name below *directory* of the host, then the *lower* ones.

    *missed* is called when there is no such file, and may say that another look is worth it.
    """

    def __init__(
        self,
        model: DriverModel,
        directory: str | os.PathLike[str],
        lower: Sequence[str | os.PathLike[str]] = (),
    ) -> None:
        self.model = model
        self.path = ""
        self.missed: Callable[[], bool] = lambda: False
        self.relocate(directory, lower)
        parameters = model.sys.mkdirs("module/firmware_class/parameters")
        parameters.add(path.name, SysfsFile(path, self))

    def relocate(
        self, directory: str | os.PathLike[str], lower: Sequence[str | os.PathLike[str]] = ()
    ) -> None:
        """Look there from now on; ``lib/firmware`` leads to *directory*."""
        self.directory = Path(directory)
        self.lower = tuple(Path(layer) for layer in lower)
        self._roots = [FirmwareRoot(str(layer)) for layer in (self.directory, *self.lower)]
        self.model.lib.remove("firmware")
        self.model.lib.add("firmware", Link(str(self.directory)))

    def search_path(self) -> list[str]:
        """``fw_path``: where to look, in order. RELEASE is what ``uname -r`` prints."""
        release = os.uname().release
        parts = (f"/updates/{release}", "/updates", f"/{release}", "")
        below = [LIB_FIRMWARE + part for part in parts]
        return [self.path, *below] if self.path else below

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
        code, data = self._request(name, device)
        if code == errno.ENOENT and self.missed():
            code, data = self._request(name, device)
        if not code:
            return data
        device.warn(f"Direct firmware load for {name} failed with error -{code}")
        raise error(code)

    def _request(self, name: str, device: Device) -> tuple[int, bytes]:
        """_request_firmware(): the file, else a compressed one. 0 and the content, or an errno."""
        code, data = self._search(name, device, None)
        for suffix, decompress in SUFFIXES.items():
            if code == errno.ENOENT:
                code, data = self._search(name + suffix, device, decompress)
        return code, data

    def _search(
        self, name: str, device: Device, decompress: Decompress | None
    ) -> tuple[int, bytes]:
        """fw_get_filesystem_firmware(): 0 and the content, or an errno."""
        code = errno.ENOENT
        for root in self._roots:
            code, data = self._search_below(root, name, device, decompress)
            if code != errno.ENOENT:
                return code, data
        return code, b""

    def _search_below(
        self, root: FirmwareRoot, name: str, device: Device, decompress: Decompress | None
    ) -> tuple[int, bytes]:
        code = errno.ENOENT
        for directory in self.search_path():
            where = f"{directory}/{name}"
            try:
                data = _read(root.resolve(where))
            except OSError as failure:
                code = failure.errno or errno.EIO
            else:
                code, data = _decompressed(device, data, decompress)
                if not code:
                    return 0, data
                continue
            if code != errno.ENOENT and self.model.version.has(FIRMWARE_PATH_LOGGED):
                device.warn(f"loading {where} failed with error -{code}")
        return code, b""


def _decompressed(device: Device, data: bytes, decompress: Decompress | None) -> tuple[int, bytes]:
    """0 and the content, or the errno of what refused it."""
    try:
        return 0, data if decompress is None else decompress(device, data)
    except OSError as failure:
        return failure.errno or errno.EIO, b""


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
