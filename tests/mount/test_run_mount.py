"""mount(8) of what a board has mounted already, under rprocfs run."""

import sys

import pytest

from tests.mount.conftest import needs
from tests.mount.test_run import Runner

DEBUG = "/sys/kernel/debug"
NAME = f"{DEBUG}/remoteproc/remoteproc0/name"


@pytest.fixture
def runner(before, tmp_path):
    board = tmp_path / "board.toml"
    board.write_text('[[remoteproc]]\ncompatible = "rprocfs,sim"\nlabel = "m4"\n')
    runner = Runner(board, before)
    runner.options = ["-o", "configfs"]
    return runner


def test_debugfs_is_the_boards_again(runner):
    out = runner.sh(f"""
        mountpoint -q {DEBUG}
        mount -t debugfs none {DEBUG}
        mount -t debugfs debugfs {DEBUG}/
        cd /sys/kernel; mount -t debugfs none debug
        cat {NAME}; stat -f -c %T {DEBUG}
        mount -t configfs none /sys/kernel/config
        ls /sys/kernel/config
    """)
    assert out.split() == ["m4", "debugfs", "remoteproc"]


def test_busybox_mounts_it_too(runner):
    needs("busybox")
    assert runner.sh(f"busybox mount -t debugfs none {DEBUG}; cat {NAME}") == "m4\n"


def test_other_mounts_are_the_kernels(runner, tmp_path):
    out = runner.sh(f"""
        mount -t tmpfs none {tmp_path}; stat -f -c %T {tmp_path}; umount {tmp_path}
        mount --bind {DEBUG}/remoteproc {tmp_path}; cat {tmp_path}/remoteproc0/name
    """)
    assert out == "tmpfs\nm4\n"


def test_who_may_not_mount_may_not(runner):
    script = f"""
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
print(libc.mount(b"none", b"{DEBUG}", b"debugfs", 0, None), ctypes.get_errno())
"""
    done = runner.run("setpriv", "--bounding-set", "-sys_admin", "--inh-caps", "-sys_admin",
                      sys.executable, "-c", script)  # fmt: skip
    assert done.stdout == "-1 1\n"


def test_the_mount_table_says_debugfs(runner):
    """A user cannot mount a real one below ours: the table says fuse.rprocfs only."""
    said = runner.sh(f"mount | grep ' on {DEBUG} '")
    assert ("type debugfs" in said) == (not runner.before)
    assert "type fuse.rprocfs" in said
