import struct
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rprocfs.devicetree.fdt import FDT_MAX_DEPTH, FdtError, flatten, unflatten
from rprocfs.devicetree.node import OfNode

SOURCE = b"""
/dts-v1/;
/memreserve/ 0x1000 0x2000;
/ {
    #address-cells = <2>;
    #size-cells = <1>;
    model = "a board";
    m4: m4@10000000 {
        compatible = "st,stm32mp1-m4", "rprocfs,sim";
        reg = <0 0x10000000 0x40000>;
        bytes = [01 02 03];
        empty;
        deeper { deepest; };
    };
    other { m4 = <&m4>; };
};
"""


def _same(one, other):
    return (
        one.name == other.name
        and list(one.properties.items()) == list(other.properties.items())
        and list(one.children) == list(other.children)
        and all(_same(child, other.children[name]) for name, child in one.children.items())
    )


def test_reads_what_dtc_writes(dtc):
    root = unflatten(dtc("dts", "dtb", SOURCE))
    m4 = root.children["m4@10000000"]
    assert m4.strings("compatible") == ("st,stm32mp1-m4", "rprocfs,sim")
    assert m4.cells("reg") == (0, 0x10000000, 0x40000)
    assert m4.properties["bytes"] == b"\1\2\3"
    assert m4.properties["empty"] == b""
    assert m4.children["deeper"].flag("deepest")
    assert m4.children["deeper"].path == "/m4@10000000/deeper"
    assert root.by_phandle()[root.find("/other").u32("m4")] is m4


def test_dtc_reads_what_is_written(dtc):
    root = unflatten(dtc("dts", "dtb", SOURCE))
    ours = flatten(root)
    assert _same(unflatten(dtc("dtb", "dtb", ours)), root)


NAMES = st.from_regex(r"[a-z][a-z0-9,._+\-]{0,9}", fullmatch=True)
PROPERTIES = st.dictionaries(NAMES, st.binary(max_size=9), max_size=4)
TREES = st.recursive(
    st.tuples(PROPERTIES, st.just({})),
    lambda children: st.tuples(PROPERTIES, st.dictionaries(NAMES, children, max_size=3)),
    max_leaves=8,
)


def _tree(shape, name="", parent=None):
    node = OfNode(name, parent)
    properties, children = shape
    node.properties.update(properties)
    for child, below in children.items():
        _tree(below, child, node)
    return node


@given(TREES)
def test_any_tree_comes_back(shape):
    root = _tree(shape)
    assert _same(unflatten(flatten(root)), root)


def _blob():
    root = _tree(({"model": b"x\0"}, {"a": ({"reg": b"\0\0\0\1"}, {"b": ({}, {})}), "c": ({}, {})}))
    return flatten(root)


@given(st.data())
def test_a_damaged_blob_is_a_tree_or_an_error(data):
    blob = bytearray(_blob())
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(blob) // 4 - 1)) * 4
        value = data.draw(st.integers(0, 32) | st.integers(0, 0xFFFFFFFF))
        struct.pack_into(">I", blob, at, value)
    cut = data.draw(st.integers(0, len(blob)))
    for hostile in (bytes(blob), bytes(blob[:cut])):
        try:
            unflatten(hostile)
        except FdtError as failure:
            assert "\n" not in str(failure)


def _raw(structure, strings=b"p\0", **header):
    fields = {
        "magic": 0xD00DFEED, "total": 56 + len(structure) + len(strings), "struct": 56,
        "strings": 56 + len(structure), "rsv": 40, "version": 17, "comp": 16, "cpu": 0,
        "strings_size": len(strings), "struct_size": len(structure),
    } | header  # fmt: skip
    return struct.pack(">10I", *fields.values()) + bytes(16) + structure + strings


BEGIN, END, DONE = b"\0\0\0\1" + bytes(4), b"\0\0\0\2", b"\0\0\0\x09"
CHILD = b"\0\0\0\1a\0\0\0"
PROP = struct.pack(">3I", 3, 0, 0)


def test_the_smallest_tree():
    assert unflatten(_raw(BEGIN + END + DONE)).children == {}
    assert unflatten(_raw(b"\0\0\0\4" + BEGIN + PROP + END + b"\0\0\0\4" + DONE)).flag("p")


@pytest.mark.parametrize(
    ("blob", "complaint"),
    [
        (b"", "too short"),
        (bytes(100), "begins with 0x00000000"),
        (_raw(BEGIN + END + DONE, version=16), "version 16"),
        (_raw(BEGIN + END + DONE, comp=18), "compatible with 18"),
        (_raw(BEGIN + END + DONE, total=3 << 20), "more than"),
        (_raw(BEGIN + END + DONE)[:-1], "cut off"),
        (_raw(BEGIN + END + DONE, struct=0xFFFFFFFC), "structure block is outside"),
        (_raw(BEGIN + END + DONE, strings_size=100), "strings block is outside"),
        (_raw(BEGIN + END + DONE, struct=57, struct_size=8), "not aligned"),
        (_raw(BEGIN + END + DONE, struct_size=8), "cut off"),
        (_raw(BEGIN + END), "cut off"),
        (_raw(DONE), "no root"),
        (_raw(END + DONE), "outside of the root"),
        (_raw(PROP + DONE), "outside of the root"),
        (_raw(BEGIN + DONE), "inside of a node"),
        (_raw(BEGIN + END + BEGIN + END + DONE), "second root"),
        (_raw(BEGIN + BEGIN + END + END + DONE), "is no name for a node"),
        (_raw(BEGIN + b"\0\0\0\1a/b\0" + END + END + DONE), "is no name for a node"),
        (_raw(BEGIN + b"\0\0\0\1..\0\0" + END + END + DONE), "is no name for a node"),
        (_raw(BEGIN + CHILD + END + CHILD + END + END + DONE), "two nodes a"),
        (_raw(BEGIN + PROP + PROP + END + DONE), "two properties p"),
        (_raw(BEGIN + PROP + END + DONE, strings=b".\0"), "no name for a property"),
        (_raw(BEGIN + PROP + END + DONE, strings=b"p"), "without an end"),
        (_raw(BEGIN + struct.pack(">3I", 3, 0xFFFFFFFF, 0) + END + DONE), "cut off"),
        (_raw(BEGIN + b"\0\0\0\x07" + END + DONE), "unknown token 0x7"),
        (_raw(BEGIN + CHILD * 65 + END * 66 + DONE), "deeper than 64"),
        (_raw(b"\0\0\0\1" + b"x" * 300), "without an end"),
    ],
)
def test_hostile_blobs_are_refused(blob, complaint):
    with pytest.raises(FdtError, match=complaint):
        unflatten(blob)


def test_the_depth_that_is_allowed():
    blob = _raw(BEGIN + CHILD * (FDT_MAX_DEPTH - 1) + END * FDT_MAX_DEPTH + DONE)
    assert len(list(unflatten(blob).walk())) == FDT_MAX_DEPTH


def test_a_big_hostile_blob_takes_no_time_to_speak_of():
    properties = b"".join(struct.pack(">3I", 3, 0, at % 100000) for at in range(80000))
    blob = _raw(BEGIN + properties + END + DONE, strings=b"x" * 500000 + b"\0")
    start = time.monotonic()
    with pytest.raises(FdtError):
        unflatten(blob)
    assert time.monotonic() - start < 20  # it was quadratic


@pytest.mark.parametrize("name", ["", "a/b", "ä", "a b"])
def test_names_that_nobody_could_read_are_not_written(name):
    root = OfNode()
    OfNode(name, root)
    with pytest.raises(FdtError, match="no name"):
        flatten(root)
    root = OfNode()
    root.properties[name] = b""
    with pytest.raises(FdtError, match="no name"):
        flatten(root)
