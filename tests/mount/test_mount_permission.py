"""Who may do what: the rwx bits, owners and groups; root and whoever mounted may all."""

import ctypes
import errno
import os
import pickle
import socket
import stat
import subprocess
import tempfile
from pathlib import Path

import pytest

from rprocfs.errors import CommandError
from rprocfs.fs.kernfs import Dir, Tree
from rprocfs.fs.sysfs import SysfsFile
from rprocfs_fuse import transport
from rprocfs_fuse.operations import Operations
from rprocfs_fuse.permission import EXECUTE, READ, WRITE, Caller, check, groups
from rprocfs_fuse.protocol import devfuse
from tests.mount.sample import Sample, rw

assert devfuse, "imported before a child loses the right to read it"
NOBODY = 65534
CLONE_NEWNS = 0x20000
OTHER = Caller(1000, 1000, 0)


@pytest.mark.parametrize(
    ("mode", "uid", "gid", "allowed"),
    [
        (0o644, 0, 0, READ),
        (0o600, 0, 0, 0),
        (0o640, 0, 1000, READ),
        (0o620, 0, 1000, WRITE),
        (0o607, 0, 1000, 0),
        (0o700, 1000, 0, READ | WRITE | EXECUTE),
        (0o077, 1000, 1000, 0),
        (0o000, 0, 0, 0),
        (0o001, 0, 0, EXECUTE),
    ],
)
def test_bits(mode, uid, gid, allowed):
    node = Dir(mode)
    node.setattr(uid=uid, gid=gid)
    for wanted in range(1, 8):
        if wanted & ~allowed:
            with pytest.raises(PermissionError):
                check(node, OTHER, wanted)
        else:
            check(node, OTHER, wanted)
        check(node, None, wanted)


def test_supplementary_groups_of_a_process():
    assert groups(os.getpid()) == set(os.getgroups())
    assert groups(2**22 + 1) == set()


def test_privileged():
    operations = Operations(Tree(), privileged=(0, 1000))
    assert operations.caller(0, 0, 1) is None
    assert operations.caller(1000, 5, 1) is None
    assert operations.caller(1001, 5, 1) == (1001, 5, 1)


def test_opening_to_truncate_takes_the_right_to_write():
    """may_open(): also of a file that is opened for reading only."""
    sample = Sample()
    operations, node = Operations(sample.tree), sample.tree.root.lookup("rw")
    node.setattr(0o644)
    operations.open(node, os.O_RDONLY, OTHER).release()
    with pytest.raises(PermissionError):
        operations.open(node, os.O_RDONLY | os.O_TRUNC, OTHER)
    node.setattr(0o646)
    operations.open(node, os.O_RDONLY | os.O_TRUNC, OTHER).release()


def test_a_file_by_mknod_is_refused_as_one_by_open():
    tree = Tree()
    for mode, code in ((stat.S_IFREG, errno.EACCES), (stat.S_IFIFO, errno.EPERM)):
        with pytest.raises(PermissionError) as refused:
            Operations(tree).mknod(tree.root, "new", mode | 0o600, (0, 0), None)
        assert refused.value.errno == code


class Other:
    """A child under another uid that makes calls for us. *prepare* is called there as root."""

    def __init__(self, uid, gid, supplementary, prepare=None):
        self._ours, theirs = socket.socketpair()
        self._pid = os.fork()
        if self._pid == 0:
            self._ours.close()
            self._serve(theirs, uid, gid, supplementary, prepare)
        theirs.close()

    def __call__(self, function, *args):
        """The result of function(*args) there; OSError as there."""
        self._ours.sendall(pickle.dumps((function, args)))
        result = pickle.loads(self._ours.recv(1 << 16))
        if isinstance(result, Exception):
            raise result
        return result

    def close(self):
        self._ours.close()
        os.waitpid(self._pid, 0)

    @staticmethod
    def _serve(end, uid, gid, supplementary, prepare):
        try:
            if prepare:
                prepare()
            os.setgroups(supplementary)
            os.setresgid(gid, gid, gid)
            os.setresuid(uid, uid, uid)
            while request := end.recv(1 << 16):
                function, args = pickle.loads(request)
                try:
                    result = function(*args)
                except Exception as problem:
                    result = problem
                end.sendall(pickle.dumps(result))
        finally:
            os._exit(0)


def read(path):
    with open(path, "rb") as file:
        return file.read()


def write(path, data):
    fd = os.open(path, os.O_WRONLY)
    try:
        return os.write(fd, data)
    finally:
        os.close(fd)


@pytest.fixture
def nobody():
    """A user who is in group 12 besides their own. Before the mount, which has threads."""
    child = Other(NOBODY, NOBODY, [12])
    yield child
    child.close()


@pytest.fixture
def public():
    """A directory that everybody may enter."""
    with tempfile.TemporaryDirectory() as directory:
        os.chmod(directory, 0o755)
        where = Path(directory) / "mnt"
        where.mkdir()
        yield where


@pytest.fixture
def place(nobody, public, sample, kind):
    """A mount of root's, which everybody may use."""
    with transport.mount(sample.tree, public, transport.MountOptions(kind)):
        yield str(public)


def denied(code, function, *args):
    with pytest.raises(OSError) as caught:
        function(*args)
    assert errno.errorcode[caught.value.errno] == errno.errorcode[code]


def test_others_may_read_what_everybody_may(nobody, place):
    assert nobody(read, f"{place}/ro") == b"running\n"
    assert "ro" in nobody(os.listdir, place)
    assert nobody(os.stat, f"{place}/wo").st_mode & 0o777 == 0o200
    assert nobody(os.readlink, f"{place}/link") == "rw"


def test_others_may_not_write(nobody, place, sample, kind):
    denied(errno.EACCES, nobody, write, f"{place}/rw", b"x")
    denied(errno.EACCES, nobody, read, f"{place}/dev/queue")
    denied(errno.EACCES, nobody, os.truncate, f"{place}/rw", 0)
    denied(errno.EPERM, nobody, os.chmod, f"{place}/rw", 0o666)
    denied(errno.EPERM, nobody, os.chown, f"{place}/rw", NOBODY, NOBODY)
    denied(errno.EPERM, nobody, os.utime, f"{place}/rw", (1, 1))
    if kind == "devfuse":  # libfuse 2 does not tell "now" from a time
        denied(errno.EACCES, nobody, os.utime, f"{place}/rw")
    denied(errno.EACCES, nobody, os.mkdir, f"{place}/config/new")
    denied(errno.EACCES, nobody, os.unlink, f"{place}/rw")
    assert sample.stores == []


def test_access(nobody, place):
    assert nobody(os.access, f"{place}/rw", os.R_OK)
    assert not nobody(os.access, f"{place}/rw", os.W_OK)
    assert not nobody(os.access, f"{place}/dev/queue", os.R_OK)


def test_root_may_give_it_away(nobody, place, sample):
    os.chown(f"{place}/rw", NOBODY, -1)
    assert nobody(write, f"{place}/rw", b"mine\n") == 5
    nobody(os.chmod, f"{place}/rw", 0o444)
    denied(errno.EACCES, nobody, write, f"{place}/rw", b"x")
    assert sample.stores == ["mine\n"]


def test_supplementary_groups_count(nobody, place):
    os.chmod(f"{place}/rw", 0o660)
    denied(errno.EACCES, nobody, read, f"{place}/rw")
    os.chown(f"{place}/rw", -1, 12)
    assert nobody(read, f"{place}/rw") == b"first\n"
    assert nobody(write, f"{place}/rw", b"group") == 5


def test_directories_have_bits_too(nobody, place):
    os.chmod(f"{place}/debug", 0o700)
    denied(errno.EACCES, nobody, os.listdir, f"{place}/debug")
    denied(errno.EACCES, nobody, os.stat, f"{place}/debug/info")
    denied(errno.EACCES, nobody, os.chdir, f"{place}/debug")
    os.chmod(f"{place}/debug", 0o711)
    denied(errno.EACCES, nobody, os.listdir, f"{place}/debug")
    assert nobody(os.stat, f"{place}/debug/info").st_mode & 0o777 == 0o400


def open_device(directory):
    """In a mount namespace of its own, let everybody use /dev/fuse, as most systems do."""
    libc = ctypes.CDLL(None)
    assert libc.unshare(CLONE_NEWNS) == 0
    node = directory / "fuse"
    os.mknod(node, stat.S_IFCHR | 0o666, os.stat("/dev/fuse").st_rdev)
    os.chmod(node, 0o666)
    subprocess.run(["mount", "--make-rprivate", "/"], check=True)
    subprocess.run(["mount", "--bind", node, "/dev/fuse"], check=True)


@pytest.fixture
def user(public):
    """A plain user on a system where users may mount."""
    child = Other(NOBODY, NOBODY, [], lambda: open_device(public.parent))
    yield child
    child.close()


class Theirs:
    """What a plain user mounts, in the process of the child."""

    mounted = None

    @classmethod
    def mount(cls, where, kind):
        sample = Sample()
        root = sample.tree.root
        root.add("secret", SysfsFile(rw, sample, 0o600))
        cls.mounted = transport.mount(sample.tree, where, transport.MountOptions(kind))

    @classmethod
    def mount_and_die(cls, where):
        child = os.fork()
        if child == 0:
            cls.mount(where, "devfuse")
            os._exit(0)
        os.waitpid(child, 0)

    @classmethod
    def stop(cls):
        cls.mounted.stop()

    @staticmethod
    def lose_path():
        os.environ["PATH"] = "/nowhere"


def test_a_plain_users_mount(user, public, kind):
    """Whoever mounts is as good as root there."""
    os.chown(public, NOBODY, NOBODY)
    user(Theirs.mount, str(public), kind)
    assert user(write, f"{public}/rw", b"x") == 1
    assert user(read, f"{public}/secret") == b"x\n"
    denied(errno.EACCES, user, write, f"{public}/ro", b"x")
    user(os.chmod, f"{public}/rw", 0o600)
    st = user(os.stat, f"{public}/rw")
    assert (st.st_uid, st.st_mode & 0o777) == (0, 0o600)
    user(Theirs.stop)
    assert user(os.listdir, str(public)) == []


def test_a_plain_users_mount_that_was_killed(user, public):
    os.chown(public, NOBODY, NOBODY)
    user(Theirs.mount_and_die, str(public))
    denied(errno.ENOTCONN, user, os.stat, str(public))
    user(Theirs.mount, str(public), "devfuse")
    assert user(read, f"{public}/ro") == b"running\n"
    user(Theirs.stop)


def test_a_plain_user_without_fusermount(user, public):
    os.chown(public, NOBODY, NOBODY)
    user(Theirs.lose_path)
    with pytest.raises(CommandError, match=r"package fuse3.*unshare -rm"):
        user(Theirs.mount, str(public), "devfuse")
