"""The port of xlnx_r5_remoteproc.c: what it decides stands there (Linux 6.12)."""

import errno
from functools import partial

import pytest

from rprocfs.kernel import find_kernel
from rprocfs.testing.rsc_table import resource_table, vdev
from rprocfs.testing.tree_board import image

SOURCE = """
/dts-v1/;
/ {
    #address-cells = <2>;
    #size-cells = <2>;
    reserved-memory {
        #address-cells = <2>;
        #size-cells = <2>;
        ranges;
        code: memory@3ed00000 { reg = <0 0x3ed00000 0 0x40000>; no-map; };
        ring0: vdev0vring0@3ed40000 { reg = <0 0x3ed40000 0 0x4000>; no-map; };
        ring1: vdev0vring1@3ed44000 { reg = <0 0x3ed44000 0 0x4000>; no-map; };
        buffer: vdev0buffer@3ed48000 {
            compatible = "shared-dma-pool"; reg = <0 0x3ed48000 0 0x100000>; no-map;
        };
    };
    ocm: sram@fffc0000 { reg = <0 0xfffc0000 0 0x10000>; };
    fw: zynqmp-firmware { #power-domain-cells = <1>; };
    mb: mailbox { #mbox-cells = <1>; };
    remoteproc@ffe00000 {
        compatible = "xlnx,zynqmp-r5fss";
        xlnx,cluster-mode = <0>;
        #address-cells = <2>;
        #size-cells = <2>;
        ranges = <0 0 0 0xffe00000 0 0x10000>, <0 0x20000 0 0xffe20000 0 0x10000>,
                 <1 0 0 0xffe90000 0 0x10000>, <1 0x20000 0 0xffeb0000 0 0x10000>;
        r5f@0 {
            compatible = "xlnx,zynqmp-r5f";
            reg = <0 0 0 0x10000>, <0 0x20000 0 0x10000>;
            reg-names = "atcm0", "btcm0";
            power-domains = <&fw 7>, <&fw 15>, <&fw 16>;
            memory-region = <&code>, <&ring0>, <&ring1>, <&buffer>;
            mboxes = <&mb 0>, <&mb 1>;
            mbox-names = "tx", "rx";
            services = "rpmsg-raw@1024";
        };
        r5f@1 {
            compatible = "xlnx,zynqmp-r5f";
            reg = <1 0 0 0x10000>, <1 0x20000 0 0x10000>;
            reg-names = "atcm0", "btcm0";
            power-domains = <&fw 8>, <&fw 17>, <&fw 18>;
        };
    };
};
"""
#: Devicetrees from before there was ``reg``: the driver knows where the TCMs are.
OLD = [
    ("reg = <0 0 0 0x10000>, <0 0x20000 0 0x10000>;\n", ""),
    ("reg = <1 0 0 0x10000>, <1 0x20000 0 0x10000>;\n", ""),
]
LOCKSTEP = ("xlnx,cluster-mode = <0>;", "")


@pytest.fixture
def board(tree_board):
    return partial(tree_board, SOURCE)


@pytest.mark.parametrize(
    ("changes", "number", "da", "size", "code"),
    [
        ([], 0, 0x0, 0x10000, 0),
        ([], 0, 0x0, 0x10001, errno.EINVAL),
        ([], 0, 0xFFFF, 2, errno.EINVAL),
        ([], 0, 0x1FFFF, 2, errno.EINVAL),
        ([], 0, 0x20000, 0x10000, 0),
        ([], 0, 0x20000, 0x10001, errno.EINVAL),
        ([], 0, 0x30000, 1, errno.EINVAL),
        ([], 0, 0xFFE00000, 1, errno.EINVAL),  # where the bus has it
        ([], 0, 0x3ED00000, 0x40000, 0),
        ([], 0, 0x3ECFFFFF, 2, errno.EINVAL),
        ([], 0, 0x3ED3FFFF, 2, errno.EINVAL),  # over two carveouts
        ([], 0, 0x3ED48000, 1, errno.EINVAL),  # vdev0buffer is mapped by nobody
        ([], 1, 0x0, 0x10000, 0),
        ([], 1, 0x20000, 0x10000, 0),
        ([], 1, 0x3ED00000, 1, errno.EINVAL),  # not this core's
        (OLD, 0, 0x0, 0x10000, 0),
        (OLD, 0, 0x10000, 1, errno.EINVAL),
        (OLD, 1, 0x20000, 0x10000, 0),
        (OLD, 1, 0x30000, 1, errno.EINVAL),
        ([*OLD, LOCKSTEP], 0, 0x10000, 0x10000, 0),
        ([*OLD, LOCKSTEP], 0, 0x30000, 0x10000, 0),
        ([*OLD, LOCKSTEP], 0, 0xFFFF, 2, errno.EINVAL),  # over two banks
        ([*OLD, LOCKSTEP], 0, 0x40000, 1, errno.EINVAL),
        ([LOCKSTEP], 0, 0x10000, 1, errno.EINVAL),  # the cores' own reg decides
    ],
)
def test_a_segment(board, changes, number, da, size, code):
    made = board(*changes)
    assert made.boot(image((da, b"x" * size)), number) == code
    assert (f"bad phdr da {da:#x} mem {size:#x}" in made.log) == bool(code)
    assert "no resource table found." in made.log


def test_the_cores_have_tcms_of_their_own(board):
    made = board()
    assert made.boot(image((0, b"core")), 0) == 0
    assert made.boot(image((0x100, b"1")), 1) == 0
    assert bytes(made.find(0, 4, 0)) == b"core"
    assert bytes(made.find(0, 4, 1)) == bytes(4)
    assert made.write(0, "state", "stop") == 0
    assert made.boot(image((0x100, b"x")), 0) == 0
    assert bytes(made.find(0, 4, 0)) == bytes(4)  # a boot begins with empty TCMs


def test_rings_and_buffers_are_where_the_devicetree_has_them(board):
    made = board()
    assert made.boot(image(table=resource_table([vdev()]), at=0x3ED00000)) == 0
    names = {mem.name: mem.da for mem in made.rproc().carveouts}
    assert names == {
        "atcm0": 0x0, "btcm0": 0x20000, "memory": 0x3ED00000, "vdev0vring0": 0x3ED40000,
        "vdev0vring1": 0x3ED44000, "vdev0buffer": 0x3ED48000,
    }  # fmt: skip
    assert "assigned reserved memory node vdev0buffer@3ed48000" in made.log
    assert made.shell.exists("/sys/bus/rpmsg/devices/virtio0.rpmsg-raw.-1.1024")
    assert (made.rproc().elf_class, made.rproc().elf_machine) == (1, 40)


SRAM = ("mboxes = <&mb 0>", "sram = <&ocm>; mboxes = <&mb 0>")


def test_on_chip_memory_is_a_carveout_after_all_others(board):
    """add_sram_carveouts(), of all kernels that have the driver from 6.12 on."""
    made = board(SRAM)
    assert made.boot(image((0, b"code"), (0xFFFC0000, b"x" * 0x10000))) == 0
    last = made.rproc().carveouts[-1]
    assert (last.name, last.da, last.len) == ("sram@fffc0000", 0xFFFC0000, 0x10000)
    assert made.rproc().dump_segments[-1].da == 0xFFFC0000
    assert made.boot(image((0, b"code"), (0xFFFC0000, b"x" * 0x10001))) == errno.EBUSY


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("sram;", "Invalid sram property, ret = 0"),
        ("sram = <99>;", "failed to get sram 0 phandle"),
        ("sram = <&off>;", "sram device not available"),
        ("sram = <&fw>;", "addr to res failed"),
    ],
)
def test_an_on_chip_memory_that_is_none(board, value, said):
    made = board(
        ("mboxes = <&mb 0>", f"{value} mboxes = <&mb 0>"),
        (
            "    fw: zynq",
            '    off: sram@fffd0000 { reg = <0 0 0 1>; status = "disabled"; };\n    fw: zynq',
        ),
    )
    assert made.devices[0].driver is None
    assert f"ffe00000.r5f: {said}" in made.log
    assert "failed to init r5 core err -22" in made.log


def test_it_is_registered_before_its_memories_are_looked_for(board):
    made = board(('mbox-names = "tx", "rx";', ""), ("<&fw 7>, <&fw 15>, <&fw 16>", "<&fw 7>"))
    assert made.devices[0].driver is None
    places = [made.log.index(text) for text in (
        "remoteproc remoteproc0: ffe00000.r5f is available", "mbox tx channel request failed",
        "invalid TCM count 0", "can't get tcm, err -22",
        "remoteproc remoteproc0: releasing ffe00000.r5f",
    )]  # fmt: skip
    assert places == sorted(places)


def test_without_mailboxes_there_is_no_doorbell_and_no_error(board):
    made = board(('mbox-names = "tx", "rx";', ""))
    assert "ffe00000.r5f: mbox tx channel request failed" in made.log
    assert made.boot(image(table=resource_table([vdev()]), at=0x3ED00000)) == 0
    assert not made.shell.exists("/sys/bus/rpmsg/devices/virtio0.rpmsg-raw.-1.1024")


def test_lockstep_has_one_processor(board):
    made = board(LOCKSTEP)
    assert [rproc.label for rproc in made.system.remoteproc.rprocs] == ["ffe00000.r5f"]
    assert "Only r5 core0 will be used" in made.log
    assert made.read(0, "firmware") == "rproc-ffe00000.r5f-fw"
    assert made.read(0, "recovery") == "disabled"


def test_older_kernels_recover(board):
    made = board(LOCKSTEP, kernel=find_kernel("6.12.8"))
    assert made.read(0, "recovery") == "enabled"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ([("cluster-mode = <0>", "cluster-mode = <2>")], "driver does not support cluster mode 2"),
        ([("r5f@1 {", 'r5f@1 { status = "disabled";')],
         "Invalid number of r5 cores for split mode"),
        ([("power-domains = <&fw 7>, <&fw 15>, <&fw 16>;", "")],
         "invalid power-domains property, -2"),
        ([("<&fw 7>, <&fw 15>, <&fw 16>", "<&fw 7>")], "invalid TCM count 0"),
        ([("<&fw 7>, <&fw 15>, <&fw 16>", "<&fw 7>, <&fw 15>, <&fw 16>, <&fw 9>")],
         "failed to get reg property"),
        ([("ranges = <0 0 0 0xffe00000 0 0x10000>,", "ranges =")], "failed to get tcm resource"),
        ([*OLD, ("xlnx,zynqmp-r5fss", "xlnx,versal-r5fss"), ("xlnx,zynqmp-r5f", "xlnx,versal-r5f")],
         "can't get tcm, err -22"),
    ],
)  # fmt: skip
def test_a_cluster_that_the_driver_refuses(board, changes, said):
    if "versal" in str(changes):
        changes = [*OLD, ("zynqmp-r5f", "versal-r5f")]
    made = board(*changes)
    assert made.devices[0].driver is None
    assert said in made.log
    assert "error -EINVAL: Invalid r5f subsystem device tree" in made.log
    assert "probe with driver zynqmp_r5_remoteproc failed with error -22" in made.log


def test_a_region_that_is_none(board):
    made = board(("memory@3ed00000 {", 'memory@3ed00000 { status = "disabled";'))
    assert made.boot(image((0, b"code"))) == errno.EINVAL
    assert "remoteproc remoteproc0: unable to acquire memory-region" in made.log
    assert "failed to get reserve mem regions -22" in made.log


def test_a_region_that_is_none_ends_the_list_later(board):
    made = board(
        ("memory@3ed00000 {", 'memory@3ed00000 { status = "disabled";'), kernel=find_kernel("7.1")
    )
    assert made.boot(image((0, b"code"))) == 0
    assert [mem.name for mem in made.rproc().carveouts] == ["atcm0", "btcm0"]
