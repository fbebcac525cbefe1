import errno
import os

import pytest

from rprocfs.devicetree.address import reg, translate_address
from rprocfs.devicetree.device import of_device_make_bus_id, of_device_modalias, of_device_uevent
from rprocfs.devicetree.fdt import flatten
from rprocfs.devicetree.kobj import of_attach_tree
from rprocfs.devicetree.node import OfNode, PropertyError
from rprocfs.fs.kernfs import Tree
from rprocfs.testing.userspace import Userspace


def _cells(*numbers):
    return b"".join(number.to_bytes(4, "big") for number in numbers)


@pytest.fixture
def root():
    root = OfNode()
    root.properties |= {"#address-cells": _cells(2), "#size-cells": _cells(2)}
    soc = OfNode("soc", root)
    soc.properties |= {
        "#address-cells": _cells(1),
        "#size-cells": _cells(1),
        "ranges": _cells(0x0, 0x4, 0x80000000, 0x1000, 0x1000, 0x0, 0x10000000, 0x1000),
    }
    bus = OfNode("bus@0", soc)
    bus.properties |= {"reg": _cells(0, 0x1000), "ranges": b""}
    return root


def _m4(root, above="/soc/bus@0", address=0x1010, name="m4"):
    node = OfNode(f"{name}@{address:x}", root.find(above))
    node.properties |= {
        "compatible": b"acme,m4 core\0rprocfs,sim\0",
        "reg": _cells(address, 0x10),
    }
    return node


def test_addresses_go_through_the_ranges_of_every_bus(root):
    assert translate_address(_m4(root, address=0x10)) == 0x480000010
    assert translate_address(_m4(root)) == 0x10000010
    assert translate_address(_m4(root, address=0x3000)) is None
    assert reg(_m4(root, "/soc", 0x20)) == [(0x20, 0x10)]


def test_a_bus_without_ranges_leads_nowhere(root):
    del root.find("/soc/bus@0").properties["ranges"]
    assert translate_address(_m4(root)) is None


@pytest.mark.parametrize("cells", [0, 5, 0xFFFFFFFF])
@pytest.mark.parametrize("where", ["/", "/soc", "/soc/bus@0"])
@pytest.mark.parametrize("name", ["#address-cells", "#size-cells"])
def test_hostile_widths(root, cells, where, name):
    node = _m4(root)
    root.find(where).properties[name] = _cells(cells)
    translate_address(node)  # an address or None
    of_device_make_bus_id(node)
    if where == "/soc/bus@0" and (cells > 4 or name == "#address-cells"):
        with pytest.raises(PropertyError, match="reg"):
            reg(node)


def test_what_a_device_is_called(root):
    assert of_device_make_bus_id(_m4(root)) == "10000010.m4"
    assert of_device_make_bus_id(root.find("/soc")) == "soc"
    child = OfNode("core-0", root.find("/soc/bus@0/m4@1010"))
    assert of_device_make_bus_id(child) == "10000010.m4:core-0"
    assert of_device_make_bus_id(OfNode("dsp", root.find("/soc"))) == "soc:dsp"


def test_what_a_device_says_of_itself(root):
    node = _m4(root)
    aliases = OfNode("aliases", root)
    aliases.properties |= {
        "core": b"/soc/bus@0/m4@1010\0",  # without a number it is none, to the kernel
        "rproc0": b"/soc/bus@0/m4@1010\0",
        "rproc1": b"/nowhere\0",
        "m40": b"/soc/bus@0/m4@1010\0",
    }
    assert of_device_modalias(node) == "of:Nm4T(null)Cacme,m4_coreCrprocfs,sim"
    assert of_device_uevent(node) == {
        "OF_NAME": "m4",
        "OF_FULLNAME": "/soc/bus@0/m4@1010",
        "OF_COMPATIBLE_0": "acme,m4 core",
        "OF_COMPATIBLE_1": "rprocfs,sim",
        "OF_COMPATIBLE_N": "2",
        "OF_ALIAS_0": "rproc0",
        "OF_ALIAS_1": "m40",
    }
    node.properties["device_type"] = b"core\0"
    assert of_device_modalias(node).startswith("of:Nm4TcoreC")
    assert of_device_uevent(node)["OF_TYPE"] == "core"


@pytest.mark.parametrize(
    ("value", "read", "complaint"),
    [
        (b"abc", OfNode.cells, "no 32-bit cells"),
        (bytes(8), OfNode.u32, "one 32-bit cell"),
        (b"abc", OfNode.strings, "NUL"),
        (b"\xff\0", OfNode.strings, "UTF-8"),
        (b"a\0b\0", OfNode.string, "one string"),
    ],
)
def test_values_that_are_something_else(root, value, read, complaint):
    node = root.find("/soc")
    node.properties["x"] = value
    with pytest.raises(PropertyError, match=f"/soc: x: .*{complaint}"):
        read(node, "x")


def test_two_nodes_of_one_phandle(root):
    for path in ("/soc", "/soc/bus@0"):
        root.find(path).properties["phandle"] = _cells(7)
    with pytest.raises(PropertyError, match="that of /soc too"):
        root.by_phandle()


def test_the_tree_in_sysfs(root):
    soc = root.find("/soc")
    soc.properties["security-key"] = b"secret"
    OfNode("ranges", soc)
    tree = Tree()
    blob = flatten(root)
    of_attach_tree(tree.root.mkdirs("sys"), root, blob)
    shell = Userspace(tree)
    base = "/sys/firmware/devicetree/base"
    assert shell.ls(base) == ["#address-cells", "#size-cells", "name", "soc"]
    assert shell.cat_bytes(f"{base}/name") == b"\0"
    assert shell.cat_bytes(f"{base}/soc/name") == b"soc\0"
    assert shell.cat_bytes(f"{base}/#address-cells") == _cells(2)
    assert shell.cat_bytes(f"{base}/soc/ranges") == soc.properties["ranges"]
    assert shell.cat_bytes(f"{base}/soc/ranges#1/name") == b"ranges\0"
    name = shell.lookup(f"{base}/soc/name")
    assert (name.mode, name.size) == (0o444, 4)
    key = shell.lookup(f"{base}/soc/security-key")
    assert (key.mode, key.size) == (0o400, 0)
    assert shell.cat_bytes("/sys/firmware/fdt") == blob
    assert shell.lookup("/sys/firmware/fdt").mode == 0o400
    with pytest.raises(OSError) as caught:
        shell.open(f"{base}/name", os.O_WRONLY)
    assert caught.value.errno == errno.EACCES
    name.setattr(0o666)
    with pytest.raises(OSError) as caught:
        shell.echo(f"{base}/soc/name", "x")
    assert caught.value.errno == errno.EIO
