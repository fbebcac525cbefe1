"""/dev under rprocfs run can be written as a devtmpfs can."""

import os

from tests.mount.test_run import any_runner, board, runner  # noqa: F401 - fixtures

SCRIPT = """
cd /dev
ln -s remoteproc0 m4; stat -L -c %F m4
mkdir -p below/it; mv m4 below/; readlink below/m4; rm below/m4; rmdir below/it below
echo one > file; echo two >> file; cat file; wc -c < file; : > file; wc -c < file; rm file
mkfifo pipe; echo through > pipe & cat pipe; rm pipe
mv remoteproc1 r1; stat -c %F r1; rm r1
"""
SAID = """character special file
remoteproc0
one
two
8
0
through
character special file
"""


def test_links_directories_files_and_pipes(any_runner):  # noqa: F811
    assert any_runner.sh(SCRIPT) == SAID
    assert not os.path.exists("/dev/below")


def test_a_socket(any_runner):  # noqa: F811
    script = """
import socket
with socket.socket(socket.AF_UNIX) as server, socket.socket(socket.AF_UNIX) as client:
    server.bind("/dev/log-of-mine")
    server.listen()
    client.connect("/dev/log-of-mine")
"""
    done = any_runner.run("python3", "-c", script)
    assert (done.returncode, done.stderr) == (0, "")


def test_mknod(runner):  # noqa: F811
    out = runner.sh("""
        cd /dev
        mknod -m 600 mine c $(tr : ' ' < /sys/class/remoteproc/remoteproc0/dev)
        stat -c '%F %t:%T' mine remoteproc0
        printf start > mine; cat /sys/class/remoteproc/remoteproc0/state
        mknod other c 1 3; stat -c '%F %t:%T' other; cat other 2>&1 || :
        mknod disk b 8 0; stat -c %F disk
    """)
    lines = out.splitlines()
    assert lines[0] == lines[1]
    assert lines[2:] == [
        "running",
        "character special file 1:3",
        "cat: other: No such device or address",
        "block special file",
    ]


def test_who_is_not_root_may_not(runner):  # noqa: F811
    runner.before = []
    done = runner.run("setpriv", "--reuid", "65534", "--clear-groups", "ln", "-s", "x", "/dev/y")
    assert (done.returncode, "Permission denied" in done.stderr) == (1, True)
