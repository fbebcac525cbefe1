"""The driver table on either core, and what the cores share."""

import time

import pytest
from acme_soc import BOARD

from rprocfs.board import open_board
from rprocfs.testing.driver_table import TABLE, Bench, Images
from rprocfs.testing.userspace import Userspace, read, write

CLASS = "/sys/class/remoteproc"


def _wait_for(shell, path):
    deadline = time.monotonic() + 30
    while not shell.exists(path):
        assert time.monotonic() < deadline, f"no {path}"
        time.sleep(0.01)


@pytest.mark.parametrize("core", [0, 1])
@pytest.mark.parametrize("name", TABLE)
def test_driver(name, core, tmp_path):
    images = Images(BOARD.with_name(f"acme-cm{core}.elf"), ("rpmsg-raw",), "acme: ticks 0x5")
    properties = {"compatible": "acme,ds2-cm4", "acme,core": core, "acme,delay-ms": 5}
    with Bench(properties, images, tmp_path) as bench:
        TABLE[name](bench)


def test_both_cores_run_in_one_memory():
    with open_board("acme") as system:
        shell = Userspace(system.tree)
        for core in (0, 1):
            assert shell.cat(f"{CLASS}/remoteproc{core}/name") == f"cm{core}\n"
            shell.echo(f"{CLASS}/remoteproc{core}/state", "start")
            _wait_for(shell, f"/dev/rpmsg{core}")
        one, two = (rproc.ops.soc for rproc in system.remoteproc.rprocs)
        assert one is two
        for core in (0, 1, 0, 1):
            handle = shell.open(f"/dev/rpmsg{core}")
            write(handle, b"to %d" % core)
            assert read(handle) == b"to %d" % core
            handle.release()
        shell.echo(f"{CLASS}/remoteproc0/state", "stop")
        shell.echo(f"{CLASS}/remoteproc0/state", "start")
        assert shell.cat(f"{CLASS}/remoteproc1/state") == "running\n"


def test_a_core_that_there_is_not():
    with open_board("acme") as system:
        device = system.add_processor({"compatible": "acme,ds2-cm4", "acme,core": 2})
        assert device.driver is None
