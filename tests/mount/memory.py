"""Operations without a transport: a caller in the same process, as a kernel would be."""

import errno
import os
import select
from types import SimpleNamespace

from rprocfs.fs.kernfs import Dir, Link, error
from rprocfs_fuse.operations import Operations, failure
from rprocfs_fuse.waiting.blocking import wait_for


def answered(function):
    """An exception becomes an errno, as a transport makes it, and an OSError again."""

    def call(*args, **kwargs):
        try:
            return function(*args, **kwargs)
        except Exception as problem:
            raise error(failure(problem)) from problem

    return call


class MemoryFile:
    def __init__(self, node, handle, flags):
        self._node, self._handle, self._flags = node, handle, flags
        self._position = 0

    def set_nonblock(self, on):
        self._flags = self._flags | os.O_NONBLOCK if on else self._flags & ~os.O_NONBLOCK

    @answered
    def read(self, size):
        data = self._wait(lambda: self._handle.read(size, self._position))
        self._position += 0 if self._handle.stream else len(data)
        return data

    @answered
    def pread(self, size, offset):
        self._seekable()
        return self._wait(lambda: self._handle.read(size, offset))

    @answered
    def write(self, data):
        taken = self._wait(lambda: self._handle.write(data, self._position))
        self._position += 0 if self._handle.stream else taken
        return taken

    @answered
    def pwrite(self, data, offset):
        self._seekable()
        return self._wait(lambda: self._handle.write(data, offset))

    @answered
    def lseek(self, offset, whence):
        self._seekable()
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self._node.size}
        if base[whence] + offset < 0:
            raise error(errno.EINVAL)
        self._position = base[whence] + offset
        return self._position

    def poll(self, events, _timeout):
        return self._handle.poll() & (events | select.POLLERR | select.POLLHUP)

    @answered
    def ioctl(self, cmd, data):
        arg = data if isinstance(data, int) else 0
        given = b"" if isinstance(data, int) or not cmd >> 30 & 1 else data
        answer = self._wait(lambda: self._handle.ioctl(cmd, arg, given))
        return 0 if isinstance(data, int) else answer[: cmd >> 16 & 0x3FFF] or data

    @answered
    def fsync(self):
        self._handle.fsync()

    def ftruncate(self, _size):
        pass

    def fstat(self):
        return attributes(self._node)

    def close(self):
        self._handle.release()

    def close_another(self):
        """Another descriptor of the same open file is closed."""

    def __enter__(self):
        return self

    def __exit__(self, *_exc):
        self.close()

    def _seekable(self):
        if self._handle.stream:
            raise error(errno.ESPIPE)

    def _wait(self, run):
        return run() if self._flags & os.O_NONBLOCK else wait_for(run)


def attributes(node):
    return SimpleNamespace(
        st_mode=node.st_mode,
        st_size=node.size,
        st_nlink=node.nlink if node.alive else 0,
        st_ino=node.ino,
        st_uid=node.uid,
        st_gid=node.gid,
        st_mtime_ns=node.mtime_ns,
    )


class Memory:
    """The calls of os, on paths inside the tree."""

    kind = "memory"

    def __init__(self, tree):
        self._ops = Operations(tree)

    @answered
    def open(self, path, flags, mode=0o644):
        try:
            node = self._walk(path)
        except FileNotFoundError:
            if not flags & os.O_CREAT:
                raise
            parent, name = self._parent(path)
            return MemoryFile(*self._ops.create(parent, name, mode, flags, None), flags)
        if flags & os.O_CREAT and flags & os.O_EXCL:
            raise error(errno.EEXIST)
        return MemoryFile(node, self._ops.open(node, flags, None), flags)

    @answered
    def stat(self, path):
        return attributes(self._walk(path))

    @answered
    def lstat(self, path):
        return attributes(self._walk(path, follow=False))

    @answered
    def listdir(self, path):
        node = self._ops.opendir(self._walk(path), None)
        return [os.fsdecode(name) for _, name, _ in self._ops.readdir(node)][2:]

    @answered
    def kinds(self, path):
        node = self._ops.opendir(self._walk(path), None)
        return {os.fsdecode(name): kind for _, name, kind in self._ops.readdir(node)[2:]}

    @answered
    def readlink(self, path):
        return self._ops.readlink(self._walk(path, follow=False))

    @answered
    def mkdir(self, path):
        self._ops.mkdir(*self._parent(path), 0o755, None)

    @answered
    def rmdir(self, path):
        self._ops.rmdir(*self._parent(path), None)

    @answered
    def unlink(self, path):
        self._ops.unlink(*self._parent(path), None)

    @answered
    def rename(self, old, new):
        self._walk(old)
        self._ops.refuse(self._parent(new)[0], None)

    @answered
    def link(self, old, new):
        self._walk(old)
        self._ops.refuse(self._parent(new)[0], None)

    @answered
    def symlink(self, target, path):
        self._ops.symlink(*self._parent(path), target, None)

    @answered
    def mknod(self, path):
        self._ops.refuse(self._parent(path)[0], None)

    @answered
    def chmod(self, path, mode):
        self._ops.chmod(self._walk(path), mode, None)

    @answered
    def chown(self, path, uid, gid):
        self._ops.chown(self._walk(path), uid, gid, None)

    @answered
    def truncate(self, path):
        self._ops.truncate(self._walk(path), None)

    @answered
    def utime(self, path, mtime_ns):
        self._ops.utimens(self._walk(path), mtime_ns, None)

    def access(self, path, mask):
        try:
            self._ops.access(self._walk(path), mask, None)
        except OSError:
            return False
        return True

    def _parent(self, path):
        above, _, name = path.rpartition("/")
        return self._walk(above), name

    def _walk(self, path, *, follow=True, start=None):
        node = start or self._ops.tree.root
        names = [name for name in path.split("/") if name]
        for index, name in enumerate(names):
            if name == "..":
                node = node.parent or node
                continue
            above, node = node, self._ops.lookup(node, name, None)
            if isinstance(node, Link) and (follow or index + 1 < len(names)):
                assert isinstance(above, Dir)
                node = self._walk(self._ops.readlink(node), start=above)
        return node
