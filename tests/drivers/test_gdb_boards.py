"""A debugger on the boards that a devicetree describes, as the driver of each is told of it."""

import threading
import time

import pytest

from rprocfs.drivers import imx_rproc_machine
from rprocfs.remoteproc.subdev import RprocSubdev
from rprocfs.testing.driver_table import RPMSG
from rprocfs.testing.userspace import read, write
from tests.drivers.am62x import Am62xBench
from tests.drivers.gdb_session import Stub
from tests.drivers.imx8m import KitBench, raw
from tests.drivers.test_xlnx_r5_machine import REMOTEPROC, Board
from tests.engines.host import SAFETY

IMAGES = {
    "zcu102": "zynqmp-echo.elf", "zcu102-lockstep": "zynqmp-echo.elf",
    "imx8mm-evk": "echo.elf", "imx8mp-evk": "echo.elf", "am62x": "echo.elf",
}  # fmt: skip


@pytest.fixture(params=IMAGES)
def machine(request, tmp_path):
    """A board, and what switches its debugger on, as configfs does."""
    name = request.param
    if name.startswith("zcu102"):
        board = Board(name, tmp_path)
    elif name == "am62x":
        board = Am62xBench(tmp_path)
    else:
        board = KitBench(name.removesuffix("-evk"), raw(name.removesuffix("-evk")), tmp_path)
    board.shell.echo(f"{REMOTEPROC}0/firmware", IMAGES[name])
    device = board.system.remoteproc.rprocs[0].parent_dev

    def change(key, value):
        device.driver.property_changed(device, key, value)

    yield board, change
    board.close() if isinstance(board, Board) else board.__exit__()


def state(board):
    return board.shell.cat(f"{REMOTEPROC}0/state").strip()


def go(board, word):
    board.shell.echo(f"{REMOTEPROC}0/state", word)


def test_switched_on_while_it_runs(machine, tmp_path):
    board, change = machine
    path = tmp_path / "gdb"
    go(board, "start")
    change("gdb", str(path))
    assert board.shell.cat(f"{REMOTEPROC}0/gdb") == f"{path}\n"
    for _ in range(2):
        with Stub(path) as stub:
            pc = stub.pc
            assert stub.pc == pc
            assert state(board) == "running"
    with Stub(path) as stub:
        assert stub.pc
        before = time.monotonic()
        go(board, "stop")
        assert time.monotonic() - before < SAFETY
    assert state(board) == "offline"
    change("gdb", "")
    assert not path.exists()


def test_halted_breakpoint_reset(machine, tmp_path):
    board, change = machine
    path = tmp_path / "gdb"
    change("gdb", str(path))
    change("gdb-halt", True)
    go(board, "start")
    assert state(board) == "running"
    with Stub(path) as stub:
        reset = stub.pc
        for _ in range(12):
            assert stub.ask(b"s").startswith(b"T05")
        there = stub.pc
        assert there != reset
        for _ in range(2):
            assert stub.ask(b"qRcmd," + b"reset halt".hex().encode()) == b"OK"
            assert stub.ask(b"Z0,%x,2" % there) == b"OK"
            assert stub.pc == reset
            assert stub.ask(b"c").startswith(b"T05")
            assert stub.pc == there
            assert state(board) == "running"
    change("gdb", "")
    assert "crash" not in "\n".join(record.text for record in board.system.model.kmsg.records())
    go(board, "stop")
    go(board, "start")
    go(board, "stop")


class Listener(RprocSubdev):
    """A subdevice that takes its time, and whether *stub* heard anything meanwhile."""

    def __init__(self, stub):
        self._stub, self.started, self.heard = stub, threading.Event(), None

    def start(self):
        self.heard = self._stub.hears_within(0.1)
        self.started.set()


@pytest.mark.parametrize("part", ["imx8mm"])
def test_a_reset_is_over_when_the_processor_runs(part, tmp_path):
    """With all of its subdevices; and it counts as halted until the debugger lets it go only."""
    with KitBench(part, raw(part), tmp_path) as board:
        board.start()
        board.shell.echo(f"{REMOTEPROC}0/gdb", str(tmp_path / "gdb"))
        with Stub(tmp_path / "gdb") as stub:
            assert stub.pc
            listener = Listener(stub)
            board.rproc.subdevs.add(listener)
            stub.send(b"qRcmd," + b"reset halt".hex().encode())
            assert listener.started.wait(SAFETY)
            assert not listener.heard
            assert stub.packet() == b"OK"
            assert state(board) == "running"
        board.wait(lambda: not board.rproc.ops.debugger.attached)
        board.rproc.subdevs.remove(listener)


@pytest.mark.parametrize("part", ["imx8mm"])
def test_a_message_to_a_halted_core_waits(part, tmp_path, monkeypatch):
    """The mailbox of the i.MX gives up a core that reads nothing, unless a debugger halted it."""
    monkeypatch.setattr(imx_rproc_machine, "TX_TIMEOUT", 0.02)
    with KitBench(part, raw(part), tmp_path) as board:
        board.start()
        handle = board.open(f"{RPMSG}/virtio0.rpmsg-raw.-1.1024/endpoint")
        board.shell.echo(f"{REMOTEPROC}0/gdb", str(tmp_path / "gdb"))
        with Stub(tmp_path / "gdb") as stub:
            assert stub.pc
            write(handle, b"hello")
            later = threading.Event()
            board.rproc.ops.worker.call_later(0.2, later.set)
            assert later.wait(SAFETY)
        assert read(handle) == b"hello"
        assert "imx_rproc_kick" not in board.log
