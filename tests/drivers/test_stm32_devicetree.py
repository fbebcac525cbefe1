"""stm32_rproc.c on the tree of a user: what it reads stands there (Linux 6.12)."""

import errno
from functools import partial

import pytest

from rprocfs.testing.rsc_table import resource_table, vdev
from rprocfs.testing.tree_board import image

SOURCE = """
/dts-v1/;
/ {
    #address-cells = <1>;
    #size-cells = <1>;
    reserved-memory {
        #address-cells = <1>;
        #size-cells = <1>;
        ranges;
        sram: mcuram2@10000000 { reg = <0x10000000 0x40000>; no-map; };
        retram: retram@38000000 { reg = <0x38000000 0x10000>; no-map; };
        ddr: ddr@d0000000 { reg = <0xd0000000 0x10000>; no-map; };
    };
    ipcc: mailbox { #mbox-cells = <1>; };
    ahb {
        compatible = "st,mlahb", "simple-bus";
        #address-cells = <1>;
        #size-cells = <1>;
        ranges;
        dma-ranges = <0x0 0x38000000 0x10000>, <0x10000000 0x10000000 0x60000>;
        m4@10000000 {
            compatible = "st,stm32mp1-m4";
            reg = <0x10000000 0x40000>;
            memory-region = <&retram>, <&sram>;
            mboxes = <&ipcc 0>, <&ipcc 1>;
            mbox-names = "vq0", "vq1";
        };
    };
};
"""
#: A vector table, and code that loops for ever.
LOOP = b"\0\0\4\x10\x09\0\0\0\xfe\xe7\0\xbf"


@pytest.fixture
def board(tree_board):
    return partial(tree_board, SOURCE)


@pytest.mark.parametrize(
    ("da", "size", "code"),
    [
        (0x10000, 1, errno.EINVAL),
        (0xFFFF, 2, errno.EINVAL),
        (0x10000000, 0x40000, 0),
        (0x10000000, 0x40001, errno.EINVAL),
        (0x1003FFFF, 1, 0),
        (0x10040000, 1, errno.EINVAL),  # dma-ranges has it, no region does
        (0x30000000, 1, errno.EINVAL),  # no silent memories of another board
        (0x38000000, 1, errno.EINVAL),  # where the bus has it
    ],
)
def test_a_segment(board, da, size, code):
    made = board()
    assert made.boot(image((0, LOOP), (da, b"x" * size))) == code
    assert (f"bad phdr da {da:#x} mem {size:#x}" in made.log) == bool(code)


def test_the_retram_is_at_0(board):
    made = board()
    assert made.boot(image((0, LOOP + bytes(0x10000 - len(LOOP))))) == 0
    assert bytes(made.find(0, len(LOOP))) == LOOP
    assert [(mem.name, mem.da, mem.dma) for mem in made.rproc().carveouts] == [
        ("retram", 0x0, 0x38000000), ("mcuram2", 0x10000000, 0x10000000)
    ]  # fmt: skip


def test_no_memory_region_is_no_memory(board):
    made = board(("memory-region = <&retram>, <&sram>;", ""))
    assert made.boot(image((0, LOOP))) == errno.EINVAL
    assert "bad phdr da 0x0 mem" in made.log


@pytest.mark.parametrize("ranges", ["", "dma-ranges = <0 1>;"])
def test_no_dma_ranges_is_no_processor(board, ranges):
    before = "dma-ranges = <0x0 0x38000000 0x10000>, <0x10000000 0x10000000 0x60000>;"
    made = board((before, ranges))
    assert made.devices[0].driver is None
    assert "stm32_rproc_of_memory_translations: dma-ranges property not defined" in made.log
    assert "failed with error -22" in made.log


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("<&retram>, <&sram>", "<&retram>, <&ddr>"), "memory region not valid 0xd0000000"),
        (("<0x0 0x38000000 0x10000>, ", ""), "memory region not valid 0x38000000"),
        (("ram2@10000000 {", 'ram2@10000000 { status = "disabled";'),
         "unable to acquire memory-region"),
    ],
)  # fmt: skip
def test_a_region_that_it_cannot_see(board, change, said):
    made = board(change) if change[0] != "<0x0 0x38000000 0x10000>, " else board(
        ("dma-ranges = <0x0 0x38000000 0x10000>, ", "dma-ranges = ")
    )  # fmt: skip
    assert made.boot(image((0x10000000, LOOP))) == errno.EINVAL
    assert f"stm32-rproc 10000000.m4: {said}" in made.log
    assert "can't prepare rproc m4: -22" in made.log


def test_mailboxes_that_the_node_lacks(board):
    made = board()
    lines = made.log.splitlines()
    for name in ("shutdown", "detach"):
        at = lines.index(f"remoteproc remoteproc0: cannot get {name} mbox")
        # mbox_request_channel_byname() says it first.
        assert lines[at - 1].endswith(f'could not locate channel named "{name}"')
    assert "vq0" not in made.log
    assert made.boot(image((0, LOOP), table=resource_table([vdev()]), at=0x10000000)) == 0
    assert made.write(0, "state", "stop") == 0
    assert "shutdown without ack" not in made.log


def test_a_mailbox_that_is_not_there_yet(board):
    made = board(("mailbox {", 'mailbox { status = "disabled";'))
    assert made.devices[0].driver is None
    deferred = made.shell.cat("/sys/kernel/debug/devices_deferred")
    assert deferred == "10000000.m4\tstm32-rproc: failed to request mailbox vq0\n"
