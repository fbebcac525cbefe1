"""A driver of another package declares properties: a board file, a devicetree and configfs."""

import textwrap

import pytest

from rprocfs.board import load_board, open_board
from rprocfs.errors import CommandError
from rprocfs.testing.userspace import Userspace

DRIVER = """
    from rprocfs import PlatformDriver
    from rprocfs.base.property import Key

    class Driver(PlatformDriver):
        name = "acme-probe"
        compatible = ("acme,probe",)
        properties = {
            "acme,delay-ms": Key(int, "how long"),
            "acme,fast": Key(bool, "whether"),
            "acme,mode": Key(str, "which"),
        }

        def __init__(self, remoteproc):
            pass

        def probe(self, device):
            pass
"""
CONFIG = "/sys/kernel/config/remoteproc/one"


@pytest.fixture(autouse=True)
def package(tmp_path, monkeypatch):
    """As pip installs one."""
    (tmp_path / "acme_probe.py").write_text(textwrap.dedent(DRIVER))
    info = tmp_path / "acme_probe-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Name: acme-probe\nVersion: 1\n")
    (info / "entry_points.txt").write_text("[rprocfs.drivers]\nacme,probe = acme_probe:Driver\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(__import__("sys").modules, "acme_probe", raising=False)


def found(path):
    """The properties that the driver is given."""
    with open_board(str(path)) as system:
        (device,) = (d for d in system.platform.devices.values() if d.driver is not None)
        return {key: value for key, value in device.properties.items() if "acme," in key}


def test_a_board_file(tmp_path):
    path = tmp_path / "board.toml"
    path.write_text(
        '[[remoteproc]]\ncompatible = "acme,probe"\n"acme,delay-ms" = 20\n"acme,fast" = true\n'
    )
    assert found(path) == {"acme,delay-ms": 20, "acme,fast": True}
    with open_board(str(path)) as system:
        shown = Userspace(system.tree).cat("/sys/kernel/debug/rprocfs/board.toml")
    assert '\n"acme,delay-ms" = 20\n' in shown


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ('"acme,delay-ms" = "long"', "must be a number"),
        ('"acme,delay-ms" = 4294967296', "must be 32 bits"),
        ('"acme,dealy-ms" = 1', "unknown key, did you mean acme,delay-ms?"),
        ('engine = "unicorn"', "unknown key"),
    ],
)
def test_what_a_driver_does_not_declare(tmp_path, line, complaint):
    path = tmp_path / "board.toml"
    path.write_text(f'[[remoteproc]]\ncompatible = "acme,probe"\n{line}\n')
    with pytest.raises(CommandError, match="board.toml:3: .*" + complaint.replace("?", r"\?")):
        load_board(str(path))


def test_a_devicetree(tmp_path, dtc):
    source = """/dts-v1/; / {
        core { compatible = "acme,probe"; acme,delay-ms = <30>; acme,fast; acme,mode = "slow"; };
    };"""
    path = tmp_path / "board.dtb"
    path.write_bytes(dtc("dts", "dtb", source.encode()))
    assert found(path) == {"acme,delay-ms": 30, "acme,fast": True, "acme,mode": "slow"}


def test_configfs():
    with open_board() as system:
        shell = Userspace(system.tree)
        shell.lookup("/sys/kernel/config/remoteproc").mkdir("one", 0o755)
        shell.echo(f"{CONFIG}/compatible", "acme,probe")
        shell.echo(f"{CONFIG}/acme,delay-ms", "0x10")
        with pytest.raises(OSError, match="Invalid"):
            shell.echo(f"{CONFIG}/acme,fast", "perhaps")
        shell.echo(f"{CONFIG}/live", "1")
        device = system.platform.devices[shell.cat(f"{CONFIG}/dev_name").strip()]
        assert device.properties["acme,delay-ms"] == 16
        shell.echo(f"{CONFIG}/live", "0")
