import pytest

from rprocfs.devicetree.fdt import flatten, unflatten
from rprocfs.devicetree.make import make_tree
from rprocfs.devicetree.node import OfNode, PropertyError
from rprocfs.devicetree.processors import Match, of_processors

KEYS = {
    "label": str, "compatible": str, "phandle": int, "firmware-name": str, "auto-boot": bool,
    "watchdog-ms": int, "memory-region": list, "memory": str, "device-name": str,
}  # fmt: skip

SOURCE = """
/dts-v1/;
/ {
    #address-cells = <2>;
    #size-cells = <1>;
    reserved-memory {
        #address-cells = <2>;
        #size-cells = <1>;
        ranges;
        ram: ram@38000000 { reg = <0 0x38000000 0x10000>; };
        ram2: memory@10000000 { reg = <0 0x10000000 0x1000>; label = "ram2"; };
    };
    ahb@0 {
        #address-cells = <1>;
        #size-cells = <1>;
        compatible = "simple-bus";
        ranges = <0 0 0 0x40000000>;
        dma-ranges = <0x1000 0 0x38000000 0x10000>, <0x10000000 0 0x10000000 0x10000>;
        m4: m4@10000000 {
            compatible = "st,stm32mp1-m4", "rprocfs,sim";
            reg = <0x10000000 0x40000>;
            memory-region = <&ram>, <&ram2>;
            firmware-name = "a.elf";
            st,auto-boot;
            watchdog-ms = <100>;
            acme,unknown = <7>;
        };
        m5@20000000 { compatible = "rprocfs,sim"; reg = <0x20000000 1>; status = "disabled"; };
    };
    off { status = "disabled"; compatible = "acme,bus"; core { compatible = "rprocfs,sim"; }; };
    other { m4 = <&m4>; };
};
"""


def _match(node):
    known = "rprocfs,sim" in node.strings("compatible")
    return Match("rprocfs,sim", node.base_name, KEYS) if known else None


def _find(root):
    return list(of_processors(root, _match))


def test_what_a_tree_has(dtc):
    root = unflatten(dtc("dts", "dtb", SOURCE.encode()))
    ((node, properties),) = _find(root)
    assert node.path == "/ahb@0/m4@10000000"
    assert properties == {
        "label": "m4",
        "compatible": "rprocfs,sim",
        "device-name": "ahb@0/10000000.m4",
        "phandle": node.phandle,
        "firmware-name": "a.elf",
        "auto-boot": True,
        "watchdog-ms": 100,
        "memory-region": (
            {"label": "ram@38000000", "pa": 0x38000000, "da": 0x1000, "size": 0x10000},
            {"label": "ram2", "pa": 0x10000000, "da": 0x10000000, "size": 0x1000},
        ),
    }


@pytest.mark.parametrize(
    ("before", "after", "complaint"),
    [
        (
            "<&ram>, <&ram2>",
            "<99>",
            "/ahb@0/m4@10000000: memory-region: no node has the phandle 99",
        ),
        ("<&ram>, <&ram2>", "<&m4>", "is not below /reserved-memory"),
        ("<&ram>, <&ram2>", "[01 02]", "memory-region: 2 bytes are no 32-bit cells"),
        ("reg = <0 0x38000000 0x10000>;", "", "/reserved-memory/ram@38000000: reg: must be one"),
        ("<0 0x38000000 0x10000>", "<1>", "reg: 1 cells, but addresses have 2 and sizes 1"),
        ("firmware-name", "firmware-names", "did you mean firmware-name"),
        ("watchdog-ms = <100>", 'watchdog-ms = "x"', "watchdog-ms: "),
        ("firmware-name =", "firmware-name = [ff 00], ", "firmware-name: "),
        ('"disabled"', '"disable"', "status: unknown, did you mean disabled?"),
        ("dma-ranges = <0x1000 0", "dma-ranges = <0x1000", "dma-ranges: 7 cells"),
    ],
)
def test_what_makes_no_sense(dtc, before, after, complaint):
    source = SOURCE.replace(before, after, 1).encode()
    assert source != SOURCE.encode()
    root = unflatten(dtc("dts", "dtb", source, warnings=True))
    with pytest.raises(PropertyError) as caught:
        _find(root)
    assert complaint in str(caught.value)


SIM = {"label": "m4", "compatible": "rprocfs,sim"}
REGIONS = (
    {"label": "ram", "pa": 0x38000000, "da": 0, "size": 0x1000},
    {"label": "atcm0@ffe00000", "pa": 0xFFE00000, "da": 0, "size": 0x1000},
)


@pytest.mark.parametrize(
    "processors",
    [
        [],
        [{**SIM, "device-name": "m4-0"}],
        [{**SIM, "device-name": "ahb/10000000.m4", "memory-region": REGIONS, "phandle": 1}],
        [
            {**SIM, "device-name": "bus@f0000/bus@f0000:bus@4000000/5000000.m4fss", "phandle": 3},
            {**SIM, "device-name": "bus@f0000/78000000.r5f", "label": "r5f", "auto-boot": True},
            {**SIM, "device-name": "ocp/ocp:l4@44c00000/44d00000.m3", "watchdog-ms": 5},
        ],
        [{**SIM, "device-name": "x", "memory-region": (r,)} for r in REGIONS[:1]],
    ],
)
def test_a_tree_made_of_processors_gives_them_back(dtc, processors):
    root = make_tree(processors)
    blob = dtc("dtb", "dtb", flatten(root))
    assert dtc("dts", "dtb", dtc("dtb", "dts", blob)) == blob
    again = unflatten(blob)
    assert [properties for _, properties in _find(again)] == processors


def test_aliases_that_lead_nowhere_are_left_out():
    """A cell, no text at all, nothing: upstream's omap3-n900.dts has such a one."""
    root = OfNode()
    core = OfNode("m4", root)
    aliases = OfNode("aliases", root)
    aliases.properties |= {
        "main": b"/m4\0", "i2c0": b"\0\0\0\x07", "i2c1": b"\xff\xfe", "i2c2": b"", "i2c3": b"/no\0",
    }  # fmt: skip
    assert root.aliases() == {"main": core}
