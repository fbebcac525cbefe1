"""Mounting, unmounting, and what is left when either goes wrong."""

import os
import re
import stat
import subprocess
import threading
import time
from pathlib import Path

import pytest

from rprocfs.errors import CommandError
from rprocfs.fs.debugfs import DebugfsFile
from rprocfs_fuse import transport
from rprocfs_fuse.mountpoint import find_mount, mounts
from tests.mount.sample import Sample


def resources():
    return len(os.listdir("/proc/self/fd")), threading.active_count()


@pytest.mark.parametrize(("kind", "number"), [("devfuse", 200), ("fusepy", 20)])
def test_again_and_again(sample, mountpoint, kind, number):
    options = transport.MountOptions(kind)
    for cycle in range(number):
        with transport.mount(sample.tree, mountpoint, options):
            assert (mountpoint / "ro").read_text() == "running\n"
        if cycle == 0:
            before = resources()
    assert resources() == before
    assert find_mount(str(mountpoint)) is None


def test_several_at_a_time(tmp_path, mountpoint, kind):
    samples = [Sample() for _ in range(4)]
    mounted = []
    for number, sample in enumerate(samples):
        sample.value = str(number)
        directory = tmp_path / str(number)
        directory.mkdir()
        mounted.append(transport.mount(sample.tree, directory, transport.MountOptions(kind)))
    texts = [(tmp_path / str(number) / "rw").read_text() for number in range(4)]
    for mount in mounted:
        mount.stop()
    assert texts == ["0\n", "1\n", "2\n", "3\n"]


def test_signals_stay_as_they_were(sample, mountpoint, kind):
    before = _ignored()
    with transport.mount(sample.tree, mountpoint, transport.MountOptions(kind)):
        pass
    assert _ignored() == before


def _ignored():
    return re.search(r"^SigIgn:.*", Path("/proc/self/status").read_text(), re.MULTILINE)[0]


def test_seen_by_mount(sample, mountpoint, kind):
    with transport.mount(sample.tree, mountpoint, transport.MountOptions(kind)):
        entry = find_mount(str(mountpoint))
        assert (entry.fstype, entry.source) == ("fuse.rprocfs", "rprocfs")
        assert os.statvfs(mountpoint).f_namemax == 255
    assert str(mountpoint) not in [entry.mountpoint for entry in mounts()]


def test_unmounted_from_outside(sample, mountpoint, kind):
    ended = threading.Event()
    options = transport.MountOptions(kind)
    with transport.mount(sample.tree, mountpoint, options, ended.set) as mounted:
        subprocess.run(["umount", mountpoint], check=True)
        assert ended.wait(20)
        mounted.wait()


def test_detached_from_outside_while_in_use(sample, mountpoint, kind):
    """The filesystem goes on until its last user is gone, as any other."""
    ended = threading.Event()
    options = transport.MountOptions(kind)
    with transport.mount(sample.tree, mountpoint, options, ended.set):
        fd = os.open(mountpoint / "rw", os.O_RDONLY)
        subprocess.run(["umount", "-l", mountpoint], check=True)
        assert os.read(fd, 100) == b"first\n"
        assert not ended.is_set()
        os.close(fd)
        assert ended.wait(20)


def test_stop_while_in_use_after_detaching(sample, mountpoint):
    fd = -1
    with transport.mount(sample.tree, mountpoint):
        fd = os.open(mountpoint / "rw", os.O_RDONLY)
        subprocess.run(["umount", "-l", mountpoint], check=True)
    with pytest.raises(OSError):
        os.read(fd, 10)
    os.close(fd)


def test_stop_twice(sample, mountpoint, kind):
    mounted = transport.mount(sample.tree, mountpoint, transport.MountOptions(kind))
    mounted.stop()
    mounted.stop()
    mounted.wait()


def test_stop_leaves_another_mount_alone(sample, mountpoint):
    first = transport.mount(sample.tree, mountpoint)
    subprocess.run(["umount", mountpoint], check=True)
    first.wait()
    with transport.mount(sample.tree, mountpoint):
        first.stop()
        assert (mountpoint / "ro").read_text() == "running\n"


def test_mounted_already(sample, mountpoint, kind):
    options = transport.MountOptions(kind)
    with transport.mount(sample.tree, mountpoint, options):
        with pytest.raises(CommandError, match="already mounted"):
            transport.mount(sample.tree, mountpoint, options)
        assert (mountpoint / "ro").read_text() == "running\n"


def test_wrong_places(sample, mountpoint):
    with pytest.raises(CommandError, match="No such file"):
        transport.mount(sample.tree, mountpoint / "nothing")
    (mountpoint / "file").touch()
    with pytest.raises(CommandError, match="Not a directory"):
        transport.mount(sample.tree, mountpoint / "file")
    with pytest.raises(CommandError, match="unknown, there are devfuse, fusepy"):
        transport.mount(sample.tree, mountpoint, transport.MountOptions("carrier pigeon"))


def test_a_place_with_an_odd_name(sample, mountpoint, kind):
    odd = mountpoint / "ünd\\ so, weiter\n"
    odd.mkdir()
    with transport.mount(sample.tree, odd, transport.MountOptions(kind)):
        assert (odd / "ro").read_text() == "running\n"


def test_read_only(sample, mountpoint, kind):
    with transport.mount(sample.tree, mountpoint, transport.MountOptions(kind, read_only=True)):
        assert (mountpoint / "rw").read_text() == "first\n"
        with pytest.raises(OSError, match="Read-only"):
            (mountpoint / "rw").write_text("x")


def test_a_daemon_that_was_killed(sample, mountpoint, kind):
    """It leaves a mount that answers ENOTCONN; the next one takes its place."""
    ready, theirs = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            mounted = transport.mount(sample.tree, mountpoint, transport.MountOptions(kind))
            os.write(theirs, b"x")
            mounted.wait()
        finally:
            os._exit(1)
    os.close(theirs)
    assert os.read(ready, 1) == b"x"
    os.close(ready)
    os.kill(child, 9)
    os.waitpid(child, 0)
    with pytest.raises(OSError):
        os.stat(mountpoint)
    with transport.mount(sample.tree, mountpoint, transport.MountOptions(kind)):
        assert (mountpoint / "ro").read_text() == "running\n"
    assert stat.S_ISDIR(os.stat(mountpoint).st_mode)


def test_find_and_tar_see_everything(sample, mountpoint, kind):
    with transport.mount(sample.tree, mountpoint, transport.MountOptions(kind)):
        found = subprocess.run(
            ["find", ".", "-name", "attribute-*"], cwd=mountpoint, capture_output=True, check=True
        )
        assert len(found.stdout.splitlines()) == 3000
        du = subprocess.run(["du", "-s", "."], cwd=mountpoint, capture_output=True, check=True)
        assert du.stdout.split()[0] == b"0"


def test_shape_changes_under_load(sample, mountpoint):
    """Lookups of what comes and goes answer or say ENOENT; nothing else, and nothing hangs."""
    stop, problems = threading.Event(), []

    def change():
        while not stop.is_set():
            made = sample.tree.root.mkdirs("coming/and")
            made.add("going", DebugfsFile(bytes))
            sample.tree.root.remove("coming")

    changer = threading.Thread(target=change)
    with transport.mount(sample.tree, mountpoint):
        changer.start()
        deadline = time.monotonic() + 0.5
        while time.monotonic() < deadline:
            try:
                (mountpoint / "coming/and/going").read_bytes()
                os.listdir(mountpoint / "coming/and")
            except FileNotFoundError:
                continue
            except OSError as problem:
                problems.append(problem)
        stop.set()
        changer.join(20)
    assert {problem.errno for problem in problems} <= {5}  # EIO: debugfs, gone while open
