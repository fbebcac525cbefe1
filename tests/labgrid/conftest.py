"""Targets of labgrid: a board of rprocfs by its own drivers, and one that is reached by ssh."""

import os
import re
import shutil
import subprocess
import sys
from contextlib import contextmanager

import pytest
from labgrid import Environment
from labgrid.util import get_free_port

from tests.mount.conftest import needs_fuse
from tests.sessions import ROOT

SSHD = "/usr/sbin/sshd"
#: The directory that sshd wants, without a trace on this machine.
PRIVATE_RUN = (
    "unshare", "-m", "sh", "-c",
    'mount -t tmpfs run /run && mkdir -m 755 /run/sshd && exec "$@"', "sh",
)  # fmt: skip
BOARD = """
extends = "stm32mp157"

[[remoteproc]]
compatible = "rprocfs,cortex-m4"
label = "second"
"""
OURS = """
imports: [rprocfs_labgrid]
targets:
  main:
    resources:
      RprocfsBoard: {board: %(board)s, options: console}
    drivers:
    - RprocfsPowerDriver: {}
    - RprocfsCommandDriver: {}
"""
BY_SSH = """
imports: [rprocfs_labgrid]
targets:
  main:
    resources:
      NetworkService: {address: 127.0.0.1, port: %(port)d, username: %(user)s}
    drivers:
    - SSHDriver: {keyfile: %(key)s}
"""
#: The same for both.
ON_TOP = """\
    - RemoteprocDriver: {name: m4, remoteproc: m4, image: m4}
    - RemoteprocDriver: {name: second, remoteproc: second}
    - RemoteprocConsoleDriver: {name: tty, channel: rpmsg-tty, bindings: {rproc: m4}}
    - RemoteprocConsoleDriver: {name: uart, bindings: {rproc: m4}}
images: {m4: %(image)s}
"""


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


@pytest.fixture(scope="module", params=["rprocfs", "ssh"])
def target(request, tmp_path_factory):
    """The same drivers on top of both; the board is on."""
    needs_fuse()
    here = tmp_path_factory.mktemp("labgrid")
    words = {"image": here / "fw-m4.elf", "board": here / "board.toml"}
    shutil.copy(ROOT / "rprocfs/firmware/stm32mp1-echo.elf", words["image"])
    words["board"].write_text(BOARD)
    if request.param == "rprocfs":
        with environment(here, (OURS + ON_TOP) % words) as main:
            main.get_driver("PowerProtocol").on()
            yield main
        return
    config, key = request.getfixturevalue("sshd_config")
    with served(config, words["board"]) as port:
        words |= {"port": port, "user": "root", "key": key}
        with environment(here, (BY_SSH + ON_TOP) % words) as main:
            yield main


@contextmanager
def environment(here, text):
    """The target of an environment."""
    file = here / "env.yaml"
    file.write_text(text)
    main = Environment(str(file)).get_target()
    try:
        main.get_driver("CommandProtocol")
        yield main
    finally:
        main.cleanup()
