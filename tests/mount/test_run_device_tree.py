"""/proc/device-tree under rprocfs run, on a machine whose procfs has none."""

import sys

import pytest

from tests.mount.test_run import Runner

BASE = "/sys/firmware/devicetree/base"


@pytest.fixture
def runner(before):
    return Runner("am62x", before)


def test_what_shells_do(runner):
    out = runner.sh(f"""
        [ -d /proc/device-tree ] && [ -L /proc/device-tree ] && [ -r /proc//device-tree/model ]
        [ "$(ls -l /proc/device-tree/)" = "$(ls -l {BASE}/)" ]
        ls -ld /proc/device-tree | grep -o 'device-tree ->.*'
        tr -d '\\0' < /proc/device-tree/model; echo
        cd /proc; tr -d '\\0' < device-tree/model; echo
        cd /proc/device-tree; pwd -P; tr -d '\\0' < model; echo
        stat -f -c %T /proc/device-tree/model
        ! cat /proc/device-tree/missing 2>/dev/null
        ! [ -e /proc/device-tree/missing ]
        ! touch /proc/device-tree/model/x 2>/dev/null
    """)
    model = "Texas Instruments AM625 SK"
    assert out.splitlines() == [f"device-tree -> {BASE}", model, model, BASE, model, "sysfs"]


SCRIPT = f"""
import errno, os
base = "{BASE}"
assert os.listdir("/proc/device-tree") == os.listdir(base)
assert sorted(os.walk("/proc/device-tree"))[0][1:] == sorted(os.walk(base))[0][1:]
for name in ("model", "compatible", "."):
    a, b = os.stat("/proc/device-tree/" + name), os.stat(base + "/" + name)
    assert (a.st_ino, a.st_mode, a.st_size) == (b.st_ino, b.st_mode, b.st_size)
assert os.readlink("/proc/device-tree") == base
fd = os.open("/proc", os.O_RDONLY)
assert os.readlink("device-tree", dir_fd=fd) == base
assert os.access("device-tree/model", os.R_OK, dir_fd=fd)
for call, path, code in (
    (os.readlink, "/proc/device-tree/model", errno.EINVAL),
    (os.chdir, "/proc/device-tree/model", errno.ENOTDIR),
    (os.chdir, "/proc/device-tree/no", errno.ENOENT),
    (os.listdir, "/proc/device-tree/model", errno.ENOTDIR),
    (os.stat, "/proc/device-tree/model/x", errno.ENOTDIR),
    (os.listxattr, "/proc/device-tree/model", errno.EOPNOTSUPP),
    (lambda path: os.listxattr(path, follow_symlinks=False), base, errno.EOPNOTSUPP),
    (lambda path: os.listxattr(path, follow_symlinks=False), "/proc/device-tree", errno.EOPNOTSUPP),
):
    try:
        call(path)
    except OSError as problem:
        assert problem.errno == code, (call, path, problem)
    else:
        raise AssertionError((call, path))
assert not os.path.exists("/proc/device-tree-of-another-name")
assert "device-tree" not in os.listdir("/dev")
for _ in range(200):
    os.close(os.open("/proc/device-tree/model", os.O_RDONLY))
assert len(os.listdir("/proc/self/fd")) < 12
"""


def test_what_programs_do(runner):
    done = runner.run(sys.executable, "-c", SCRIPT)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_board_without_a_devicetree_has_none(runner, tmp_path):
    runner.board = tmp_path / "board.toml"
    runner.board.write_text('[[remoteproc]]\ncompatible = "rprocfs,sim"\n')
    assert runner.sh("ls /proc/device-tree 2>/dev/null || echo none") == "none\n"
