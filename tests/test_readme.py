"""The README's links lead somewhere, and the Python of "Write a driver" runs."""

import re
from pathlib import Path

import pytest

from rprocfs.system import System
from rprocfs.testing.images import IMAGES
from rprocfs.testing.userspace import Userspace
from rprocfs_fuse.command.options import KNOWN, MEANING

ROOT = Path(__file__).parents[1]
REPOSITORY = "https://github.com/rprocfs/rprocfs"
README = (ROOT / "README.md").read_text()
DRIVERS = (ROOT / "docs/howto/write-a-driver.md").read_text()


def _blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", DRIVERS, re.DOTALL)


@pytest.fixture(scope="module")
def namespace():
    names = {}
    for block in _blocks("python"):
        exec(compile(block, "write-a-driver.md", "exec"), names)
    return names


def test_the_platform_driver(namespace, tmp_path):
    namespace["test_dsp"](tmp_path)


def test_the_rpmsg_driver(namespace, tmp_path):
    (tmp_path / "good.elf").write_bytes(IMAGES["good.elf"].make())
    with System(firmware=tmp_path) as system:
        system.rpmsg.bus.driver_register(namespace["Greeter"]())
        system.add_processor({"compatible": "rprocfs,sim", "services": "rpmsg-client-sample@1024"})
        shell = Userspace(system.tree)
        shell.echo("/sys/class/remoteproc/remoteproc0/firmware", "good.elf")
        shell.echo("/sys/class/remoteproc/remoteproc0/state", "start")
        while "answer" not in (log := "".join(r.text for r in system.model.kmsg.records())):
            pass
        assert "greeter virtio0.rpmsg-client-sample.-1.1024: answer b'hello world!'" in log


def test_the_user_of_a_processor(namespace, tmp_path):
    (tmp_path / "good.elf").write_bytes(IMAGES["good.elf"].make())
    with System(firmware=tmp_path) as system:
        system.add_processor(
            {
                "compatible": "rprocfs,sim",
                "phandle": 7,
                "firmware-name": "good.elf",
                "services": "rpmsg-client-sample@1024",
            }
        )
        assert namespace["ask"](system, 7) == b"hello world!"
        shell = Userspace(system.tree)
        assert shell.cat("/sys/class/remoteproc/remoteproc0/state") == "offline\n"
        assert system.remoteproc.rprocs[0].kref.read() == 1


def test_every_option_is_described():
    assert set(MEANING) == set(KNOWN)


def test_every_link_leads_somewhere():
    """Also where the README is shown without the repository: by a package index."""
    links = dict(re.findall(r"^(\[.+\]): (\S+)$", README, re.MULTILINE))
    assert links
    assert "](" not in README, "a link in its line: put it at the end, with the others"
    form = re.compile(rf"{re.escape(REPOSITORY)}/(blob|raw|tree)/main/(.+)")
    for name, link in links.items():
        kind, target = form.fullmatch(link).groups()
        assert (ROOT / target).exists(), link
        assert (ROOT / target).is_dir() == (kind == "tree"), link
        assert README.count(name) > 1, f"{name} is linked nowhere"
