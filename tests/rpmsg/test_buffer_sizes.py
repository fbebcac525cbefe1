"""VIRTIO_RPMSG_F_BUFSZ: the firmware says how large buffers are."""

import errno
import struct

import pytest

from rprocfs.kernel import LINUX_7_3, LINUX_NEXT
from rprocfs.system import System
from rprocfs.testing.firmware import firmware, standard_table
from rprocfs.testing.images import IMAGES
from rprocfs.testing.rsc_table import vdev
from rprocfs.testing.userspace import Userspace, read, write
from tests.rpmsg.link import code

R0 = "/sys/class/remoteproc/remoteproc0"
SIM = {"compatible": "rprocfs,sim", "services": "rpmsg-raw@1024"}


def image(remote_tx, remote_rx):
    config = struct.pack("<HII56x", 1, remote_tx, remote_rx)
    return firmware(standard_table(vdev(dfeatures=3, config=config))).build()


@pytest.fixture
def boot(tmp_path):
    systems = []

    def boot(data, kernel):
        (tmp_path / "fw.elf").write_bytes(data)
        systems.append(System(firmware=tmp_path, version=kernel))
        systems[-1].add_processor(SIM)
        shell = Userspace(systems[-1].tree)
        shell.echo(f"{R0}/firmware", "fw.elf")
        shell.echo(f"{R0}/state", "start")
        systems[-1].settle()
        shell.log = [record.text for record in systems[-1].model.kmsg.records()]
        return shell

    yield boot
    for system in systems:
        system.close()


def test_messages_of_4080_bytes(boot):
    shell = boot(image(4096, 4096), LINUX_NEXT)
    handle = shell.open("/dev/rpmsg0")
    message = bytes(range(255)) * 16
    assert write(handle, message) == len(message) == 4080
    assert read(handle) == message
    assert code(handle.write, bytes(4081), 0) == errno.EMSGSIZE
    handle.release()


def test_each_way_its_own_size(boot):
    """The remote sends 512 and receives 4096."""
    shell = boot(image(512, 4096), LINUX_NEXT)
    handle = shell.open("/dev/rpmsg0")
    assert handle.write(bytes(4080), 0) == 4080
    handle.release()


@pytest.mark.parametrize(
    "old", [(IMAGES["good.elf"].make(), LINUX_NEXT), (image(4096, 4096), LINUX_7_3)]
)
def test_both_have_to_know_of_it(boot, old):
    shell = boot(*old)
    handle = shell.open("/dev/rpmsg0")
    assert handle.write(bytes(496), 0) == 496
    assert code(handle.write, bytes(497), 0) == errno.EMSGSIZE
    handle.release()


@pytest.mark.parametrize(
    ("sizes", "said", "failed"),
    [
        ((15, 512), "bad vdev config: rx buf sz = 15, tx buf sz = 512", -errno.EINVAL),
        ((512, 0), "bad vdev config: rx buf sz = 512, tx buf sz = 0", -errno.EINVAL),
        ((0xFFFFFFFF, 0xFFFFFFF0), "", -errno.ENOMEM),
    ],
)
def test_sizes_that_make_no_sense(boot, sizes, said, failed):
    shell = boot(image(*sizes), LINUX_NEXT)
    log = "\n".join(line for line in shell.log if "virtio0" in line)
    assert said in log
    assert f"probe with driver virtio_rpmsg_bus failed with error {failed}" in log
    assert not shell.exists("/dev/rpmsg0")


def test_a_config_space_that_is_too_short(boot):
    shell = boot(firmware(standard_table(vdev(dfeatures=3, config=bytes(4)))).build(), LINUX_NEXT)
    assert not shell.exists("/dev/rpmsg0")
