"""A Cortex-R5F that a boot loader has started: xlnx_r5_remoteproc.c attaches to it."""

import struct

import pytest

from rprocfs.drivers.xlnx_r5_rsc_tbl import RSC_TBL_XLNX_MAGIC
from rprocfs.kernel import DEFAULT, find_kernel
from rprocfs.testing.rsc_table import entry_offsets, resource, resource_table, vdev
from rprocfs.testing.tree_board import image
from rprocfs.testing.userspace import read, write
from tests.drivers.test_xlnx_r5 import SOURCE
from tests.drivers.test_xlnx_r5_machine import DEBUG, REMOTEPROC, RPMSG, board

__all__ = ["board"]  # a fixture that is elsewhere
CODE, TABLE = 0x3ED00000, 0x3ED01000
MODEL = ("services =", "detached; services =")
LABELS = {0: "ffe00000.r5f", 1: "ffe90000.r5f"}


def data(at, size, magic=RSC_TBL_XLNX_MAGIC, complement=~RSC_TBL_XLNX_MAGIC & 0xFFFFFFFF):
    """A ``struct rsc_tbl_data``."""
    return struct.pack("<iIIIQ", 1, magic, complement, size, at)


@pytest.fixture
def model(tree_board, tmp_path):
    """`model(header, *changes)`: a board whose core 0 runs, with that at its first memory."""

    def make(header, *changes, table=None, kernel=DEFAULT):
        if header is None:
            firmware = image((0, b"code"))
        else:
            segments = ((0, b"code"), (CODE, header))
            firmware = image(*segments, table=table or resource_table([vdev()]), at=TABLE)
        (tmp_path / "rproc-ffe00000.r5f-fw").write_bytes(firmware)
        return tree_board(SOURCE, MODEL, *changes, kernel=kernel)

    return make


HEADER = data(TABLE, len(resource_table([vdev()])))


def test_what_it_announces(model):
    made = model(HEADER)
    assert made.read(0, "state") == "detached"
    assert made.write(0, "state", "start") == 0
    # add_tcm_banks(): of one that runs already, TCMs are no carveouts.
    assert made.rproc().carveouts[0].name == "memory"
    assert made.find(0, 4) is None
    assert made.shell.exists("/sys/bus/rpmsg/devices/virtio0.rpmsg-raw.-1.1024")
    assert made.write(0, "state", "detach") == 0
    assert made.read(0, "state") == "detached"
    assert made.write(0, "state", "start") == 0
    assert made.shell.exists("/sys/bus/rpmsg/devices/virtio0.rpmsg-raw.-1.1024")


BAD = {
    "no header": (b"", "invalid magic number, won't attach"),
    "no complement": (data(TABLE, 88, complement=0), "invalid magic number, won't attach"),
    "no size": (data(TABLE, 0), "failed to get resource table va"),
    "no address": (data(1 << 63, 88), "failed to get resource table va"),
}


@pytest.mark.parametrize("what", BAD)
def test_one_that_runs_without_a_table(model, what, caplog):
    """zynqmp_r5_core_init() does not ask for a table: what runs is not to be called offline."""
    caplog.set_level("DEBUG", "rprocfs")
    header, reason = BAD[what]
    made = model(header)
    assert reason in caplog.text
    assert "rsc tbl not found" in caplog.text
    assert made.read(0, "state") == "detached"
    assert made.write(0, "state", "start") == 0
    assert made.read(0, "state") == "attached"
    assert not made.shell.exists("/sys/bus/virtio/devices/virtio0")


@pytest.mark.parametrize(
    ("kernel", "what"), [("6.12", "memory region dev node"), ("7.1", "memory-region resource addr")]
)
def test_without_a_memory_region(model, kernel, what):
    regions = ("memory-region = <&code>, <&ring0>, <&ring1>, <&buffer>;\n", "")
    made = model(None, regions, kernel=find_kernel(kernel))
    assert made.read(0, "state") == "detached"
    assert f"failed to get {what}" in made.log


def test_another_version_of_the_table_is_only_said(model):
    table = bytearray(resource_table([vdev()]))
    table[0] = 2
    made = model(data(TABLE, len(table)), table=bytes(table))
    assert "unexpected resource table version 2" in made.log
    assert made.read(0, "state") == "detached"


@pytest.mark.parametrize(("kernel", "state"), [("6.12.8", "offline"), ("6.12", "detached")])
def test_what_is_in_memory_decides_in_old_kernels(model, kernel, state):
    """zynqmp_r5_add_rproc_core() until there was the status of the node."""
    made = model(b"", kernel=find_kernel("6.12.8") if kernel == "6.12.8" else DEFAULT)
    assert made.read(0, "state") == state


def test_it_attaches_by_itself(model):
    made = model(HEADER, kernel=find_kernel("7.2"))
    made.system.settle()
    assert made.read(0, "state") == "attached"
    assert made.read(0, "recovery") == "disabled"


def test_firmware_name_boots_by_itself(tree_board, tmp_path):
    (tmp_path / "r5.elf").write_bytes(image((0, b"code"), table=resource_table([vdev()]), at=TABLE))
    change = ("services =", 'firmware-name = "r5.elf"; services =')
    for kernel, state in (("7.1", "offline"), ("7.2", "running")):
        made = tree_board(SOURCE, change, kernel=find_kernel(kernel))
        made.system.settle()
        assert made.read(0, "state") == state


def detached(number, lockstep=""):
    return (
        f'extends = "zcu102{lockstep}"\n[[remoteproc]]\nlabel = "{LABELS[number]}"\n'
        f'firmware-name = "zynqmp-echo{number or ""}.elf"\ndetached = true\n'
    )


def echoes(made, number, text):
    """A message comes back from the core with that number, which is heard on bus 0."""
    name = f"{RPMSG}/virtio0.rpmsg-raw.-1.1025"
    made.wait(lambda: made.shell.exists(name))
    handle = made.echo(0)
    write(handle, text)
    assert read(handle) == text
    handle.release()
    assert "echo: started" in made.shell.cat(f"{DEBUG}{number}/trace0")


@pytest.mark.parametrize(("number", "lockstep"), [(0, ""), (1, ""), (0, "-lockstep")])
def test_a_machine(board, tmp_path, number, lockstep):
    """Attach, detach, attach again; stop; boot."""
    description = tmp_path / "attach.toml"
    description.write_text(detached(number, lockstep))
    made = board(str(description))
    state = f"{REMOTEPROC}{number}/state"
    worker = made.system.remoteproc.rprocs[number].ops.worker
    for text in (b"attached", b"again"):
        assert made.state(number) == "detached"
        made.shell.echo(state, "start")
        assert made.state(number) == "attached"
        echoes(made, number, text)
        made.shell.echo(state, "detach")
    assert made.system.remoteproc.rprocs[number].ops.worker is worker
    made.shell.echo(state, "start")
    echoes(made, number, b"third")
    made.shell.echo(state, "stop")
    assert made.state(number) == "offline"
    made.shell.echo(state, "start")
    assert made.state(number) == "running"
    echoes(made, number, b"booted")
    assert "failed" not in made.log


@pytest.mark.parametrize("kernel", ["6.12.8", "6.12", "7.3"])
def test_a_machine_of_another_kernel(board, tmp_path, kernel):
    description = tmp_path / "attach.toml"
    description.write_text(detached(0))
    made = board(str(description), kernel=kernel)
    if kernel != "7.3":
        made.shell.echo(f"{REMOTEPROC}0/state", "start")
    made.wait(lambda: made.state(0) == "attached")
    echoes(made, 0, b"attached")
    assert made.shell.cat(f"{REMOTEPROC}0/recovery").strip() == {
        "6.12.8": "enabled", "6.12": "disabled", "7.3": "enabled",
    }[kernel]  # fmt: skip


def test_a_crash_report(model):
    """zynqmp_r5_handle_rsc(), handle_event_notified() of 7.3; it recovers by attaching again."""
    entries = [vdev(), resource(128, b"\1\1\7left over".ljust(19, b"\0"))]
    table = resource_table(entries)
    made = model(data(TABLE, len(table)), table=table, kernel=find_kernel("7.3"))
    made.system.settle()
    assert made.read(0, "state") == "attached"
    report = made.system.model.iomem.ioremap(TABLE, len(table))[entry_offsets(entries)[1] + 4 :]
    assert bytes(report[:4]) == b"\1\0\0\0"
    rproc = made.rproc()
    assert not rproc.ops.report_crash(rproc)
    report[1:] = b"\1\7stack\xffoverflow and more"[: len(report) - 1]
    assert rproc.ops.report_crash(rproc)
    made.system.settle()
    assert "crash reason id: 7 stack\udcffoverflow " in made.log
    assert "type fatal error" in made.log
    assert made.read(0, "state") == "attached"
    assert made.shell.exists("/sys/bus/rpmsg/devices/virtio0.rpmsg-raw.-1.1024")


@pytest.mark.parametrize("size", [1, 3, 4, 15, 16, 17, 87])
def test_a_header_that_says_less_than_a_table_has(model, size, caplog):
    made = model(data(TABLE, size))
    assert made.read(0, "state") == "detached"
    made.write(0, "state", "start")
    assert "Traceback" not in caplog.text
    assert "a request failed" not in caplog.text


def test_an_image_has_a_crash_report_behind_the_table_that_was_found(model, tmp_path):
    """zynqmp_r5_handle_rsc() has the size of the one and the place of the other."""
    made = model(HEADER, kernel=find_kernel("7.3"))
    made.system.settle()
    assert made.read(0, "state") == "attached"
    assert made.write(0, "state", "stop") == 0
    table = resource_table([vdev(), vdev(), vdev(), resource(128, b"\1".ljust(19, b"\0"))])
    (tmp_path / "more.elf").write_bytes(image((0, b"code"), table=table, at=TABLE))
    assert made.write(0, "firmware", "more.elf") == 0
    assert made.write(0, "state", "start") == 0
    assert made.read(0, "state") == "running"
