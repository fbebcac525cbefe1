"""What every transport must do: a table, name -> function (fs, sample).

``fs`` has the calls of ``os``, on a mount or without one. The answers are the kernel's,
for sysfs, debugfs and character devices.
"""

import errno
import os
import select
import stat
import threading
import time

import pytest

from tests.mount import sample as samples

R, W, RW = os.O_RDONLY, os.O_WRONLY, os.O_RDWR
TABLE = {}


def behaviour(function):
    TABLE[function.__name__] = function
    return function


def fails(code, function, *args):
    with pytest.raises(OSError) as caught:
        function(*args)
    assert errno.errorcode[caught.value.errno] == errno.errorcode[code]


def content(fs, path):
    with fs.open(path, R) as file:
        return file.read(65536)


def store(fs, path, data):
    with fs.open(path, W) as file:
        return file.write(data)


def later(function, *args, after=0.1):
    thread = threading.Timer(after, function, args)
    thread.start()
    return thread


@behaviour
def attributes_of_an_attribute(fs, sample):
    st = fs.stat("ro")
    assert (stat.S_IFMT(st.st_mode), stat.S_IMODE(st.st_mode)) == (stat.S_IFREG, 0o444)
    assert (st.st_size, st.st_nlink, st.st_uid, st.st_gid) == (4096, 1, 0, 0)
    assert stat.S_IMODE(fs.stat("rw").st_mode) == 0o644
    assert stat.S_IMODE(fs.stat("wo").st_mode) == 0o200
    assert st.st_ino == sample.tree.root.lookup("ro").ino


@behaviour
def attributes_of_a_directory(fs, sample):
    assert fs.stat("").st_nlink == 2 + 7
    assert stat.S_ISDIR(fs.stat("dev").st_mode)
    assert fs.stat("dev/queue").st_size == 0


@behaviour
def list_a_directory(fs, sample):
    names = ["busy", "exclusive", "hesitant", "lazy", "parting", "queue", "restart"]
    names += ["sleeper", "slow"]
    assert sorted(fs.listdir("dev")) == names


@behaviour
def list_a_big_directory_once(fs, sample):
    names = fs.listdir("many")
    assert len(names) == 3000
    assert len(set(names)) == 3000


@behaviour
def directory_entries_have_types(fs, sample):
    kinds = fs.kinds("")
    assert (kinds["ro"], kinds["dev"], kinds["link"]) == (8, 4, 10)


@behaviour
def list_a_file_is_enotdir(fs, sample):
    fails(errno.ENOTDIR, fs.listdir, "ro")
    fails(errno.ENOTDIR, fs.stat, "ro/below")


@behaviour
def missing_names(fs, sample):
    fails(errno.ENOENT, fs.stat, "nothing")
    fails(errno.ENOENT, fs.open, "dev/nothing", R)
    fails(errno.ENOENT, fs.unlink, "nothing")


@behaviour
def odd_names(fs, sample):
    assert sorted(fs.listdir("odd")) == ["bl ank\n", "\udcff\udcfe"]
    assert content(fs, "odd/bl ank\n") == b"running\n"
    assert content(fs, "odd/\udcff\udcfe") == b"running\n"


@behaviour
def links(fs, sample):
    assert fs.readlink("link") == "rw"
    assert fs.readlink("a/b/up") == "../../rw"
    assert content(fs, "a/b/up") == b"first\n"
    assert stat.S_ISLNK(fs.lstat("dangling").st_mode)
    assert fs.lstat("dangling").st_mode & 0o777 == 0o777
    fails(errno.ENOENT, fs.stat, "dangling")
    fails(errno.EINVAL, fs.readlink, "ro")


@behaviour
def read_an_attribute(fs, sample):
    assert content(fs, "ro") == b"running\n"
    assert len(content(fs, "long")) == 4001


@behaviour
def read_goes_on_in_the_old_text(fs, sample):
    with fs.open("rw", R) as file:
        assert file.read(3) == b"fir"
        sample.value = "second"
        assert file.read(100) == b"st\n"
        assert file.read(100) == b""
        assert file.pread(100, 0) == b"second\n"
        assert file.pread(100, 4096) == b""


@behaviour
def seek(fs, sample):
    with fs.open("rw", R) as file:
        assert file.lseek(0, os.SEEK_END) == 4096
        assert file.lseek(2, os.SEEK_SET) == 2
        assert file.read(100) == b"rst\n"
        assert file.lseek(0, os.SEEK_CUR) == 6
        fails(errno.EINVAL, file.lseek, -1, os.SEEK_SET)


@behaviour
def one_write_is_one_store(fs, sample):
    with fs.open("rw", RW) as file:
        assert file.write(b"one\n") == 4
        assert file.write(b"two\n") == 4
        assert file.pwrite(b"three\n", 1000) == 6
        assert file.lseek(0, os.SEEK_CUR) == 8
    assert sample.stores == ["one\n", "two\n", "three\n"]
    assert content(fs, "rw") == b"three\n"


@behaviour
def long_writes_are_cut_at_a_page(fs, sample):
    assert store(fs, "rw", b"y" * 5000) == 4096
    assert sample.stores == ["y" * 4096]


@behaviour
def a_big_message_stays_one(fs, sample):
    size = 100_000
    with fs.open("dev/queue", RW) as file:
        assert file.write(b"z" * size) == size
        assert file.read(size) == b"z" * size


@behaviour
def a_message_that_does_not_fit_is_cut(fs, sample):
    with fs.open("dev/queue", RW) as file:
        file.write(b"0123456789")
        file.write(b"next")
        assert file.read(4) == b"0123"
        assert file.read(4) == b"next"


@behaviour
def nul_ends_a_store(fs, sample):
    assert store(fs, "rw", b"good\0junk") == 9
    assert sample.stores == ["good"]


@behaviour
def refused_store(fs, sample):
    fails(errno.EINVAL, store, fs, "rw", b"bad\n")
    assert content(fs, "rw") == b"first\n"


@behaviour
def access_modes_of_attributes(fs, sample):
    fails(errno.EACCES, fs.open, "ro", W)
    fails(errno.EACCES, fs.open, "ro", RW)
    fails(errno.EACCES, fs.open, "wo", R)
    assert store(fs, "wo", b"go") == 2


@behaviour
def made_writable_it_fails_later(fs, sample):
    fs.chmod("ro", 0o644)
    assert stat.S_IMODE(fs.stat("ro").st_mode) == 0o644
    fails(errno.EIO, store, fs, "ro", b"x")


@behaviour
def chown_and_utime_are_kept(fs, sample):
    fs.chown("rw", 12, 34)
    fs.utime("rw", 1_000_000_007)
    st = fs.stat("rw")
    assert (st.st_uid, st.st_gid, st.st_mtime_ns) == (12, 34, 1_000_000_007)


@behaviour
def truncation_has_no_effect(fs, sample):
    fs.truncate("rw")
    with fs.open("rw", W | os.O_TRUNC | os.O_APPEND | os.O_CREAT) as file:
        file.ftruncate(0)
        assert file.write(b"appended\n") == 9
    assert sample.stores == ["appended\n"]
    assert fs.stat("rw").st_size == 4096


@behaviour
def create(fs, sample):
    fails(errno.EACCES, fs.open, "new", W | os.O_CREAT)
    fails(errno.EEXIST, fs.open, "rw", W | os.O_CREAT | os.O_EXCL)
    with fs.open("config/made", RW | os.O_CREAT, 0o600) as file:
        assert file.write(b"x") == 1
    assert stat.S_IMODE(fs.stat("config/made").st_mode) == 0o600


@behaviour
def shape_is_the_kernels(fs, sample):
    fails(errno.EPERM, fs.mkdir, "new")
    fails(errno.EEXIST, fs.mkdir, "dev")
    fails(errno.EPERM, fs.rmdir, "debug")
    fails(errno.ENOTDIR, fs.rmdir, "ro")
    fails(errno.EPERM, fs.unlink, "ro")
    fails(errno.EISDIR, fs.unlink, "dev")
    fails(errno.EPERM, fs.rename, "ro", "other")
    fails(errno.EPERM, fs.symlink, "target", "other")
    fails(errno.EPERM, fs.link, "ro", "other")
    fails(errno.EPERM, fs.mknod, "other")


@behaviour
def directories_that_can_be_made(fs, sample):
    fs.mkdir("config/one")
    assert content(fs, "config/one/rw") == b"first\n"
    fails(errno.EEXIST, fs.mkdir, "config/one")
    fails(errno.EINVAL, fs.mkdir, "config/.two")
    fs.rmdir("config/one")
    fails(errno.ENOENT, fs.stat, "config/one")
    assert fs.listdir("config") == []


@behaviour
def errors_of_shows(fs, sample):
    fails(errno.EREMOTEIO, content, fs, "fails")


@behaviour
def errors_of_open(fs, sample):
    fails(errno.EBUSY, fs.open, "dev/busy", R)
    fails(errno.EISDIR, fs.open, "dev", W)


@behaviour
def access(fs, sample):
    assert fs.access("ro", os.R_OK)
    assert fs.access("ro", os.W_OK)  # root: the attribute itself refuses, in open
    assert not fs.access("ro", os.X_OK)
    assert fs.access("dev", os.X_OK)
    assert not fs.access("nothing", os.F_OK)


@behaviour
def debugfs_files(fs, sample):
    assert fs.stat("debug/info").st_size == 0
    assert content(fs, "debug/info") == b"first"
    fails(errno.EINVAL, store, fs, "debug/info", b"x")
    assert store(fs, "debug/command", b"crash\n") == 6
    assert sample.stores == ["crash\n"]
    fails(errno.EINVAL, content, fs, "debug/command")


@behaviour
def debugfs_that_is_made_anew(fs, sample):
    with fs.open("debug/trace", R) as file:
        assert file.read(3) == b"fir"
        sample.value = "longer text"
        assert file.read(100) == b"ger text"


@behaviour
def streams_cannot_seek(fs, sample):
    with fs.open("dev/queue", RW) as file:
        fails(errno.ESPIPE, file.lseek, 0, os.SEEK_SET)
        fails(errno.ESPIPE, file.pread, 1, 0)


@behaviour
def a_read_waits_for_a_message(fs, sample):
    with fs.open("dev/queue", R) as file:
        timer = later(sample.queue.put, b"late")
        assert file.read(100) == b"late"
        timer.join()


@behaviour
def a_write_waits_for_room(fs, sample):
    with fs.open("dev/queue", W) as file:
        for _ in range(samples.QUEUE_LENGTH):
            file.write(b"full")
        with fs.open("dev/queue", R) as other:
            timer = later(other.read, 10)
            assert file.write(b"more") == 4
            timer.join()


@behaviour
def messages_keep_their_order(fs, sample):
    got = []
    with fs.open("dev/queue", R) as file:

        def read():
            got.extend(file.read(10) for _ in range(200))

        reader = threading.Thread(target=read)
        reader.start()
        with fs.open("dev/queue", W) as other:
            for number in range(200):
                other.write(b"%d" % number)
        reader.join(10)
    assert got == [b"%d" % number for number in range(200)]


@behaviour
def each_message_goes_to_one_of_many_readers(fs, sample):
    got, files = [], [fs.open("dev/queue", R) for _ in range(8)]
    readers = [threading.Thread(target=lambda f=f: got.append(f.read(10))) for f in files]
    for reader in readers:
        reader.start()
    with fs.open("dev/queue", W) as file:
        for number in range(8):
            file.write(b"%d" % number)
    for reader in readers:
        reader.join(10)
    for file in files:
        file.close()
    assert sorted(got) == [b"%d" % number for number in range(8)]


@behaviour
def nonblocking(fs, sample):
    with fs.open("dev/queue", RW | os.O_NONBLOCK) as file:
        fails(errno.EAGAIN, file.read, 10)
        for _ in range(samples.QUEUE_LENGTH):
            file.write(b"full")
        fails(errno.EAGAIN, file.write, b"more")


@behaviour
def nonblocking_from_now_on(fs, sample):
    with fs.open("dev/queue", RW) as file:
        file.set_nonblock(True)
        fails(errno.EAGAIN, file.read, 10)
        file.set_nonblock(False)
        timer = later(sample.queue.put, b"waited")
        assert file.read(10) == b"waited"
        timer.join()


@behaviour
def waiting_gives_up(fs, sample):
    with fs.open("dev/hesitant", RW) as file:
        start = time.monotonic()
        fails(errno.ETIMEDOUT, file.write, b"x")
        assert time.monotonic() - start >= 0.09
        file.set_nonblock(True)
        fails(errno.EAGAIN, file.write, b"x")


@behaviour
def an_errno_too_large_for_fuse(fs, sample):
    with fs.open("dev/restart", RW) as file:
        fails(errno.ETIMEDOUT, file.write, b"x")


@behaviour
def poll_of_attributes(fs, sample):
    with fs.open("rw", RW) as file:
        assert file.poll(0xFFF, 0) & (select.POLLERR | select.POLLPRI)
        file.read(100)
        assert not file.poll(0xFFF, 0) & (select.POLLERR | select.POLLPRI)
        assert file.poll(select.POLLIN, 0) == select.POLLIN


@behaviour
def poll_of_a_queue(fs, sample):
    with fs.open("dev/queue", RW) as file:
        events = select.POLLIN | select.POLLOUT
        assert file.poll(events, 0) == select.POLLOUT
        file.write(b"x")
        assert file.poll(events, 0) == events
        for _ in range(samples.QUEUE_LENGTH - 1):
            file.write(b"full")
        assert file.poll(events, 0) == select.POLLIN


@behaviour
def ioctls(fs, sample):
    with fs.open("dev/queue", RW) as file:
        file.write(b"x")
        assert file.ioctl(samples.GET_LENGTH, bytes(4)) == b"\1\0\0\0"
        file.ioctl(samples.SET_LIMIT, b"\7\0\0\0")
        assert sample.queue.limit == 7
        assert file.ioctl(samples.SWAP, b"\2\0\0\0") == b"\7\0\0\0"
        file.ioctl(samples.BY_VALUE, 12345)
        assert sample.queue.limit == 12345
        fails(errno.ENOTTY, file.ioctl, 0x7199, 0)
    with fs.open("rw", R) as file:
        fails(errno.ENOTTY, file.ioctl, samples.GET_LENGTH, bytes(4))


@behaviour
def fsync(fs, sample):
    with fs.open("rw", R) as file:
        file.fsync()
    with fs.open("dev/sleeper", R) as file:
        fails(errno.EINVAL, file.fsync)


@behaviour
def release_comes_once(fs, sample):
    for _ in range(3):
        fs.open("dev/queue", R).close()
    deadline = time.monotonic() + 5
    while sample.queue.released < 3 and time.monotonic() < deadline:
        time.sleep(0.01)
    assert (sample.queue.opened, sample.queue.released) == (3, 3)


@behaviour
def what_is_closed_is_not_busy(fs, sample):
    for _ in range(3):
        with fs.open("dev/exclusive", R) as file:
            assert file.read(10) == b"0"


@behaviour
def what_is_closed_is_closed(fs, sample):
    for _ in range(3):
        with fs.open("dev/slow", R) as file:
            assert file.read(10) == b"0"


@behaviour
def what_a_close_did_is_seen_elsewhere(fs, sample):
    for _ in range(3):
        sample.value = "joined"
        fs.open("dev/parting", R).close()
        assert content(fs, "rw") == b"parted\n"


@behaviour
def what_is_open_elsewhere_is_open(fs, sample):
    with fs.open("dev/exclusive", R) as file:
        file.close_another()
        fails(errno.EBUSY, fs.open, "dev/exclusive", R)
        assert file.read(10) == b"0"
        start = time.monotonic()
        for _ in range(20):
            fails(errno.EBUSY, fs.open, "dev/exclusive", R)
        assert time.monotonic() - start < 10  # none of them waited for a close to end, which is 1 s


@behaviour
def stores_that_sleep(fs, sample):
    sample.gate.lock()
    timer = later(sample.gate.unlock)
    assert store(fs, "slow", b"done") == 4
    timer.join()
    assert sample.stores == ["done"]


@behaviour
def others_are_served_meanwhile(fs, sample):
    sample.gate.lock()
    writers = [threading.Thread(target=store, args=(fs, "slow", b"done")) for _ in range(3)]
    for writer in writers:
        writer.start()
    assert content(fs, "ro") == b"running\n"
    assert sample.stores == []
    sample.gate.unlock()
    for writer in writers:
        writer.join(10)
    assert sample.stores == ["done"] * 3


@behaviour
def ioctl_and_release_that_sleep(fs, sample):
    with fs.open("dev/sleeper", RW) as file:
        assert file.write(b"x") == 1
        sample.gate.lock()
        timer = later(sample.gate.unlock)
        assert file.ioctl(samples.GET_LENGTH, bytes(4)) == b"\1\0\0\0"
        timer.join()
    assert sample.slept.wait(20)


@behaviour
def writers_that_sleep_and_wait(fs, sample):
    with fs.open("dev/lazy", RW) as file:
        for number in range(samples.QUEUE_LENGTH):
            file.write(b"%d" % number)
        timer = later(take, sample.queue)
        assert file.write(b"waited") == 6
        timer.join()
        file.set_nonblock(True)
        while len(sample.queue.messages) < samples.QUEUE_LENGTH:
            file.write(b"more")
        fails(errno.EAGAIN, file.write, b"too much")


def take(queue):
    with queue.lock:
        queue.messages.popleft()
    queue.wait_queue.wake_up()


@behaviour
def removed_while_open(fs, sample):
    with fs.open("doomed/below/rw", RW) as file, fs.open("doomed/below/info", R) as debug:
        assert file.read(2) == b"fi"
        sample.tree.root.remove("doomed")
        fails(errno.ENOENT, fs.stat, "doomed")
        fails(errno.ENOENT, fs.open, "doomed/below/rw", R)
        assert file.read(100) == b"rst\n"
        fails(errno.ENODEV, file.pread, 10, 0)
        fails(errno.ENODEV, file.write, b"x")
        fails(errno.EIO, debug.read, 10)
        if fs.kind != "fusepy":  # libfuse 2 knows a path, and that is gone
            assert file.fstat().st_nlink == 0


@behaviour
def a_device_goes_on_when_its_node_is_gone(fs, sample):
    with fs.open("doomed/below/queue", RW) as file:
        sample.tree.root.remove("doomed")
        file.write(b"still")
        assert file.read(10) == b"still"


@behaviour
def removed_and_made_again(fs, sample):
    root = sample.tree.root
    first = fs.stat("doomed/below").st_ino
    root.remove("doomed")
    root.mkdirs("doomed/below").add("ro", samples.SysfsFile(samples.ro, sample))
    assert fs.listdir("doomed/below") == ["ro"]
    assert fs.stat("doomed/below").st_ino != first
    assert content(fs, "doomed/below/ro") == b"running\n"
