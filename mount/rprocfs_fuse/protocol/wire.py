"""The kernel's FUSE protocol: numbers and layouts -- include/uapi/linux/fuse.h."""

from __future__ import annotations

from enum import IntEnum
from struct import Struct

KERNEL_VERSION = 7
#: The newest minor whose fields we know; an older kernel is answered with its own.
KERNEL_MINOR_VERSION = 38
#: Older than this (Linux 4.20) there is no ``max_pages``, and a write would be cut in pieces.
OLDEST_MINOR_VERSION = 28
ROOT_ID = 1

MAX_WRITE = 1 << 20
MAX_PAGES = MAX_WRITE // 4096
#: Set in the ``unique`` of the kernel's INTERRUPT requests.
INTERRUPT_BIT = 1


class Opcode(IntEnum):
    """``enum fuse_opcode``."""

    LOOKUP = 1
    FORGET = 2
    GETATTR = 3
    SETATTR = 4
    READLINK = 5
    SYMLINK = 6
    MKNOD = 8
    MKDIR = 9
    UNLINK = 10
    RMDIR = 11
    RENAME = 12
    LINK = 13
    OPEN = 14
    READ = 15
    WRITE = 16
    STATFS = 17
    RELEASE = 18
    FSYNC = 20
    FLUSH = 25
    INIT = 26
    OPENDIR = 27
    READDIR = 28
    RELEASEDIR = 29
    FSYNCDIR = 30
    SETLK = 32
    SETLKW = 33
    ACCESS = 34
    CREATE = 35
    INTERRUPT = 36
    DESTROY = 38
    IOCTL = 39
    POLL = 40
    NOTIFY_REPLY = 41
    BATCH_FORGET = 42
    RENAME2 = 45
    LSEEK = 46


# INIT flags.
ASYNC_READ = 1 << 0
ATOMIC_O_TRUNC = 1 << 3
BIG_WRITES = 1 << 5
FLOCK_LOCKS = 1 << 10
ASYNC_DIO = 1 << 15
PARALLEL_DIROPS = 1 << 18
HANDLE_KILLPRIV = 1 << 19
INIT_MAX_PAGES = 1 << 22
#: What we ask for, as far as the kernel offers it.
WANTED = (
    ASYNC_READ
    | ATOMIC_O_TRUNC
    | BIG_WRITES
    | FLOCK_LOCKS
    | ASYNC_DIO
    | PARALLEL_DIROPS
    | HANDLE_KILLPRIV
    | INIT_MAX_PAGES
)

# OPEN flags.
FOPEN_DIRECT_IO = 1 << 0
FOPEN_NONSEEKABLE = 1 << 2
FOPEN_STREAM = 1 << 4
FOPEN_NOFLUSH = 1 << 5
FOPEN_PARALLEL_DIRECT_WRITES = 1 << 6
FOPEN_FILE = FOPEN_DIRECT_IO | FOPEN_NOFLUSH | FOPEN_PARALLEL_DIRECT_WRITES
FOPEN_STREAM_FILE = FOPEN_FILE | FOPEN_STREAM | FOPEN_NONSEEKABLE

#: RELEASE: also drop the lock of flock(2).
RELEASE_FLOCK_UNLOCK = 1 << 1
#: SETLK: it is flock(2).
LK_FLOCK = 1 << 0

# SETATTR ``valid``.
FATTR_MODE = 1 << 0
FATTR_UID = 1 << 1
FATTR_GID = 1 << 2
FATTR_SIZE = 1 << 3
FATTR_MTIME = 1 << 5
FATTR_FH = 1 << 6
FATTR_ATIME_NOW = 1 << 7
FATTR_MTIME_NOW = 1 << 8

#: GETATTR of an open file.
GETATTR_FH = 1 << 0
IOCTL_DIR = 1 << 4
POLL_SCHEDULE_NOTIFY = 1 << 0

# ``enum fuse_notify_code``.
NOTIFY_POLL = 1
NOTIFY_INVAL_ENTRY = 3

#: ``struct fuse_in_header``: opcode, unique, nodeid, uid, gid, pid; not its length.
IN_HEADER = Struct("=4xIQQIII4x")
#: ``struct fuse_out_header``: len, error, unique.
OUT_HEADER = Struct("=IiQ")

#: ``struct fuse_attr``: ino, size, three times in seconds, three in nanoseconds, mode, nlink,
#: uid, gid. What is always 0 is padding here, as in the three below: it costs nothing.
_ATTR = "QQ8xQQQIIIIIII12x"
#: ``struct fuse_attr_out`` behind its header: length, unique, attributes.
ATTR_REPLY = Struct("=I4xQ" + "16x" + _ATTR)
#: ``struct fuse_entry_out`` behind its header: length, unique, nodeid, attributes.
ENTRY_REPLY = Struct("=I4xQ" + "Q32x" + _ATTR)
#: ``struct fuse_open_out`` behind its header.
OPEN_OUT = Struct("=QII")
WRITE_OUT = Struct("=II")
POLL_OUT = Struct("=II")
IOCTL_OUT = Struct("=iIII")
LSEEK_OUT = Struct("=Q")
STATFS_OUT = Struct("=QQQQQIIII24x")
INIT_OUT = Struct("=IIIIHHIIHHI28x")
NOTIFY_POLL_OUT = Struct("=IiQ" + "Q")
#: ``struct fuse_notify_inval_entry_out`` behind its header: parent, length of the name, flags;
#: the name with a NUL follows.
NOTIFY_INVAL_ENTRY_OUT = Struct("=IiQ" + "QII")
DIRENT = Struct("=QQII")

ACCESS_IN = Struct("=II")
#: ``struct fuse_batch_forget_in``, then as many ``struct fuse_forget_one``.
BATCH_FORGET_IN = Struct("=II")
CREATE_IN = Struct("=IIII")
FORGET_IN = Struct("=Q")
FORGET_ONE = Struct("=QQ")
FSYNC_IN = Struct("=QII")
GETATTR_IN = Struct("=IIQ")
INIT_IN = Struct("=IIII")
INTERRUPT_IN = Struct("=Q")
IOCTL_IN = Struct("=QIIQII")
#: SETLK: fh, owner, start, end, type, pid, flags.
LK_IN = Struct("=QQQQIII4x")
LSEEK_IN = Struct("=QQII")
MKDIR_IN = Struct("=II")
#: MKNOD: mode, device number.
MKNOD_IN = Struct("=II8x")
OPEN_IN = Struct("=II")
POLL_IN = Struct("=QQII")
#: READ, READDIR and WRITE: fh, offset, size, flags, lock_owner, open flags, padding.
READ_IN = Struct("=QQIIQII")
WRITE_IN = READ_IN
RELEASE_IN = Struct("=QIIQ")
RENAME_IN = Struct("=Q")
RENAME2_IN = Struct("=QI4x")
SETATTR_IN = Struct("=IIQQQQQQIIIIIIII")

HEADER_SIZE = IN_HEADER.size
#: Where the data of a WRITE begin.
WRITE_DATA = HEADER_SIZE + WRITE_IN.size
#: What must fit into one read(2) of the device.
BUFFER_SIZE = MAX_WRITE + 4096


def dirents(entries: list[tuple[int, bytes, int]]) -> list[bytes]:
    """``struct fuse_dirent`` for each (inode number, name, d_type), numbered from 1."""
    return [
        (DIRENT.pack(ino, index, len(name), kind) + name).ljust((24 + len(name) + 7) & ~7, b"\0")
        for index, (ino, name, kind) in enumerate(entries, 1)
    ]
