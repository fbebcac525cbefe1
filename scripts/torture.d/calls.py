"""System calls on a device's directory in sysfs, as pjdfstest makes them: any name, any flag.

The machine's own sysfs says what each has to answer.
"""

import ctypes
import errno
import fcntl
import mmap
import os
import socket
from pathlib import Path

#: In each directory of a platform device: an attribute to write, one to read, a link, a directory.
WRITABLE, READABLE, LINK, DIRECTORY = "driver_override", "modalias", "subsystem", "power"
MISSING, LONGEST, TOO_LONG = "torture-nothing", "n" * 255, "n" * 256
RENAME_NOREPLACE, RENAME_EXCHANGE = 1, 2
O_TMPFILE = os.O_TMPFILE | os.O_RDWR

_libc = ctypes.CDLL(None, use_errno=True)


def _opened(flags, call, name=READABLE):
    def run():
        fd = os.open(name, flags)
        try:
            return call(fd)
        finally:
            os.close(fd)

    return run


def _open(name, flags, mode=0o644):
    return lambda: os.close(os.open(name, flags, mode))


def _renameat2(old, new, flags):
    def run():
        if _libc.renameat2(-100, old.encode(), -100, new.encode(), flags):
            raise OSError(ctypes.get_errno(), "")

    return run


def _mapped(flags):
    return _opened(os.O_RDONLY, lambda fd: mmap.mmap(fd, 1, flags, mmap.PROT_READ).close())


def _bound(name):
    def run():
        with socket.socket(socket.AF_UNIX) as door:
            door.bind(name)

    return run


def _long_path():
    os.stat("/".join(["."] * 2500))


NAMES = (WRITABLE, READABLE, LINK, DIRECTORY, MISSING, LONGEST, TOO_LONG, f"{READABLE}/x",
         f"{READABLE}/", f"{DIRECTORY}/", f"{MISSING}/", "", ".", "..")  # fmt: skip


def _each():
    """Calls that take one name."""
    for name in NAMES:
        yield f"stat {name}", lambda name=name: os.stat(name)
        yield f"lstat {name}", lambda name=name: os.lstat(name)
        yield f"mkdir {name}", lambda name=name: os.mkdir(name)
        yield f"rmdir {name}", lambda name=name: os.rmdir(name)
        yield f"unlink {name}", lambda name=name: os.unlink(name)
        yield f"mkfifo {name}", lambda name=name: os.mkfifo(name)
        yield f"bind {name}", _bound(name)
        yield f"symlink {name}", lambda name=name: os.symlink("x", name)
        yield f"readlink {name}", lambda name=name: os.readlink(name)
        yield f"link {name}", lambda name=name: os.link(READABLE, name)
        yield f"link from {name}", lambda name=name: os.link(name, MISSING)
        yield f"rename to {name}", lambda name=name: os.rename(READABLE, name)
        yield f"rename {name}", lambda name=name: os.rename(name, MISSING)
        yield f"truncate {name}", lambda name=name: os.truncate(name, 0)
        yield f"truncate -1 {name}", lambda name=name: os.truncate(name, -1)
        yield f"opendir {name}", lambda name=name: os.listdir(name)
        yield f"chdir {name}", _chdir(name)
        for flags in ("O_RDONLY", "O_WRONLY", "O_RDWR"):
            value = getattr(os, flags)
            yield f"open {flags} {name}", _open(name, value)
            yield f"open {flags}|O_CREAT {name}", _open(name, value | os.O_CREAT)
            yield f"open {flags}|O_EXCL {name}", _open(name, value | os.O_CREAT | os.O_EXCL)
            yield f"open {flags}|O_TRUNC {name}", _open(name, value | os.O_TRUNC)
            yield f"open {flags}|O_DIRECTORY {name}", _open(name, value | os.O_DIRECTORY)
            yield f"open {flags}|O_NOFOLLOW {name}", _open(name, value | os.O_NOFOLLOW)
            yield f"open {flags}|O_PATH {name}", _open(name, value | os.O_PATH)
        for mode in (os.R_OK, os.W_OK, os.X_OK):
            yield f"access {mode} {name}", lambda name=name, mode=mode: _access(name, mode)
    yield "open O_TMPFILE", _open(".", O_TMPFILE)
    yield "stat of a long path", _long_path


def _chdir(name):
    def run():
        here = os.open(".", os.O_PATH)
        try:
            os.chdir(name)
        finally:
            os.fchdir(here)
            os.close(here)

    return run


def _access(name, mode):
    if not os.access(name, mode):
        raise OSError(errno.EACCES, "")


def _more():
    """Calls on an open file, and others that only the owner may make."""
    read, write, both = os.O_RDONLY, os.O_WRONLY, os.O_RDWR
    on = {
        "read of a writer": _opened(write, lambda fd: os.read(fd, 1), WRITABLE),
        "write of a reader": _opened(read, lambda fd: os.write(fd, b"x")),
        "pread -1": _opened(read, lambda fd: os.pread(fd, 1, -1)),
        "pread far": _opened(read, lambda fd: os.pread(fd, 1, 1 << 40)),
        "lseek -1": _opened(read, lambda fd: os.lseek(fd, -1, os.SEEK_SET)),
        "lseek SEEK_END": _opened(read, lambda fd: os.lseek(fd, 0, os.SEEK_END)),
        "lseek nonsense": _opened(read, lambda fd: os.lseek(fd, 0, 77)),
        "lseek of a directory": _opened(read, lambda fd: os.lseek(fd, 0, os.SEEK_SET), "."),
        "ftruncate": _opened(both, lambda fd: os.ftruncate(fd, 0), WRITABLE),
        "ftruncate of a reader": _opened(read, lambda fd: os.ftruncate(fd, 0)),
        "fallocate": _opened(both, lambda fd: os.posix_fallocate(fd, 0, 1), WRITABLE),
        "fsync": _opened(read, os.fsync),
        "fdatasync": _opened(read, os.fdatasync),
        "fsync of a directory": _opened(read, os.fsync, "."),
        "read of a directory": _opened(read, lambda fd: os.read(fd, 1), "."),
        "flock": _opened(read, lambda fd: fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)),
        "lockf": _opened(both, lambda fd: fcntl.lockf(fd, fcntl.LOCK_EX), WRITABLE),
        "F_SETLEASE": _opened(read, lambda fd: fcntl.fcntl(fd, fcntl.F_SETLEASE, fcntl.F_RDLCK)),
        "ioctl": _opened(read, lambda fd: fcntl.ioctl(fd, 0x5401, bytes(64))),
        "ioctl of a directory": _opened(read, lambda fd: fcntl.ioctl(fd, 0x5401, bytes(64)), "."),
        "mmap MAP_SHARED": _mapped(mmap.MAP_SHARED),
        "copy_file_range": _opened(read, lambda fd: os.copy_file_range(fd, fd, 1)),
        "utime": lambda: os.utime(READABLE),
        "utime of what is missing": lambda: os.utime(MISSING),
        "chmod and back": lambda: os.chmod(READABLE, os.stat(READABLE).st_mode & 0o7777),
        "chmod of what is missing": lambda: os.chmod(MISSING, 0o644),
        "chown to nobody": lambda: os.chown(READABLE, -1, -1),
        "chown to another": lambda: os.chown(READABLE, os.stat(READABLE).st_uid, -1),
        "getxattr": lambda: os.getxattr(READABLE, "user.x"),
        "setxattr": lambda: os.setxattr(READABLE, "user.x", b"y"),
        "removexattr": lambda: os.removexattr(READABLE, "user.x"),
        "mknod": lambda: os.mknod(MISSING, 0o20600, os.makedev(1, 3)),
        "mknod of a file": lambda: os.mknod(MISSING, 0o100600),
        "rename of the directory above": lambda: os.rename("../" + Path.cwd().name, MISSING),
        "rmdir of the directory": lambda: os.rmdir("../" + Path.cwd().name),
        "chroot to a file": lambda: os.chroot(READABLE),
    }
    yield from on.items()
    for flags in (RENAME_NOREPLACE, RENAME_EXCHANGE, 4, 1 << 20):
        yield f"renameat2 {flags}", _renameat2(READABLE, WRITABLE, flags)
        yield f"renameat2 {flags} to what is missing", _renameat2(READABLE, MISSING, flags)


def answers(directory, uid=0):
    """What each call in *directory* answers the user *uid*: 0, or the name of an errno."""
    ours, theirs = os.pipe()
    pid = os.fork()
    if pid:
        os.close(theirs)
        with os.fdopen(ours) as pipe:
            lines = pipe.read().splitlines()
        os.waitpid(pid, 0)
        return dict(line.split("\t") for line in lines)
    try:
        os.chdir(directory)
        os.setgroups([])
        os.setgid(uid)
        os.setuid(uid)
        with os.fdopen(theirs, "w") as pipe:
            for name, call in [*_each(), *_more()]:
                pipe.write(f"{name}\t{_answer(call)}\n")
    finally:
        os._exit(0)


def _answer(call):
    try:
        call()
    except OSError as failure:
        return errno.errorcode.get(failure.errno, str(failure.errno))
    except ValueError as failure:
        return str(failure)
    return "0"
