"""The port of imx_rproc.c: what it decides stands in the kernel's source (Linux 6.12)."""

import errno

import pytest

from rprocfs.drivers import imx_rproc_att
from rprocfs.drivers.imx_rproc import DCFG
from rprocfs.testing.rsc_table import resource_table, vdev
from rprocfs.testing.tree_board import image

R0 = "/sys/class/remoteproc/remoteproc0"

SOURCE = """
/dts-v1/;
/ {
    #address-cells = <1>;
    #size-cells = <1>;
    reserved-memory {
        #address-cells = <1>;
        #size-cells = <1>;
        ranges;
        ring0: vdev0vring0@90000000 { reg = <0x90000000 0x8000>; no-map; };
        ring1: vdev0vring1@90008000 { reg = <0x90008000 0x8000>; no-map; };
        buffer: vdevbuffer@90010000 {
            compatible = "shared-dma-pool";
            reg = <0x90010000 0x100000>;
            no-map;
        };
        table: rsc-table@900ff000 { reg = <0x900ff000 0x1000>; no-map; };
        code: m4@88000000 { reg = <0x88000000 0x10000>; no-map; };
        dynamic: m4-dynamic { size = <0x10000>; };
    };
    clk: clock { compatible = "acme,clock"; #clock-cells = <1>; };
    src: reset { compatible = "acme,src", "syscon"; };
    mu: mailbox { compatible = "acme,mu"; #mbox-cells = <2>; };
    scu { compatible = "fsl,imx-scu"; };
    core {
        compatible = "COMPATIBLE";
        clocks = <&clk 1>;
        syscon = <&src>;
        fsl,resource-id = <278>;
        fsl,entry-address = <0x34fe0000>;
        mbox-names = "tx", "rx";
        mboxes = <&mu 0 1>, <&mu 1 1>;
        memory-region = <&buffer>, <&ring0>, <&ring1>, <&table>, <&code>;
        services = "rpmsg-raw@1024";
    };
};
"""

OWN = [
    (compatible, att.da, att.size, att.core or 0)
    for compatible, dcfg in DCFG.items()
    for att in dcfg.att
    if att.own
]


@pytest.fixture
def board(tree_board):
    def make(compatible="fsl,imx8mp-cm7", *changes):
        return tree_board(SOURCE.replace("COMPATIBLE", compatible), *changes)

    return make


@pytest.mark.parametrize(("compatible", "da", "size", "core"), OWN)
def test_both_sides_of_every_edge(board, compatible, da, size, core):
    """``da + len < att->da + att->size``: the last byte cannot be had."""
    found = board(compatible, ("<278>", "<298>" if core else "<278>")).find
    table = DCFG[compatible].att
    inside = found(da, size - 1)
    assert inside is not None and len(inside) == size - 1
    assert found(da + size - 2, 1) is not None
    assert found(da, 0) is None
    for start, length in ((da, size), (da + size - 1, 1), (da - 1, 2)):
        first = next(
            (att for att in table if att.core in (None, core)
             and att.da <= start and start + length < att.da + att.size), None,
        )  # fmt: skip
        held = first is not None and any(
            att.own and att.core in (None, core) and att.sa <= first.sa + start - first.da
            and first.sa + start - first.da + length < att.sa + att.size for att in table
        )  # fmt: skip
        assert (found(start, length) is not None) == held


@pytest.mark.parametrize(
    ("da", "length", "errno_"),
    [
        (0x0, 0x1FFFF, 0),
        (0x0, 0x20000, errno.EINVAL),
        (0x20000000, 0x1FFFF, 0),
        (0x20000000, 0x20000, errno.EINVAL),
        (0x20180000, 0x7FFF, 0),
        (0x20180000, 0x8000, errno.EINVAL),
        (0x180000, 0x7FFF, 0),  # the alias for code, over OCRAM_S that is mapped for data
        (0x180000, 0x8000, errno.EINVAL),
        (0x900000, 0x1FFFF, 0),
        (0x88000000, 0xFFFF, 0),  # m4@88000000: mapped, and a carveout
        (0x88000000, 0x10000, 0),  # the core asks the carveouts next, which have all of it
        (0x88000000, 0x10001, errno.EINVAL),
        (0x18000000, 0x10, errno.EINVAL),  # DDR as code: 0x48000000, where nothing is mapped
        (0x70000000, 0x10, errno.EINVAL),
        (0x90000000, 0x10, 0),  # a ring is a carveout
        (0x900FF000, 0x10, 0),  # rsc-table
        (0x90010000, 0x10, 0),  # vdevbuffer, unlike vdev0buffer, is a carveout
    ],
)
def test_a_segment(board, da, length, errno_):
    made = board()
    assert made.boot(image((da, b"x" * length))) == errno_
    assert (f"bad phdr da {da:#x} mem {length:#x}" in made.log) == bool(errno_)


def test_an_address_in_no_memory_is_said(board):
    made = board()
    assert made.boot(image((0x30000000, b"code"))) == errno.EINVAL
    assert "imx-rproc core: Translation failed: da = 0x30000000 len = 0x4" in made.log


def test_the_table_is_written_to_the_memory_for_it(board):
    made = board()
    table = resource_table([vdev()])
    assert made.boot(image((0, b"code"), table=table, at=0x20000000)) == 0
    written = made.find(0x900FF000, len(table))
    assert bytes(made.find(0x20000000, len(table))) == table
    assert bytes(written) != table
    ring = int.from_bytes(written[20 + 4 + 24 :][:4], "little")
    assert ring == 0x90000000
    assert made.rproc().table is not None
    assert "rproc-virtio.0.auto: assigned reserved memory node vdevbuffer@90010000" in made.log
    assert made.shell.exists("/sys/bus/rpmsg/devices/virtio0.rpmsg-raw.-1.1024")


def test_without_that_memory_it_is_written_where_it_was_loaded(board):
    made = board("fsl,imx8mp-cm7", ("<&table>, ", ""))
    table = resource_table([vdev()])
    assert made.boot(image((0, b"code"), table=table, at=0x20000000)) == 0
    assert bytes(made.find(0x20000000, len(table))) != table


def test_no_table_is_no_error(board):
    made = board()
    assert made.boot(image((0, b"code"))) == 0
    assert "remoteproc remoteproc0: No resource table in elf" in made.log
    assert made.shell.ls("/sys/bus/virtio/devices") == []


@pytest.mark.parametrize("change", [(), (("<&table>, ", ""),)])
def test_a_bad_table_is_said_once(board, change):
    """imx_rproc_elf_find_loaded_rsc_table() does not look again without ``table_ptr``."""
    made = board("fsl,imx8mp-cm7", *change)
    table = resource_table([vdev()])
    assert made.boot(image((0, b"code"), table=b"\2" + table[1:], at=0x20000000)) == 0
    assert made.log.count("remoteproc remoteproc0: unsupported fw ver: 2") == 1


def test_a_table_larger_than_the_memory_for_it(board):
    made = board("fsl,imx8mp-cm7", ("<0x900ff000 0x1000>", "<0x900ff000 0x20>"))
    assert made.boot(image(table=resource_table([vdev()]), at=0x20000000)) == errno.EINVAL
    assert "rsc-table has 32" in made.log
    assert made.shell.cat(f"{R0}/state") == "offline\n"


@pytest.mark.parametrize("compatible", ["fsl,imx7ulp-cm4", "fsl,imx8ulp-cm33"])
def test_a_core_that_is_not_linuxs_to_start(board, compatible):
    """IMX_RPROC_NONE: it runs already; it can be neither stopped nor left."""
    made = board(compatible)
    assert made.shell.cat(f"{R0}/state") == "detached\n"
    made.shell.echo(f"{R0}/state", "start")
    assert made.shell.cat(f"{R0}/state") == "attached\n"
    for word in ("detach", "stop"):
        with pytest.raises(OSError) as caught:
            made.shell.echo(f"{R0}/state", word)
        assert caught.value.errno == errno.EOPNOTSUPP
    assert made.shell.cat(f"{R0}/state") == "attached\n"


def test_a_core_in_a_partition_of_its_own(board):
    made = board("fsl,imx8qm-cm4", ("fsl,entry-address = <0x34fe0000>;", ""))
    made.shell.echo(f"{R0}/state", "start")
    made.shell.echo(f"{R0}/state", "detach")
    assert made.shell.cat(f"{R0}/state") == "detached\n"


def test_one_that_a_boot_loader_started(board, tmp_path):
    table = resource_table([vdev()])
    (tmp_path / "rproc-imx-rproc-fw").write_bytes(image((0, b"code"), table=table, at=0x20000000))
    made = board("fsl,imx8mp-cm7", ("services =", "detached; services ="))
    assert made.shell.cat(f"{R0}/state") == "detached\n"
    made.shell.echo(f"{R0}/state", "start")
    assert made.shell.exists("/sys/bus/rpmsg/devices/virtio0.rpmsg-raw.-1.1024")


@pytest.mark.parametrize(
    ("compatible", "change", "said", "code"),
    [
        ("fsl,imx8mp-cm7", ("clocks = <&clk 1>;", ""), "Failed to get clock", errno.ENOENT),
        ("fsl,imx8mq-cm4", ("syscon = <&src>;", ""), "failed to find syscon", 0),
        ("fsl,imx8mp-cm7", ('"tx", "rx"', '"tx", "rxdb"'),
         "error -EINVAL: failed to request rx mailbox channel", errno.EINVAL),
        ("fsl,imx8mp-cm7", ("mboxes = <&mu 0 1>, <&mu 1 1>;", ""),
         "error -ENODEV: failed to request tx mailbox channel", 0),
        ("fsl,imx8mp-cm7", ("<&code>", "<&dynamic>"), "unable to resolve memory region",
         errno.EINVAL),
        ("fsl,imx8qm-cm4", ("fsl,resource-id = <278>;", ""), "No fsl,resource-id property",
         errno.EINVAL),
    ],
)  # fmt: skip
def test_a_node_that_the_driver_refuses(board, compatible, change, said, code):
    made = board(compatible, change)
    assert made.devices[0].driver is None
    assert f"imx-rproc core: {said}" in made.log
    assert (f"probe with driver imx-rproc failed with error -{code}" in made.log) == bool(code)


def test_a_mailbox_that_is_not_there_yet(board):
    made = board("fsl,imx8mp-cm7", ('"acme,mu";', '"acme,mu"; status = "disabled";'))
    assert made.devices[0].driver is None
    assert "error" not in made.log
    assert made.shell.cat("/sys/kernel/debug/devices_deferred") == (
        "core\timx-rproc: failed to request tx mailbox channel\n"
    )
    with pytest.raises(OSError) as caught:
        made.shell.echo("/sys/bus/platform/drivers/imx-rproc/bind", "core")
    assert caught.value.errno == errno.EAGAIN
    made.system.model.deferred.timeout()
    assert "core: deferred probe pending: imx-rproc: failed to request tx" in made.log


def test_a_region_that_is_none(board):
    made = board("fsl,imx8mp-cm7", ("m4@88000000 {", 'm4@88000000 { status = "disabled";'))
    assert made.boot(image((0, b"code"))) == errno.EINVAL
    assert "imx-rproc core: unable to acquire memory-region" in made.log
    assert "can't prepare rproc imx-rproc: -22" in made.log


def test_without_mailboxes_a_kick_goes_nowhere(board):
    made = board("fsl,imx8mp-cm7", ('mbox-names = "tx", "rx";', ""))
    assert made.boot(image(table=resource_table([vdev()]), at=0x20000000)) == 0
    assert "imx-rproc core: No initialized mbox tx channel" in made.log
    assert not made.shell.exists("/sys/bus/rpmsg/devices/virtio0.rpmsg-raw.-1.1024")


def test_a_crash_is_recovered_from_and_leaves_no_dump(board):
    """The driver tells no ELF class for its dumps (``ELFCLASSNONE``)."""
    made = board()
    assert made.boot(image((0, b"code"))) == 0
    assert made.shell.cat(f"{R0}/recovery") == "enabled\n"
    assert made.rproc().elf_class is None


def test_the_tables_are_those_of_the_kernel():
    """As many entries, and as many that are mapped, as its arrays have."""
    counts = {
        name: (len(table), sum(att.own for att in table))
        for name, table in vars(imx_rproc_att).items()
        if name.startswith("IMX")
    }
    assert counts == {
        "IMX93": (8, 4), "IMX8QM": (6, 4), "IMX8QXP": (5, 1), "IMX8MN": (13, 6),
        "IMX8MQ": (11, 4), "IMX8ULP": (3, 2), "IMX7ULP": (5, 4), "IMX7D": (12, 3),
        "IMX6SX": (8, 2),
    }  # fmt: skip


def test_what_it_says_to_have_can_be_had(board):
    """And not one byte more, unless the next memory follows."""
    made = board()
    memories = list(made.rproc().ops.memories(made.rproc()))
    assert ("ITCM", 0x0, 0x20000, 1) in memories
    assert ("m4@88000000", 0x88000000, 0x10000, 1) in memories
    assert ("m4@88000000", 0x58000000, 0x10000, 1) not in memories  # beyond DDR as code
    for memory in memories:
        size = memory.size - memory.spare
        assert made.rproc().ops.da_to_va(made.rproc(), memory.da, size) is not None
        assert made.rproc().ops.da_to_va(made.rproc(), memory.da, size + 1) is None
