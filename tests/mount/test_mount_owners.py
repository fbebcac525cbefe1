"""Whose a mounted board is: the options uid, gid and umask, and a file of rules."""

import os
import subprocess

import pytest

from rprocfs_fuse.mountpoint import find_mount
from tests.mount.test_mount_command import BOARD, rprocfs, until

NOBODY = 65534
R0 = "sys/class/remoteproc/remoteproc0"
RULES = """
[[rule]]
subsystem = "remoteproc"
attributes = ["coredump"]
group = "65534"
mode = "0664"
"""

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root is somebody else, too")


@pytest.fixture
def mounted(mountpoint, tmp_path):
    """Mounts with options; the mountpoint, which others may reach."""
    for above in (tmp_path, tmp_path.parent, tmp_path.parent.parent):
        above.chmod(above.stat().st_mode | 0o011)
    (tmp_path / "board.toml").write_text(BOARD)
    (tmp_path / "rules.toml").write_text(RULES)

    def mount(transport, options):
        words = ["-o", f"transport={transport}{options}", "--board", str(tmp_path / "board.toml")]
        assert rprocfs("mount", *words, str(mountpoint)) == (0, "")
        return mountpoint

    yield mount
    assert rprocfs("umount", str(mountpoint)) == (0, "")
    until(lambda: find_mount(str(mountpoint)) is None)


def _as_nobody(mountpoint, script):
    done = subprocess.run(
        ["sh", "-c", f'cd "$0/{R0}" && {script}', str(mountpoint)],
        user=NOBODY, group=NOBODY, extra_groups=[],
        capture_output=True, text=True, timeout=20, check=False,
    )  # fmt: skip
    return done.returncode, done.stdout


@pytest.mark.parametrize("transport", ["devfuse", "fusepy"])
@pytest.mark.parametrize(
    ("options", "writes", "reads"),
    [
        ("", [], ["state", "coredump"]),
        (f",uid={NOBODY}", ["firmware", "coredump"], ["state"]),
        (f",uid={NOBODY},gid={NOBODY},umask=077", ["firmware", "coredump"], ["state"]),
        (",gid=7,umask=007", [], []),
        (",rules=RULES", ["coredump"], ["state", "coredump"]),
    ],
)
def test_another_user(mounted, tmp_path, transport, options, writes, reads):
    mountpoint = mounted(transport, options.replace("RULES", str(tmp_path / "rules.toml")))
    for name in ("firmware", "coredump"):
        status, _ = _as_nobody(mountpoint, f"echo enabled 2>/dev/null >{name}")
        assert (status == 0) is (name in writes), name
    for name in ("state", "coredump"):
        status, _ = _as_nobody(mountpoint, f"cat {name} 2>/dev/null")
        assert (status == 0) is (name in reads or name in writes), name


def test_wrong_owners(mountpoint):
    status, error = rprocfs("mount", "-o", "uid=me", str(mountpoint))
    assert status == 2
    assert "uid=me: must be a number" in error
