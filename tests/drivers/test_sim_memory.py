import errno

import pytest

from rprocfs.drivers.sim.memory import SimMemory
from rprocfs.system import System
from rprocfs.testing.images import IMAGES
from rprocfs.testing.userspace import Userspace

R0 = "/sys/class/remoteproc/remoteproc0"
REGIONS = (
    {"label": "ram", "da": 0x10000000, "size": 0x40000},
    {"label": "vdev0buffer", "da": 0x10042000, "size": 0x80000},
)


def test_memory_that_is_seen_twice():
    memory = SimMemory("0x1000=0x5000:0x100 0x0:16")
    memory.find(0x1010, 1)[0] = 7
    assert memory.find(0x5010, 1)[0] == 7
    assert len(memory.find(0, 16)) == 16
    for da, length in ((0, 17), (0xFFF, 2), (0x10FF, 2), (0x2000, 1), (16, 1)):
        assert memory.find(da, length) is None


@pytest.mark.parametrize(
    "text", ["x", "1", "1:", "1:2:3", "0x:1", "1:-1", "1:0", "0:0x20000000", "1=:2"]
)
def test_memories_that_make_no_sense(text, tmp_path):
    with pytest.raises(ValueError, match="memory"):
        SimMemory(text)
    with System(firmware=tmp_path) as system:
        device = system.add_processor({"compatible": "rprocfs,sim", "memory": text})
        assert device.driver is None
        log = "".join(record.text for record in system.model.kmsg.records())
        assert "memory " in log
        assert "failed with error -22" in log


def _boot(tmp_path, image, **properties):
    (tmp_path / image).write_bytes(IMAGES[image].make())
    system = System(firmware=tmp_path)
    system.add_processor({"compatible": "rprocfs,sim", **properties})
    shell = Userspace(system.tree)
    shell.echo(f"{R0}/firmware", image)
    return system, shell


def test_a_segment_has_to_be_in_one_of_them(tmp_path):
    system, shell = _boot(tmp_path, "tcm.elf", memory="0x10000000:0x1000")
    with system:
        with pytest.raises(OSError) as caught:
            shell.echo(f"{R0}/state", "start")
        assert caught.value.errno == errno.EINVAL
        assert "bad phdr da 0x20000000" in "".join(
            record.text for record in system.model.kmsg.records()
        )


def test_reserved_memories_are_carveouts(tmp_path):
    regions = (*REGIONS, {"label": "tcm", "da": 0x20000000, "size": 0x10000})
    system, shell = _boot(
        tmp_path, "good.elf", memory="", **{"memory-region": regions}, services="rpmsg-raw@1024"
    )
    with system:
        for _ in range(2):
            shell.echo(f"{R0}/state", "start")
            text = shell.cat("/sys/kernel/debug/remoteproc/remoteproc0/carveout_memories")
            assert [line for line in text.splitlines() if "Name:" in line][:3] == [
                "\tName: ram", "\tName: vdev0buffer", "\tName: tcm",
            ]  # fmt: skip
            assert shell.exists("/sys/bus/rpmsg/devices/virtio0.rpmsg-raw.-1.1024")
            dumped = [(part.da, part.size) for part in system.remoteproc.rprocs[0].dump_segments]
            assert (0x10000000, 0x40000) in dumped
            assert len(dumped) == len(regions)
            shell.echo(f"{R0}/state", "stop")


def test_no_more_than_there_may_be(tmp_path):
    regions = ({"label": "all", "da": 0, "size": 1 << 32},)
    with System(firmware=tmp_path) as system:
        properties = {"compatible": "rprocfs,sim", "memory-region": regions}
        assert system.add_processor(properties).driver is None


def test_a_board_may_not_want_recovery(tmp_path):
    with System(firmware=tmp_path) as system:
        system.add_processor({"compatible": "rprocfs,sim", "recovery-disabled": True})
        assert Userspace(system.tree).cat(f"{R0}/recovery") == "disabled\n"
