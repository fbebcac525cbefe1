import errno

import pytest

from rprocfs.devicetree.fdt import flatten, unflatten
from rprocfs.devicetree.kobj import of_attach_tree
from rprocfs.system import System
from rprocfs.testing.userspace import Userspace

SOURCE = b"""
/dts-v1/;
/ {
    #address-cells = <1>;
    #size-cells = <1>;
    aliases { rproc0 = "/soc/cluster@78000000/r5f@0"; };
    soc {
        #address-cells = <1>;
        #size-cells = <1>;
        compatible = "simple-bus";
        ranges;
        cluster@78000000 {
            #address-cells = <1>;
            #size-cells = <1>;
            compatible = "acme,cluster";
            reg = <0x78000000 0x1000>;
            ranges = <0 0x78000000 0x1000>;
            r5f@0 { compatible = "acme,r5f", "rprocfs,sim"; reg = <0 0x100>; };
        };
    };
    dsp { compatible = "rprocfs,sim"; };
};
"""
R5F = "/soc/cluster@78000000/r5f@0"
PROPERTIES = {"compatible": "rprocfs,sim", "label": "r5f"}


@pytest.fixture
def system(tmp_path):
    with System(firmware=tmp_path) as system:
        yield system


@pytest.fixture
def root(dtc, system):
    blob = dtc("dts", "dtb", SOURCE)
    root = unflatten(blob)
    of_attach_tree(system.model.sys, root, blob)
    return root


def test_a_device_of_a_devicetree(system, root):
    uevents = []
    system.model.uevent_listeners.append(lambda *event: uevents.append(event))
    device = system.add_processor(PROPERTIES, root.find(R5F))
    assert device.driver is not None
    shell = Userspace(system.tree)
    home = "/sys/devices/platform/soc/78000000.cluster/78000000.r5f"
    assert shell.readlink("/sys/class/remoteproc/remoteproc0") == (
        f"../..{home.removeprefix('/sys')}/remoteproc/remoteproc0"
    )
    assert shell.readlink(f"{home}/of_node") == (
        "../../../../../firmware/devicetree/base/soc/cluster@78000000/r5f@0"
    )
    assert shell.cat_bytes(f"{home}/of_node/compatible") == b"acme,r5f\0rprocfs,sim\0"
    assert shell.cat(f"{home}/modalias") == "of:Nr5fT(null)Cacme,r5fCrprocfs,sim\n"
    assert shell.cat(f"{home}/uevent") == (
        "DRIVER=rproc-sim\nOF_NAME=r5f\n"
        f"OF_FULLNAME={R5F}\n"
        "OF_COMPATIBLE_0=acme,r5f\nOF_COMPATIBLE_1=rprocfs,sim\nOF_COMPATIBLE_N=2\n"
        "OF_ALIAS_0=rproc0\nMODALIAS=of:Nr5fT(null)Cacme,r5fCrprocfs,sim\n"
    )
    assert shell.cat("/sys/devices/platform/soc/uevent").startswith("OF_NAME=soc\n")
    assert [(action, path) for action, path, _ in uevents][:3] == [
        ("add", "/devices/platform/soc"),
        ("add", "/devices/platform/soc/78000000.cluster"),
        ("add", "/devices/platform/soc/78000000.cluster/78000000.r5f"),
    ]


def test_a_node_without_an_address(system, root):
    system.add_processor(PROPERTIES, root.find("/dsp"))
    assert Userspace(system.tree).exists("/sys/bus/platform/devices/dsp/of_node/compatible")


def test_a_name_of_ones_own(system):
    for name in ("soc/10000000.m4", "soc/20000000.m4", "dsp"):
        system.add_processor({**PROPERTIES, "device-name": name})
    shell = Userspace(system.tree)
    assert shell.ls("/sys/bus/platform/devices") == [
        "10000000.m4", "20000000.m4", "dsp", "soc",
    ]  # fmt: skip
    assert shell.exists("/sys/devices/platform/soc/20000000.m4/remoteproc/remoteproc1")
    assert shell.cat("/sys/devices/platform/dsp/modalias") == "platform:rproc-sim\n"
    assert shell.ls("/sys/kernel/debug/rproc_sim") == ["0", "1", "2", "reset"]


@pytest.mark.parametrize("again", ["soc/1.m4", "1.m4", "bus/1.m4", "1.m4/x"])
def test_a_name_that_is_taken(system, again):
    system.add_processor({**PROPERTIES, "device-name": "soc/1.m4"})
    shell = Userspace(system.tree)
    before = shell.ls("/sys/bus/platform/devices")
    with pytest.raises(OSError) as caught:
        system.add_processor({**PROPERTIES, "device-name": again})
    assert caught.value.errno == errno.EEXIST
    left = set(shell.ls("/sys/bus/platform/devices")) - set(before)
    assert left <= {"bus"}
    assert shell.ls("/sys/class/remoteproc") == ["remoteproc0"]


def test_what_is_flattened_again_is_shown_the_same(system, root):
    again = unflatten(flatten(root))
    assert [node.path for node in again.walk()] == [node.path for node in root.walk()]
