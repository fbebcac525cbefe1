"""The port of mtk_scp.c: what it decides stands there (Linux 6.12)."""

import errno
from functools import partial

import pytest

from rprocfs.testing.elf import ElfImage, Section, Segment
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
        code: memory@50000000 {
            compatible = "shared-dma-pool"; reg = <0x50000000 0x2900000>; no-map;
        };
    };
    clk: clock { #clock-cells = <1>; };
"""
ONE = """
    scp@10500000 {
        compatible = "mediatek,COMPATIBLE-scp";
        reg = <0x10500000 0x80000>, <0x105c0000 0x19080>, <0x10700000 0x8000>;
        reg-names = "sram", "cfg", "l1tcm";
        clocks = <&clk 1>;
        memory-region = <&code>;
    };
};
"""
TWO = """
    scp@10500000 {
        compatible = "mediatek,mt8195-scp-dual";
        reg = <0x10720000 0xe0000>, <0x10700000 0x8000>;
        reg-names = "cfg", "l1tcm";
        #address-cells = <1>;
        #size-cells = <1>;
        ranges = <0 0x10500000 0x100000>;
        scp@0 {
            compatible = "mediatek,scp-core";
            reg = <0x0 0xa0000>; reg-names = "sram";
            memory-region = <&code>;
        };
        scp@a0000 {
            compatible = "mediatek,scp-core";
            reg = <0xa0000 0x20000>; reg-names = "sram";
            firmware-name = "scp_c1.img";
        };
    };
};
"""
IPI = [Section(".ipi_buffer", 0x100, bytes(8))]


@pytest.fixture
def board(tree_board):
    return partial(tree_board, head=HEAD)


@pytest.mark.parametrize(
    ("soc", "da", "size"),
    [
        ("mt8183", 0x0, 0x80000),
        ("mt8183", 0x50000000, 0x500000),
        ("mt8186", 0x0, 0x80000),
        ("mt8192", 0x10500000, 0x80000),
        ("mt8192", 0x10700000, 0x8000),
        ("mt8192", 0x50000000, 0x500000),
        ("mt8188", 0x50000000, 0x800000),
        ("mt8195", 0x50000000, 0x800000),
    ],
)
def test_both_sides_of_every_edge(board, soc, da, size):
    made = board(ONE, ("COMPATIBLE", soc))
    assert len(made.find(da, size)) == size
    assert len(made.find(da + size - 1, 1)) == 1
    assert made.find(da, size + 1) is None
    assert made.find(da + size - 1, 2) is None
    assert da == 0 or made.find(da - 1, 2) is None


@pytest.mark.parametrize(
    ("soc", "da", "code"),
    [
        ("mt8183", 0x0, 0),
        ("mt8183", 0x10500000, errno.EINVAL),  # where the bus has it
        ("mt8183", 0x10700000, errno.EINVAL),  # this driver does not look for an L1 TCM
        ("mt8192", 0x0, errno.EINVAL),
        ("mt8192", 0x10500000, 0),
    ],
)
def test_a_segment(board, soc, da, code):
    made = board(ONE, ("COMPATIBLE", soc))
    firmware = ElfImage([Segment(da, b"code")], IPI).build()
    assert made.boot(firmware) == code
    assert (f"bad phdr da {da:#x} mem 0x4" in made.log) == bool(code)


def test_an_image_is_asked_where_messages_are(board):
    """``.ipi_buffer``, which only the older SoCs can do without."""
    made = board(ONE, ("COMPATIBLE", "mt8183"))
    assert made.boot(image((0, b"code"))) == 0
    assert "mtk-scp 10500000.scp: IPI buf addr 0x0007bdb0" in made.log
    assert "SCP is ready. FW version" in made.log
    made = board(ONE, ("COMPATIBLE", "mt8192"))
    assert made.boot(image((0x10500000, b"code"))) == errno.ENOENT


@pytest.mark.parametrize(("addr", "code"), [(0x7FFE0, 0), (0x7FFE1, errno.EOVERFLOW)])
def test_messages_are_in_the_sram(board, addr, code):
    made = board(ONE, ("COMPATIBLE", "mt8192"))
    section = Section(".ipi_buffer", addr, bytes(8))
    assert made.boot(ElfImage([Segment(0x10500000, b"code")], [section]).build()) == code
    assert ("IPI buffer does not fit in SRAM." in made.log) == bool(code)


def test_a_segment_of_nothing_but_zeroes_is_skipped(board):
    made = board(ONE, ("COMPATIBLE", "mt8183"))
    assert made.boot(image((0, b"code"), Segment(0x70000000, b"", memsz=16))) == 0


def test_a_cluster(board):
    made = board(TWO)
    assert [rproc.label for rproc in made.system.remoteproc.rprocs] == ["scp", "scp"]
    assert [made.read(n, "firmware") for n in range(2)] == ["scp.img", "scp_c1.img"]
    assert made.find(0x10500000, 0xA0000, 0) is not None
    assert made.find(0x105A0000, 1, 0) is None
    assert made.find(0x105A0000, 0x20000, 1) is not None
    assert made.find(0x50000000, 0x800000, 0) is not None
    assert made.find(0x50000000, 1, 1) is None  # it has no memory-region
    assert "105a0000.scp: skipping reserved memory initialization." in made.log


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (('"cfg"', '"config"'), "error -EINVAL: Failed to parse and map cfg memory"),
        (('"sram"', '"ram"'), "Failed to parse and map sram memory"),
        (("clocks = <&clk 1>;", ""), "Failed to get clock"),
        (("<&code>", "<&clk>"), "failed to assign memory-region: -22"),
    ],
)
def test_a_node_that_the_driver_refuses(board, change, said):
    made = board(ONE, ("COMPATIBLE", "mt8183"), change)
    assert made.devices[0].driver is None
    assert said in made.log
