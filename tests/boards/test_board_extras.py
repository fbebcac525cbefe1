"""What a board file says besides its processors: lines of complaints, aliases, soc, rules."""

import json

import pytest

from rprocfs.board import load_board, open_board
from rprocfs.board.ready import ready_boards
from rprocfs.board.show import PATH
from rprocfs.cli import main
from rprocfs.errors import CommandError
from rprocfs.fs.kernfs import Owner
from rprocfs.testing.images import IMAGES
from rprocfs.testing.userspace import Userspace
from rprocfs_fuse.command.options import Options
from rprocfs_fuse.operations import Operations

TWO = """\
# A board.
kernel = "6.1"

[[remoteproc]]
compatible = "rprocfs,sim"
label = "m4"

[[remoteproc]]
compatible = "rprocfs,sim"   # another
label = "dsp"
"""


@pytest.fixture
def write(tmp_path):
    def write_file(text, name="board.toml"):
        (tmp_path / name).write_text(text)
        return str(tmp_path / name)

    return write_file


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (TWO + 'lable = "x"\n', "board.toml:11: remoteproc[1].lable: unknown key, did you mean"),
        (TWO.replace('"dsp"', "7"), "board.toml:10: remoteproc[1].label: must be a string"),
        (TWO.replace(',sim"   #', ',simm" #'), "board.toml:9: remoteproc[1].compatible: no driver"),
        (TWO.replace('compatible = "rprocfs,sim"   #', "#"), "board.toml:8: remoteproc[1]: comp"),
        (TWO.replace('"6.1"', '"6.2"'), "board.toml:2: kernel: 6.2: unknown, there are 6.1,"),
        (TWO + '[soc]\nfamly = "x"\n', "board.toml:12: soc.famly: unknown key, did you mean"),
        (TWO + "[aliases]\nmain = 7\n", "board.toml:12: aliases.main: must be the label"),
        (TWO + '[aliases]\n"a/b" = "m4"\n', "board.toml:12: aliases.a/b: must be a name"),
        (TWO + "soc = 3\n", "board.toml:11: remoteproc[1].soc: unknown key"),
        ("soc = 3\n", "board.toml:1: soc: must be a table, write [soc]"),
        ('[[rule]]\nmode = "0660"\n', "board.toml:1: rule[0].node: there must be either"),
        ('[[rule]]\nnode = "*"\nmode = "0999"\n', "board.toml:3: rule[0].mode: must be octal"),
        ('[[rule]]\nnode = "*"\nmode = "4755"\n', "board.toml:3: rule[0].mode: must be at most"),
        ('[[rule]]\nnode = "*"\ngroup = "no such"\n', "rule[0].group: there is no no such"),
        ('[[rule]]\nnode = "*"\nsymlink = "../x"\n', "rule[0].symlink: must be a path below"),
        ('[[rule]]\nsubsystem = "rpmsg"\ndriver = "d"\nsymlink = "x"\n', "symlink: is for a node"),
        ('[[rule]]\nsubsystem = "rpmsg"\n', "rule[0].attributes: subsystem and attributes go"),
        (TWO + "phandle = -1\n", "board.toml:11: remoteproc[1].phandle: must be 32 bits"),
        ("x = = 3\n", "(at line 1, column 5)"),
    ],
)  # fmt: skip
def test_complaints_name_file_line_and_key(write, text, complaint):
    with pytest.raises(CommandError) as caught:
        load_board(write(text))
    assert complaint in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_kernel_of_a_board(write):
    with open_board(write(TWO)) as system:
        assert system.model.version.release == "6.1"
    with open_board(write(TWO), kernel="6.12") as system:
        assert system.model.version.release == "6.12"


def test_soc(write):
    with open_board(write('[soc]\nfamily = "STM32MP"\nsoc_id = "157"\n'), strict=True) as system:
        shell = Userspace(system.tree)
        assert shell.cat("/sys/devices/soc0/family") == "STM32MP\n"
        assert shell.cat("/sys/bus/soc/devices/soc0/soc_id") == "157\n"
        assert not shell.exists("/sys/devices/soc0/machine")
    with open_board(write(TWO)) as system:
        assert not Userspace(system.tree).exists("/sys/devices/soc0")


def test_aliases_come_and_go_with_their_processors(write):
    aliases = '[aliases]\nmain = "m4"\nmcu = "m4"\nnobody = "x"\n'
    with open_board(write(TWO + aliases), strict=True) as system:
        shell = Userspace(system.tree)
        assert shell.ls("/dev/remoteproc") == ["main", "mcu"]
        assert shell.readlink("/dev/remoteproc/main") == "../remoteproc0"
        shell.echo("/sys/bus/platform/drivers/rproc-sim/unbind", "rproc-sim.0")
        assert shell.ls("/dev/remoteproc") == []
        shell.echo("/sys/bus/platform/drivers/rproc-sim/bind", "rproc-sim.0")
        assert shell.ls("/dev/remoteproc") == ["main", "mcu"]


def test_an_alias_with_a_slash_is_the_directory(write):
    with open_board(write(TWO + '[aliases]\nmain = "m4/"\n'), strict=True) as system:
        shell = Userspace(system.tree)
        link = "/dev/remoteproc/main"
        assert shell.readlink(link) == "../../sys/class/remoteproc/remoteproc0"
        assert shell.cat(f"{link}/name") == "m4\n"
        shell.echo("/sys/bus/platform/drivers/rproc-sim/unbind", "rproc-sim.0")
        assert shell.ls("/dev/remoteproc") == []


RULES = """
[[rule]]
node = "rpmsg[0-9]*"
owner = "7"
group = "root"
mode = "0660"

[[rule]]
subsystem = "remoteproc"
attributes = ["state", "missing", "power/control"]
group = "20"
mode = "0664"
"""


@pytest.mark.parametrize("where", ["board", "file"])
def test_rules(write, tmp_path, where):
    (tmp_path / "good.elf").write_bytes(IMAGES["good.elf"].make())
    board = 'firmware-directory = "."\n' + TWO.replace(
        'label = "m4"', 'firmware-name = "good.elf"\nservices = "rpmsg-raw@1024"'
    )
    rules = write(RULES, "rules.toml") if where == "file" else None
    with open_board(write(board + (RULES if rules is None else "")), rules=rules) as system:
        shell = Userspace(system.tree)
        state = shell.lookup("/sys/class/remoteproc/remoteproc0/state")
        assert (state.st_mode, state.uid, state.gid) == (0o100664, 0, 20)
        assert shell.lookup("/sys/class/remoteproc/remoteproc0/firmware").gid == 0
        shell.echo("/sys/class/remoteproc/remoteproc0/state", "start")
        while not shell.exists("/dev/rpmsg0"):
            pass
        node = shell.lookup("/dev/rpmsg0")
        assert (node.mode, node.uid, node.gid) == (0o660, 7, 0)
        assert shell.lookup("/dev/rpmsg_ctrl0").mode == 0o600


@pytest.mark.parametrize(
    ("name", "channel", "node", "link"),
    [
        ("beaglebone-pru", "rpmsg-pru", "rpmsg0", "rpmsg_pru30"),
        ("imx8mp", "rpmsg-virtual-tty-channel-1", "ttyRPMSG0", "ttyRPMSG30"),
    ],
)
def test_names_of_vendors(name, channel, node, link):
    """A channel that no driver of Linux takes gets one, and the node a second name."""
    with open_board(name, strict=True) as system:
        shell = Userspace(system.tree)
        found = [f"/sys/class/remoteproc/{entry}" for entry in shell.ls("/sys/class/remoteproc")]
        processor = next(path for path in found if shell.cat(f"{path}/name") != "wkup_m3\n")
        shell.echo(f"{processor}/state", "start")
        while not shell.exists(f"/dev/{link}"):
            pass
        assert shell.readlink(f"/dev/{link}") == node
        devices = "/sys/bus/rpmsg/devices"
        assert f"{channel}\n" in [shell.cat(f"{devices}/{d}/name") for d in shell.ls(devices)]
        shell.echo(f"{processor}/state", "stop")
        assert not shell.exists(f"/dev/{link}")


SYMLINK = """
[[rule]]
node = "remoteproc*"
name = "m4"
symlink = "by-name/%k-%n-$attr{name}"
"""


def test_a_rule_gives_links(write):
    with open_board(write(TWO + SYMLINK)) as system:
        shell = Userspace(system.tree)
        assert shell.ls("/dev/by-name") == ["remoteproc0-0-m4"]
        assert shell.readlink("/dev/by-name/remoteproc0-0-m4") == "../remoteproc0"


def test_a_file_of_rules_has_nothing_else(write):
    with (
        pytest.raises(CommandError, match=r"rules.toml:3: remoteproc: unknown key"),
        open_board(rules=write("\n\n[[remoteproc]]\n", "rules.toml")),
    ):
        pass


def test_everything_is_somebodys(write):
    with open_board(write(TWO), owner=Owner(1000, 100, 0o027)) as system:
        shell = Userspace(system.tree)
        for path, mode in (
            ("/", 0o40750),
            ("/sys", 0o40750),
            ("/sys/class/remoteproc/remoteproc0/state", 0o100640),
            ("/sys/class/remoteproc/remoteproc0/name", 0o100440),
        ):
            node = shell.lookup(path)
            assert (node.st_mode, node.uid, node.gid) == (mode, 1000, 100)


@pytest.mark.parametrize("words", ["uid=x", "gid=-1", "umask=888", "umask=1777", "uid=4294967295"])
def test_owners_that_cannot_be(words):
    with pytest.raises(Exception, match="must be a number of at most"):
        Options().add(words)


def test_owners():
    options = Options()
    options.add("uid=1000,gid=100,umask=022")
    assert options.of_board()["owner"] == Owner(1000, 100, 0o022)


def _main(capsys, *words):
    status = main(["board", *words])
    said = capsys.readouterr()
    return status, said.out, said.err


def test_a_good_board_is_said_to_be_good(write, capsys):
    path = write(TWO)
    assert _main(capsys, "check", path) == (0, f"{path}: good, 2 processors: m4, dsp\n", "")
    status, out, _ = _main(capsys, "check", "--json", path)
    assert status == 0
    assert json.loads(out) == {
        "board": path, "good": True, "complaints": [], "processors": ["m4", "dsp"],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("text", "status", "complaint"),
    [
        (TWO + 'lable = "x"\n', 1, "board.toml:11: remoteproc[1].lable: unknown key"),
        ('[[remoteproc]]\ncompatible = "rprocfs,cortex-m4"\nengine = "steam"\nauto-boot = true\n',
         1, "no engine steam"),
        (None, 2, "No such file or directory"),
    ],
)  # fmt: skip
def test_a_board_that_is_not_good(write, tmp_path, capsys, text, status, complaint):
    path = write(text) if text is not None else str(tmp_path / "missing.toml")
    found, out, err = _main(capsys, "check", path)
    assert (found, out) == (status, "")
    assert complaint in err
    assert err.count("\n") == 1
    found, out, err = _main(capsys, "check", "--json", path)
    assert (found, err) == (status, "")
    assert complaint in json.loads(out)["complaints"][0]


FULL = """
firmware-directory = "."
modules = ["virtio_rng"]

[[remoteproc]]
compatible = "rprocfs,sim"
label = 'quo"te\\'
auto-boot = false
phandle = 7
memory-region = ["ram"]

[[reserved-memory]]
label = "ram"
da = 0x1000
size = 0x1000

[soc]
family = "F"

[aliases]
"a.b" = "x"
"""


def test_what_is_shown_makes_the_same_board(write, tmp_path):
    with open_board(write(FULL + RULES)) as system:
        shell = Userspace(system.tree)
        Operations(system.tree).mkdir(
            shell.lookup("/sys/kernel/config/remoteproc"), "made", 0o755, None
        )
        shell.echo("/sys/kernel/config/remoteproc/made/compatible", "rprocfs,sim")
        shell.echo("/sys/kernel/config/remoteproc/made/memory-region", "ram")
        shell.echo("/sys/kernel/config/remoteproc/made/live", "1")
        shown = shell.cat(f"/{PATH}")
    first = load_board(str(tmp_path / "board.toml"))
    second = load_board(write(shown, "shown.toml"))
    (original,) = first.processors
    assert second.processors[0] == original
    assert second.processors[1]["label"] == "made"
    assert second.processors[1]["memory-region"] == original["memory-region"]
    for name in ("modules", "regions", "soc", "aliases", "rules"):
        assert getattr(second, name) == getattr(first, name)
    with open_board(str(tmp_path / "shown.toml")) as system:
        assert Userspace(system.tree).cat(f"/{PATH}") == shown


@pytest.mark.parametrize("name", ready_boards())
def test_ready_boards_are_good_and_shown(name, write, capsys):
    assert _main(capsys, "check", name)[0] == 0
    with open_board(name) as system:
        shown = Userspace(system.tree).cat(f"/{PATH}")
    found = load_board(write(shown))
    assert list(found.processors) == list(load_board(name).processors)


def test_show_of_nothing(tmp_path, capsys):
    assert main(["board", "show", str(tmp_path)]) == 1
    assert "no board is mounted there, or it is mounted strict" in capsys.readouterr().err
