"""The ports of ti_k3_{r5,m4,dsp}_remoteproc.c: what they decide stands there (Linux 6.12)."""

import errno
import struct
from functools import partial

import pytest

from rprocfs.board import load_board, open_board
from rprocfs.kernel import DEFAULT, find_kernel
from rprocfs.testing.rsc_table import resource_table, vdev, vring
from rprocfs.testing.tree_board import image

HEAD = """
/dts-v1/;
/ {
    #address-cells = <1>;
    #size-cells = <1>;
    reserved-memory {
        #address-cells = <1>;
        #size-cells = <1>;
        ranges;
        pool: pool@9cb00000 {
            compatible = "shared-dma-pool"; reg = <0x9cb00000 0x100000>; no-map;
        };
        code: code@9cc00000 { reg = <0x9cc00000 0x10000>; no-map; };
        more: more@9cd00000 { reg = <0x9cd00000 0x1000>; no-map; };
    };
    sci: sci { compatible = "ti,k2g-sci"; };
    rst: rst { #reset-cells = <2>; };
    mb: mailbox { #mbox-cells = <1>; };
    sram: sram@70000000 { reg = <0x70000000 0x8000>; };
"""
COMMON = """
    firmware-name = "default-fw";
    mboxes = <&mb 0>;
    memory-region = <&pool>, <&code>, <&more>;
    ti,sci = <&sci>;
    ti,sci-dev-id = <9>;
    ti,sci-proc-ids = <1 0xff>;
    resets = <&rst 9 1>;
    services = "rpmsg-raw@1024";
"""
M4 = f"""
    m4fss@5000000 {{
        compatible = "ti,am64-m4fss";
        reg = <0x5000000 0x30000>, <0x5040000 0x10000>;
        reg-names = "iram", "dram";
        {COMMON}
    }};
"""
DSP = f"""
    dsp@64800000 {{
        compatible = "ti,j721e-c66-dsp";
        reg = <0x64800000 0x80000>, <0x64e00000 0x8000>, <0x64f00000 0x8000>;
        reg-names = "l2sram", "l1pram", "l1dram";
        {COMMON}
    }};
"""
R5 = f"""
    r5fss@78000000 {{
        compatible = "ti,am64-r5fss";
        #address-cells = <1>;
        #size-cells = <1>;
        ranges;
        ti,cluster-mode = <0>;
        r5f@78000000 {{
            compatible = "ti,am64-r5f";
            reg = <0x78000000 0x10000>, <0x78100000 0x10000>;
            reg-names = "atcm", "btcm";
            ti,loczrama = <1>;
            sram = <&sram>;
            {COMMON}
        }};
        r5f@78200000 {{
            compatible = "ti,am64-r5f";
            reg = <0x78200000 0x8000>, <0x78300000 0x8000>;
            reg-names = "atcm", "btcm";
            ti,loczrama = <0>;
            {COMMON}
        }};
    }};
"""


@pytest.fixture
def board(tree_board):
    def make(nodes, *changes, kernel=DEFAULT):
        return tree_board(f"{nodes}}};", *changes, head=HEAD, kernel=kernel)

    return make


#: node, core, address, size: a memory whose every byte can be had, and nothing around it.
MEMORIES = [
    (M4, 0, 0x0, 0x30000),
    (M4, 0, 0x5000000, 0x30000),
    (M4, 0, 0x30000, 0x10000),
    (M4, 0, 0x5040000, 0x10000),
    (M4, 0, 0x9CC00000, 0x10000),
    (M4, 0, 0x9CD00000, 0x1000),
    (DSP, 0, 0x800000, 0x80000),
    (DSP, 0, 0xE00000, 0x8000),
    (DSP, 0, 0xF00000, 0x8000),
    (DSP, 0, 0x64800000, 0x80000),
    (DSP, 0, 0x64E00000, 0x8000),
    (DSP, 0, 0x64F00000, 0x8000),
    (DSP, 0, 0x9CC00000, 0x10000),
    (R5, 0, 0x0, 0x8000),  # half of it in split mode
    (R5, 0, 0x78000000, 0x8000),
    (R5, 0, 0x41010000, 0x8000),
    (R5, 0, 0x78100000, 0x8000),
    (R5, 0, 0x70000000, 0x8000),
    (R5, 0, 0x9CC00000, 0x10000),
    (R5, 1, 0x41010000, 0x8000),  # ti,loczrama = <0>: the ATCM
    (R5, 1, 0x78200000, 0x8000),
    (R5, 1, 0x0, 0x8000),
    (R5, 1, 0x78300000, 0x8000),
]


@pytest.mark.parametrize(("nodes", "core", "da", "size"), MEMORIES)
def test_both_sides_of_every_edge(board, nodes, core, da, size):
    """``da >= dev_addr && da + len <= dev_addr + size``."""
    made = board(nodes)
    rproc = made.rproc(core)
    found = partial(made.find, number=core)
    assert len(found(da, size)) == size
    assert len(found(da + size - 1, 1)) == 1
    assert found(da, 0) is None
    assert found(da, size + 1) is None
    assert found(da + size - 1, 2) is None
    assert da == 0 or found(da - 1, 2) is None
    assert any(memory.da == da and memory.size == size for memory in rproc.ops.memories(rproc))


@pytest.mark.parametrize("nodes", [M4, DSP, R5], ids=["m4", "dsp", "r5"])
@pytest.mark.parametrize("da", [0x9CB80000, 0x9CBFFFFF, 0x60000000, 0xFFFFFFFF])
def test_the_pool_and_the_rest_are_in_no_memory(board, nodes, da):
    """The first ``memory-region`` is for vrings and buffers, the loader does not have it."""
    made = board(nodes)
    table = resource_table([vdev()])
    assert made.boot(image((da, b"x"), table=table, at=0x9CC00000)) == errno.EINVAL
    assert f"bad phdr da {da:#x} mem 0x1" in made.log


def test_a_dsp_below_16_mib_is_asked_by_its_own_addresses(board):
    found = board(DSP).find
    assert found(0xFFFFFE, 1) is None
    assert found(0x64800000 - 0x64000000 + 0x64000000, 1) is not None


@pytest.mark.parametrize("nodes", [M4, DSP, R5], ids=["m4", "dsp", "r5"])
def test_rings_and_buffers_are_in_the_pool(board, nodes):
    """A ring begins where its size, as a power of two, puts it: kernel/dma/coherent.c."""
    made = board(nodes)
    table = resource_table([vdev([vring(256, 4096), vring(256, 4096)])])
    assert made.boot(image(table=table, at=0x9CC00000)) == 0
    rproc = made.rproc()
    rings = [mem.da for mem in rproc.carveouts]
    assert rings == [0x9CB00000, 0x9CB04000]
    assert "rproc-virtio.0.auto: assigned reserved memory node pool@9cb00000" in made.log
    assert made.shell.exists("/sys/bus/rpmsg/devices/virtio0.rpmsg-raw.-1.1024")
    pool = rproc.reserved.pool
    assert pool is rproc.dma
    assert pool.find(0x9CB00000, 0x100000) is not None


@pytest.mark.parametrize("nodes", [M4, DSP, R5], ids=["m4", "dsp", "r5"])
def test_what_is_the_same_for_each(board, nodes):
    made = board(nodes)
    assert made.read(0, "firmware") == "default-fw"
    assert made.read(0, "recovery") == "disabled"
    assert made.boot(image((0x9CC00000, b"code"))) == errno.EINVAL  # no resource table
    assert "Booting fw image image.elf" in made.log


@pytest.mark.parametrize(
    ("nodes", "before", "after", "said", "code"),
    [
        (M4, 'firmware-name = "default-fw";', "",
         "error -EINVAL: failed to parse firmware-name property", errno.EINVAL),
        (M4, "ti,sci = <&sci>;", "", "error -ENODEV: failed to get ti-sci handle", 0),
        (M4, "ti,sci-dev-id = <9>;", "", "error -EINVAL: missing 'ti,sci-dev-id' property",
         errno.EINVAL),
        (M4, "resets = <&rst 9 1>;", "", "error -ENOENT: failed to get reset", errno.ENOENT),
        (M4, "<1 0xff>", "<1>", "error -EINVAL: failed to construct ti-sci proc control",
         errno.EINVAL),
        (M4, '"dram"', '"sram"', "found no memory resource for dram", errno.EINVAL),
        (M4, "memory-region = <&pool>, <&code>, <&more>;", "",
         "device does not reserved memory regions (-22)", errno.EINVAL),
        (M4, "<&pool>, <&code>, <&more>", "<&pool>",
         "device needs at least two memory regions to be defined, num = 1", errno.EINVAL),
        (M4, "<&pool>, <&code>", "<&more>, <&code>",
         "device cannot initialize DMA pool (-22)", errno.EINVAL),
        (M4, "<&code>", "<&sci>", "error -EINVAL: reserved memory init failed", errno.EINVAL),
        (DSP, "memory-region = <&pool>, <&code>, <&more>;", "",
         "device does not reserved memory regions (-EINVAL)", errno.EINVAL),
        (DSP, "<&pool>, <&code>", "<&more>, <&code>",
         "device cannot initialize DMA pool (-EINVAL)", errno.EINVAL),
        (R5, "memory-region = <&pool>, <&code>, <&more>;", "",
         "device does not have reserved memory regions, ret = -22", errno.EINVAL),
        (DSP, '"l1pram"', '"l1p"', "found no memory resource for l1pram", errno.EINVAL),
        (R5, '"btcm"', '"b"', "failed to get internal memories, ret = -22", errno.EINVAL),
        (R5, "sram = <&sram>", "sram = <99>", "failed to get sram memories, ret = -22",
         errno.EINVAL),
        (R5, "ti,cluster-mode = <0>", "ti,cluster-mode = <3>",
         "error -EINVAL: Cluster mode = 3 is not supported on this SoC", errno.EINVAL),
    ],
)  # fmt: skip
def test_a_node_that_the_driver_refuses(board, nodes, before, after, said, code):
    made = board(nodes, (before, after))
    device = made.devices[0]
    assert device.driver is None
    assert f"{device.name}: {said}" in made.log
    assert (f"failed with error -{code}" in made.log) == bool(code)


def test_a_property_that_makes_no_sense(board):
    made = board(M4, ("ti,sci-dev-id = <9>;", "ti,sci-dev-id = [01 02];"))
    assert made.devices[0].driver is None
    assert "/m4fss@5000000: ti,sci-dev-id: 2 bytes are no 32-bit cells" in made.log


def test_a_cluster_with_one_core(board):
    made = board(R5, ("r5f@78200000 {", 'r5f@78200000 { status = "disabled";'))
    assert "both R5F cores to be enabled but num_cores is set to = 1" in made.log


@pytest.mark.parametrize(
    ("soc", "mode", "cores", "size"),
    [
        ("am64", "ti,cluster-mode = <0>;", 2, 0x8000),
        ("am64", "ti,cluster-mode = <2>;", 1, 0x10000),
        ("am64", "", 2, 0x8000),
        ("j7200", "", 1, 0x10000),
        ("j7200", "ti,cluster-mode = <1>;", 1, 0x10000),
        ("j7200", "ti,cluster-mode = <0>;", 2, 0x8000),
        ("j721e", "ti,cluster-mode = <0>;", 2, 0x10000),  # its TCMs are never combined
    ],
)
def test_modes_of_a_cluster(board, soc, mode, cores, size):
    made = board(R5, ("am64-", f"{soc}-"), ("ti,cluster-mode = <0>;", mode))
    assert len(made.system.remoteproc.rprocs) == cores
    found = made.find
    assert found(0, size) is not None
    assert found(0, size + 1) is None


def test_core_1_needs_core_0(board):
    """k3_r5_rproc_prepare(), k3_r5_rproc_unprepare() of 6.12.107 and later."""
    made = board(R5)
    firmware = image(table=resource_table([vdev()]), at=0x9CC00000)
    assert made.boot(firmware, 1) == errno.EPERM
    assert "k3_r5_rproc 78200000.r5f: can not power up core1 before core0" in made.log
    assert "remoteproc remoteproc1: can't prepare rproc 78200000.r5f: -1" in made.log
    assert made.boot(firmware, 0) == 0
    assert made.boot(firmware, 1) == 0
    assert made.write(0, "state", "stop") == 0
    assert "k3_r5_rproc 78000000.r5f: can not power down core0 before core1" in made.log
    assert made.read(0, "state") == "offline"
    assert made.read(1, "state") == "running"
    assert made.write(1, "state", "stop") == 0


def test_core_1_needs_core_0_of_older_kernels(board):
    made = board(R5, kernel=find_kernel("6.12.8"))
    firmware = image(table=resource_table([vdev()]), at=0x9CC00000)
    assert made.boot(firmware, 1) == errno.EPERM
    said = "k3_r5_rproc 78200000.r5f: k3_r5_rproc_start: can not start core 1 before core 0"
    assert said in made.log
    assert made.boot(firmware, 0) == 0
    assert made.boot(firmware, 1) == 0
    assert made.write(0, "state", "stop") == errno.EPERM
    assert "k3_r5_rproc_stop: can not stop core 0 before core 1" in made.log
    assert made.read(0, "state") == "running"
    assert made.write(1, "state", "stop") == 0
    assert made.write(0, "state", "stop") == 0


def test_a_boot_begins_with_empty_tcms(board):
    made = board(R5)
    made.find(0, 4)[:] = b"abcd"
    assert made.boot(image(table=resource_table([vdev()]), at=0x9CC00000)) == 0
    assert bytes(made.find(0, 4)) == bytes(4)


@pytest.mark.parametrize(("entry", "code"), [(0x800400, 0), (0x800404, errno.EINVAL)])
def test_where_a_dsp_begins(board, entry, code):
    made = board(DSP)
    table = resource_table([vdev()])
    assert made.boot(image(table=table, at=0x9CC00000, e_entry=entry)) == code
    said = f"invalid boot address {entry:#x}, must be aligned on a 0x400 boundary"
    assert (said in made.log) == bool(code)


@pytest.mark.parametrize(("nodes", "stop"), [(M4, 0), (DSP, errno.EINVAL), (R5, errno.EINVAL)])
def test_one_that_a_boot_loader_started(board, tmp_path, nodes, stop):
    """IPC-only mode: its resource table is at the start of the second ``memory-region``."""
    table = resource_table([vdev()])
    (tmp_path / "default-fw").write_bytes(image(table=table, at=0x9CC08000))
    made = board(nodes, ("services =", "detached; services ="))
    assert "for IPC-only mode" in made.log
    assert made.read(0, "state") == "detached"
    assert made.write(0, "state", "start") == 0
    assert made.read(0, "state") == "attached"
    assert made.shell.exists("/sys/bus/rpmsg/devices/virtio0.rpmsg-raw.-1.1024")
    assert made.write(0, "state", "detach") == 0
    assert made.write(0, "state", "start") == 0
    assert made.write(0, "state", "stop") == stop
    assert made.read(0, "state") == ("attached" if stop else "offline")


def test_they_boot_by_themselves(tmp_path):
    """``rproc->auto_boot`` is what rproc_alloc() makes it: nothing of a board is left to do."""
    loop = struct.pack("<2I2H", 0x40000, 9, 0xE7FE, 0xBF00)  # it is executed
    firmware = image((0, loop), table=resource_table([vdev()]), at=0x9CC00000)
    (tmp_path / "am62-mcu-m4f0_0-fw").write_bytes(firmware)
    with open_board("am62x", firmware=str(tmp_path)) as system:
        assert system.remoteproc.rprocs[0].state == "running"
        assert [mem.da for mem in system.remoteproc.rprocs[0].carveouts] == [
            0x9CB00000, 0x9CB01000
        ]  # fmt: skip
    with open_board("am62x", firmware=str(tmp_path / "none")) as system:
        assert system.remoteproc.rprocs[0].state == "offline"
    assert len(load_board("am64x").processors) == 5


def test_both_cores_of_a_cluster_boot_by_themselves(tmp_path):
    """Core 0 first."""
    firmware = image(table=resource_table([vdev()]), at=0xA0100000)
    (tmp_path / "am64-main-r5f0_0-fw").write_bytes(firmware)
    firmware = image(table=resource_table([vdev()]), at=0xA1100000)
    (tmp_path / "am64-main-r5f0_1-fw").write_bytes(firmware)
    with open_board("am64x", firmware=str(tmp_path)) as system:
        states = {rproc.label: str(rproc.state) for rproc in system.remoteproc.rprocs}
    assert states == {
        "5000000.m4fss": "offline", "78000000.r5f": "running", "78200000.r5f": "running",
        "78400000.r5f": "offline", "78600000.r5f": "offline",
    }  # fmt: skip
