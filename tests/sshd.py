"""An sshd of its own for tests that reach a board by ssh."""

import os
import re
import shutil
import subprocess
import sys
from contextlib import contextmanager

import pytest
from labgrid.util import get_free_port

SSHD = "/usr/sbin/sshd"
#: The directory that sshd wants, without a trace on this machine.
PRIVATE_RUN = (
    "unshare", "-m", "sh", "-c",
    'mount -t tmpfs run /run && mkdir -m 755 /run/sshd && exec "$@"', "sh",
)  # fmt: skip


def needs_sshd():
    """A machine without it skips, aloud; in CI that is a failure."""
    if os.geteuid() or not os.path.exists(SSHD) or shutil.which("ssh") is None:
        missing = pytest.fail if os.environ.get("CI") else pytest.skip
        missing("no sshd (Debian: openssh-server), or not root")


@pytest.fixture(scope="session")
def sshd_config(tmp_path_factory):
    """A configuration of sshd, and the key that opens it."""
    needs_sshd()
    here = tmp_path_factory.mktemp("ssh")
    for name in ("host", "user"):
        keygen = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", here / name]
        subprocess.run(keygen, check=True)
    config = here / "sshd_config"
    config.write_text(
        f"HostKey {here}/host\nAuthorizedKeysFile {here}/user.pub\nStrictModes no\nUsePAM no\n"
        "PidFile none\nPermitRootLogin yes\nPasswordAuthentication no\n"
        "Subsystem sftp internal-sftp\n"
    )
    return config, here / "user"


@contextmanager
def served(config, board):
    """The port of an sshd on a board: what a user of a real board has."""
    run = [
        *PRIVATE_RUN,
        sys.executable,
        "-m",
        "rprocfs",
        "run",
        "--board",
        board,
        "-o",
        "console",
        "--",
    ]
    sshd = [SSHD, "-D", "-e", "-f", config, "-o", "ListenAddress=127.0.0.1"]
    for _ in range(5):  # somebody else may take the port
        port = get_free_port()
        with _popen([*run, *sshd, "-p", str(port)]) as process:
            said = _first(process)
            try:
                if "listening" in said:
                    yield port
                    return
            finally:
                process.terminate()
                process.communicate()
    pytest.fail(f"sshd does not come: {said}")


def _popen(command):
    return subprocess.Popen(command, stderr=subprocess.PIPE, text=True)


def _first(sshd):
    """The line that says whether it listens."""
    said = ""
    for line in sshd.stderr:
        said += line
        if re.search("Server listening|Cannot bind", line):
            break
    return said
