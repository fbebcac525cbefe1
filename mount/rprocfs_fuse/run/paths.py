"""Files as the caller of a system call would find them, opened without opening them (O_PATH)."""

from __future__ import annotations

import os
import re
from contextlib import suppress
from pathlib import Path

from rprocfs_fuse import linux
from rprocfs_fuse.run.seccomp import Call, Continue

AT_FDCWD = -100
PROC_DEVICE_TREE = b"/proc/device-tree"
#: A link to the devicetree that is there although procfs has none; no longer than that name.
DEVICE_TREE = b"/dev/device-tree"
_PATH_MAX = 4096
_PAGE = 4096


def number(word: int) -> int:
    """The ``int`` that a register holds."""
    return (word & 0xFFFFFFFF ^ 0x80000000) - 0x80000000


def string(call: Call, address: int) -> bytes:
    """The string of the caller's at *address*, without its NUL; b"" if there is none."""
    data = call.peek(address, _PAGE - address % _PAGE)
    if b"\0" not in data:
        data += call.peek(address + len(data), _PATH_MAX - len(data))
    return data[: max(data.find(b"\0"), 0)]


def directory(call: Call, fd: int) -> str:
    """The path of the open file *fd* of the caller, or of its working directory; "" if none."""
    what = "cwd" if fd == AT_FDCWD else f"fd/{fd}"
    try:
        return str(Path(f"/proc/{call.pid}/{what}").readlink())
    except OSError:
        return ""


def open_path(call: Call, fd: int, path: bytes, *, follow: bool = True) -> int:
    """A descriptor of *path*, seen from *fd*, in the root directory of the caller; Continue.

    An empty path is the open file *fd* itself.
    """
    flags = os.O_PATH | os.O_CLOEXEC | (0 if follow else os.O_NOFOLLOW)
    where = os.fsdecode(path)
    try:
        if not where:
            return os.open(f"/proc/{call.pid}/fd/{fd}", flags & ~os.O_NOFOLLOW)
        if where.startswith("/"):
            return open_in_root(call, where, flags)
        with suppress(OSError):
            return open_in_root(call, f"{directory(call, fd)}/{where}", flags)
        # After chroot(2) the name of a directory says more than its root has.
        what = "cwd" if fd == AT_FDCWD else f"fd/{fd}"
        return os.open(f"/proc/{call.pid}/{what}/{where}", flags)
    except OSError:
        raise Continue from None


def in_device_tree(call: Call, fd: int, path: bytes) -> bytes | None:
    """The name below :data:`DEVICE_TREE` of a path below ``/proc/device-tree``; else None."""
    if b"device-tree" not in path:
        return None
    if not path.startswith(b"/"):
        path = os.fsencode(directory(call, fd)) + b"/" + path
    path = re.sub(rb"/+(\./+)*", b"/", path)
    found = re.fullmatch(re.escape(PROC_DEVICE_TREE) + rb"(/.*)?", path, re.DOTALL)
    return None if found is None else DEVICE_TREE + (found[1] or b"")


def open_in_root(call: Call, path: bytes | str, flags: int) -> int:
    """A descriptor of *path* in the root directory of the caller; OSError."""
    root = os.open(f"/proc/{call.pid}/root", os.O_PATH | os.O_CLOEXEC)
    try:
        return linux.open_in_root(root, os.fsdecode(path), flags)
    finally:
        os.close(root)


def place_in_tree(call: Call, fd: int) -> str:
    """Where the file behind our descriptor *fd* is below the root of its filesystem; Continue.

    The mount table says which part of the filesystem is mounted where.
    """
    try:
        path = str(Path(f"/proc/self/fd/{fd}").readlink())
        about = Path(f"/proc/self/fdinfo/{fd}").read_text("ascii")
        table = Path(f"/proc/{call.pid}/mountinfo").read_text("utf-8", "surrogateescape")
    except OSError:
        raise Continue from None
    mount = re.search(r"^mnt_id:\s*(\d+)$", about, re.MULTILINE)
    line = mount and re.search(rf"^{mount[1]} \d+ \S+ (\S+) (\S+) ", table, re.MULTILINE)
    if not line:
        raise Continue
    root, mountpoint = line.groups()
    _, found, below = path.rpartition(mountpoint)
    return f"{root}{below}" if found else root
