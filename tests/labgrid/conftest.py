"""Targets of labgrid: a board of rprocfs by its own drivers, and one that is reached by ssh."""

import shutil
from contextlib import contextmanager

import pytest
from labgrid import Environment

from tests.mount.conftest import needs_fuse
from tests.sessions import ROOT
from tests.sshd import served

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
