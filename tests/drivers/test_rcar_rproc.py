"""The port of rcar_rproc.c: what it decides stands there (Linux 6.12)."""

import errno
from functools import partial

import pytest

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
        code: cr7_ram@40040000 { reg = <0 0x40040000 0 0x1fc0000>; no-map; };
        high: high@640000000 { reg = <6 0x40000000 0 0x1000>; no-map; };
    };
    cpg: clock-controller { #reset-cells = <1>; };
    cr7 {
        compatible = "renesas,rcar-cr7";
        memory-region = <&code>;
        resets = <&cpg 222>;
    };
};
"""


@pytest.fixture
def board(tree_board):
    return partial(tree_board, SOURCE)


@pytest.mark.parametrize(
    ("da", "size", "code"),
    [
        (0x40040000, 0x1000, 0),
        (0x4003FFFF, 2, errno.EINVAL),
        (0x41FFFFFF, 1, 0),
        (0x41FFFFFF, 2, errno.EINVAL),
        (0x42000000, 1, errno.EINVAL),
    ],
)
def test_a_segment(board, da, size, code):
    made = board()
    assert made.boot(image((da, b"x" * size), e_entry=0x40040000)) == code
    assert (f"bad phdr da {da:#x} mem {size:#x}" in made.log) == bool(code)
    assert "No resource table in elf" in made.log


def test_a_bad_table_is_said_twice(board):
    """rproc_elf_find_loaded_rsc_table() looks for it again, and find_table() logs again."""
    made = board()
    table = resource_table([vdev()])
    firmware = image(table=b"\2" + table[1:], at=0x40040000, e_entry=0x40040000)
    assert made.boot(firmware) == 0
    assert made.log.count("remoteproc remoteproc0: unsupported fw ver: 2") == 2


def test_where_it_begins(board):
    made = board()
    assert made.boot(image((0x40040000, b"x"), e_entry=0)) == errno.EINVAL
    assert "can't start rproc cr7: -22" in made.log


def test_it_has_no_doorbell(board):
    made = board()
    assert made.read(0, "firmware") == "rproc-cr7-fw"
    table = resource_table([vdev()])
    assert made.boot(image(table=table, at=0x40040000, e_entry=0x40040000)) == errno.EINVAL
    assert ".kick method not defined for cr7" in made.log


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("<&code>", "<&high>"), "can't prepare rproc cr7: -22"),
        (("<&code>", "<&cpg>"), "unable to acquire memory-region"),
    ],
)
def test_a_region_that_cannot_be(board, change, said):
    made = board(change)
    assert made.boot(image((0x40040000, b"x"), e_entry=0x40040000)) == errno.EINVAL
    assert said in made.log


def test_a_node_without_reset(board):
    made = board(("resets = <&cpg 222>;", ""))
    assert made.devices[0].driver is None
    assert "rcar-rproc cr7: error -ENOENT: fail to acquire rproc reset" in made.log
