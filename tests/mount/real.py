"""The same calls on a real mount."""

import fcntl
import os
import select
import stat


class RealFile:
    def __init__(self, fd):
        self.fd = fd

    def fileno(self):
        return self.fd

    def set_nonblock(self, on):
        os.set_blocking(self.fd, not on)

    def read(self, size):
        return os.read(self.fd, size)

    def pread(self, size, offset):
        return os.pread(self.fd, size, offset)

    def write(self, data):
        return os.write(self.fd, data)

    def pwrite(self, data, offset):
        return os.pwrite(self.fd, data, offset)

    def lseek(self, offset, whence):
        return os.lseek(self.fd, offset, whence)

    def poll(self, events, timeout):
        poll = select.poll()
        poll.register(self.fd, events)
        return dict(poll.poll(timeout * 1000)).get(self.fd, 0)

    def ioctl(self, cmd, data):
        return fcntl.ioctl(self.fd, cmd, data)

    def fsync(self):
        os.fsync(self.fd)

    def ftruncate(self, size):
        os.ftruncate(self.fd, size)

    def fstat(self):
        return os.fstat(self.fd)

    def close(self):
        os.close(self.fd)

    def close_another(self):
        """Another descriptor of the same open file is closed."""
        os.close(os.dup(self.fd))

    def __enter__(self):
        return self

    def __exit__(self, *_exc):
        self.close()


class Real:
    """The calls of os, below a mountpoint."""

    def __init__(self, mountpoint, kind):
        self.mountpoint = str(mountpoint)
        self.kind = kind

    def at(self, path):
        return f"{self.mountpoint}/{path}"

    def open(self, path, flags, mode=0o644):
        return RealFile(os.open(self.at(path), flags, mode))

    def stat(self, path):
        return os.stat(self.at(path))

    def lstat(self, path):
        return os.lstat(self.at(path))

    def listdir(self, path):
        return os.listdir(self.at(path))

    def kinds(self, path):
        with os.scandir(self.at(path)) as entries:
            return {entry.name: _type(entry) for entry in entries}

    def readlink(self, path):
        return os.readlink(self.at(path))

    def mkdir(self, path):
        os.mkdir(self.at(path))

    def rmdir(self, path):
        os.rmdir(self.at(path))

    def unlink(self, path):
        os.unlink(self.at(path))

    def rename(self, old, new):
        os.rename(self.at(old), self.at(new))

    def link(self, old, new):
        os.link(self.at(old), self.at(new))

    def symlink(self, target, path):
        os.symlink(target, self.at(path))

    def mknod(self, path):
        os.mknod(self.at(path), stat.S_IFIFO | 0o600)

    def chmod(self, path, mode):
        os.chmod(self.at(path), mode)

    def chown(self, path, uid, gid):
        os.chown(self.at(path), uid, gid)

    def truncate(self, path):
        os.truncate(self.at(path), 0)

    def utime(self, path, mtime_ns):
        os.utime(self.at(path), ns=(mtime_ns, mtime_ns))

    def access(self, path, mask):
        return os.access(self.at(path), mask)


def _type(entry):
    if entry.is_symlink():
        return 10
    return 4 if entry.is_dir(follow_symlinks=False) else 8
