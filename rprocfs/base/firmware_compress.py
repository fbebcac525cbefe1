"""Compressed firmware files -- fw_decompress_zstd() and others of firmware_loader/main.c.

What ``CONFIG_FW_LOADER_COMPRESS_ZSTD`` and ``_XZ`` are for: a file that is not there is looked
for with ``.zst``, then with ``.xz`` behind its name. XZ is that of the kernel's own decoder, which
knows no checks but CRC32: ``xz --check=crc32``.
"""

from __future__ import annotations

import errno
import lzma
from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING

from rprocfs.fs.kernfs import error

if TYPE_CHECKING:
    from rprocfs.base.device import Device

#: The largest content that is accepted, even if a small file declares more.
MAX_CONTENT = 256 << 20

#: ``enum xz_ret``.
XZ_MEM_ERROR, XZ_FORMAT_ERROR, XZ_OPTIONS_ERROR, XZ_DATA_ERROR, XZ_BUF_ERROR = 3, 5, 6, 7, 8
_XZ_MAGIC = b"\xfd7zXZ\0"
#: The kind of check in the flags of the stream: none, CRC32.
_XZ_CHECKS = (0, 1)


def fw_decompress_xz(device: Device, data: bytes) -> bytes:
    """EINVAL for what the kernel's decoder refuses."""
    code = 0
    if not data.startswith(_XZ_MAGIC) or len(data) <= len(_XZ_MAGIC) + 1:
        code = XZ_FORMAT_ERROR
    elif data[len(_XZ_MAGIC) + 1] not in _XZ_CHECKS:
        code = XZ_OPTIONS_ERROR
    decoder, content = lzma.LZMADecompressor(lzma.FORMAT_XZ), b""
    try:
        content = b"" if code else decoder.decompress(data, MAX_CONTENT)
    except lzma.LZMAError:
        code = XZ_DATA_ERROR
    if not code and not decoder.eof:
        code = XZ_MEM_ERROR if len(content) == MAX_CONTENT else XZ_BUF_ERROR
    if code:
        device.warn(f"xz decompression failed (xz_ret={code})")
        raise error(errno.EINVAL)
    return content


def fw_decompress_zstd(device: Device, data: bytes) -> bytes:
    """EINVAL for what is none, or does not say how large its content is; ENOENT without zstandard.

    ENOMEM for more than there is room for.
    """
    try:
        zstandard = import_module("zstandard")
    except ImportError as failure:
        device.warn("a .zst file needs the Python package zstandard (rprocfs[zstd])")
        raise error(errno.ENOENT) from failure
    try:
        size = zstandard.frame_content_size(data)
        if size > MAX_CONTENT:
            raise error(errno.ENOMEM)
        if size < 0:
            raise error(errno.EINVAL)
        return bytes(zstandard.ZstdDecompressor().decompress(data))
    except zstandard.ZstdError as failure:
        device.warn(f"zstd decompression failed ({failure})")
        raise error(errno.EINVAL) from failure


#: What is tried in turn, and what takes it.
SUFFIXES: dict[str, Callable[[Device, bytes], bytes]] = {
    ".zst": fw_decompress_zstd,
    ".xz": fw_decompress_xz,
}
