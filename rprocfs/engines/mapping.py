"""A mapped file that can be given back while views of it are in use."""

from __future__ import annotations

import ctypes
import errno
import mmap
import os
import weakref

_MAP_FIXED = 0x10
_PROTECTION = mmap.PROT_READ | mmap.PROT_WRITE

_libc = ctypes.CDLL(None, use_errno=True)
_libc.mmap.restype = ctypes.c_void_p
_libc.mmap.argtypes = (ctypes.c_void_p, ctypes.c_size_t, *[ctypes.c_int] * 3, ctypes.c_long)
_libc.munmap.argtypes = (ctypes.c_void_p, ctypes.c_size_t)
_libc.madvise.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int)
_FAILED = ctypes.c_void_p(-1).value


class SharedMapping:
    """*size* bytes of the file *fd*, shared. OSError.

    A ``mmap.mmap`` cannot be closed while a view of it exists, and keeps the file until then. Here
    :meth:`revoke` gives the file back at once: the views then show zeroes, which belong to no file.
    The addresses are free when the last view is gone.
    """

    def __init__(self, fd: int, size: int) -> None:
        self._size = size
        self._address = _map(None, size, mmap.MAP_SHARED, fd)
        memory = (ctypes.c_ubyte * size).from_address(self._address)
        # Each view of it, and each part of a view, keeps this object.
        weakref.finalize(memory, _libc.munmap, self._address, size).atexit = False
        self.view = memoryview(memory).cast("B")

    def clear(self) -> None:
        """Make all of the file zero again, and give its pages back. OSError."""
        if _libc.madvise(self._address, self._size, mmap.MADV_REMOVE):
            raise _failure()

    def revoke(self) -> None:
        """Let go of the file. May be called twice."""
        _map(self._address, self._size, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | _MAP_FIXED, -1)


def _map(address: int | None, size: int, flags: int, fd: int) -> int:
    found: int | None = _libc.mmap(address, size, _PROTECTION, flags, fd, 0)
    if found is None or found == _FAILED:
        raise _failure()
    return found


def _failure() -> OSError:
    code = ctypes.get_errno() or errno.EIO
    return OSError(code, os.strerror(code))
