"""The driver on firmware that answers; the package is installed."""

import time
from pathlib import Path

import pytest

from rprocfs.board import open_board
from rprocfs.system import bundled_firmware
from rprocfs.testing.userspace import Userspace

BOARD = Path(__file__).parents[1] / "board.toml"
STATE = "/sys/class/remoteproc/remoteproc0/state"
CHANNEL = "/sys/bus/rpmsg/devices/virtio0.rpmsg-client-sample.-1.1024"
DRIVER = "/sys/bus/rpmsg/drivers/acme_greeter"


@pytest.fixture
def shell():
    with open_board(str(BOARD), firmware=bundled_firmware()) as system:
        yield Userspace(system.tree)


def wait_for(shell, wanted):
    """Until the file has counted so many answers."""
    deadline = time.monotonic() + 60
    while not shell.exists(f"{CHANNEL}/answers") or shell.cat(f"{CHANNEL}/answers") != wanted:
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_it_greets_and_counts(shell):
    shell.echo(STATE, "start")
    wait_for(shell, "3\n")
    assert shell.cat("/sys/module/acme_greeter/parameters/greetings") == "3\n"


def test_each_boot_begins_anew(shell):
    for _ in range(2):
        shell.echo(STATE, "start")
        wait_for(shell, "3\n")
        shell.echo(STATE, "stop")
        assert not shell.exists(CHANNEL)


def test_another_number_of_greetings(shell):
    shell.echo("/sys/module/acme_greeter/parameters/greetings", "5")
    shell.echo(STATE, "start")
    wait_for(shell, "5\n")


def test_unbound_and_bound_again(shell):
    shell.echo(STATE, "start")
    wait_for(shell, "3\n")
    name = CHANNEL.rpartition("/")[2]
    shell.echo(f"{DRIVER}/unbind", name)
    assert not shell.exists(f"{CHANNEL}/answers")
    shell.echo(f"{DRIVER}/bind", name)
    wait_for(shell, "3\n")
