"""Processors made by mkdir: in memory, and from a shell over each transport."""

import errno
import gc
import os
import subprocess
import threading
import weakref

import pytest

from rprocfs.board import open_board
from rprocfs.remoteproc.configfs import LIVE_MAX
from rprocfs.remoteproc.core import rproc_get_by_phandle
from rprocfs.testing.userspace import Userspace
from rprocfs_fuse import transport
from rprocfs_fuse.operations import Operations
from tests.mount.conftest import KINDS, mountpoint  # noqa: F401 - a fixture

CONFIG = "/sys/kernel/config/remoteproc"
R0 = "/sys/class/remoteproc/remoteproc0"


@pytest.fixture
def system(tmp_path):
    board = tmp_path / "board.toml"
    board.write_text('[[reserved-memory]]\nlabel = "ram"\nda = 0x1000\nsize = 0x1000\n')
    with open_board(str(board)) as system:
        yield system


@pytest.fixture
def shell(system):
    return Userspace(system.tree)


@pytest.fixture
def operations(system):
    return Operations(system.tree)


@pytest.fixture
def group(shell):
    return shell.lookup(CONFIG)


def _refused(code, function, *arguments):
    with pytest.raises(OSError) as caught:
        function(*arguments)
    assert caught.value.errno == code, os.strerror(caught.value.errno)


def _log(system):
    return [record.text for record in system.model.kmsg.records()]


def test_from_nothing_to_a_processor_and_back(system, shell, operations, group):
    operations.mkdir(group, "m4", 0o700, None)
    item = f"{CONFIG}/m4"
    assert group.lookup("m4").st_mode == 0o40755
    assert shell.cat(f"{item}/live") == "0\n"
    assert shell.cat(f"{item}/dev_name") == "\n"
    shell.echo(f"{item}/compatible", "rprocfs,sim")
    shell.echo(f"{item}/firmware-name", "mine.elf")
    shell.echo(f"{item}/phandle", "0x10")
    shell.echo(f"{item}/lenient", "y")
    assert shell.cat(f"{item}/phandle") == "16\n"
    assert shell.cat(f"{item}/lenient") == "1\n"
    shell.echo(f"{item}/live", "1")
    assert shell.cat(f"{item}/live") == "1\n"
    name = shell.cat(f"{item}/dev_name").strip()
    assert shell.ls(f"/sys/bus/platform/devices/{name}/remoteproc") == ["remoteproc0"]
    assert shell.cat(f"{R0}/name") == "m4\n"
    assert shell.cat(f"{R0}/firmware") == "mine.elf\n"
    assert rproc_get_by_phandle(system.remoteproc, 16).label == "m4"
    shell.echo(f"{item}/live", "0")
    assert shell.ls("/sys/class/remoteproc") == []
    assert shell.cat(f"{item}/dev_name") == "\n"
    handle = shell.open(f"{item}/live", os.O_RDONLY)
    operations.rmdir(group, "m4", None)
    assert shell.ls(CONFIG) == []
    _refused(errno.ENODEV, handle.read, 100, 0)


def test_what_is_live_stays_as_it_is(shell, operations, group):
    operations.mkdir(group, "m4", 0o755, None)
    shell.echo(f"{CONFIG}/m4/compatible", "rprocfs,sim")
    shell.echo(f"{CONFIG}/m4/live", "1")
    _refused(errno.EBUSY, operations.rmdir, group, "m4", None)
    _refused(errno.EBUSY, shell.echo, f"{CONFIG}/m4/label", "other")
    _refused(errno.EPERM, shell.echo, f"{CONFIG}/m4/live", "1")
    assert shell.cat(f"{R0}/name") == "m4\n"


@pytest.mark.parametrize(
    ("key", "text", "why"),
    [
        ("compatible", "rprocfs,simm", "no driver for rprocfs,simm"),
        ("phandle", "seven", "invalid literal"),
        ("phandle", "-1", "not in 32 bits"),
        ("watchdog-ms", "4294967296", "not in 32 bits"),
        ("auto-boot", "maybe", "neither 0 nor 1"),
        ("label", "../m4", "not a name"),
        ("label", "m\x01", "not printable"),
        ("label", "m\n4", "not printable"),
        ("services", "x" * 2000, "too long"),
        ("memory-region", "ram rom", "no [[reserved-memory]] is called rom"),
    ],
)
def test_values_that_make_no_sense(system, shell, operations, group, key, text, why):
    operations.mkdir(group, "m4", 0o755, None)
    before = shell.cat(f"{CONFIG}/m4/{key}")
    _refused(errno.EINVAL, shell.echo, f"{CONFIG}/m4/{key}", text)
    assert shell.cat(f"{CONFIG}/m4/{key}") == before
    (line,) = _log(system)
    assert line.startswith(f"remoteproc_configfs m4: {key}: ")
    assert why in line


def test_a_region_of_the_board(system, shell, operations, group):
    operations.mkdir(group, "m4", 0o755, None)
    shell.echo(f"{CONFIG}/m4/memory-region", "ram")
    shell.echo(f"{CONFIG}/m4/compatible", "rprocfs,sim")
    shell.echo(f"{CONFIG}/m4/live", "1")
    name = shell.cat(f"{CONFIG}/m4/dev_name").strip()
    (region,) = system.platform.devices[name].properties["memory-region"]
    assert region["da"] == 0x1000


def test_live_needs_a_driver_that_takes_it(system, shell, operations, group):
    operations.mkdir(group, "m4", 0o755, None)
    _refused(errno.EINVAL, shell.echo, f"{CONFIG}/m4/live", "1")
    assert _log(system) == ["remoteproc_configfs m4: compatible is not set"]
    _refused(errno.EINVAL, shell.echo, f"{CONFIG}/m4/live", "maybe")
    _refused(errno.EPERM, shell.echo, f"{CONFIG}/m4/live", "0")
    shell.echo(f"{CONFIG}/m4/compatible", "rprocfs,cortex-m4")
    shell.echo(f"{CONFIG}/m4/engine", "steam")
    _refused(errno.ENXIO, shell.echo, f"{CONFIG}/m4/live", "1")
    assert shell.ls("/sys/class/remoteproc") == []
    shell.echo(f"{CONFIG}/m4/engine", "\n")
    shell.echo(f"{CONFIG}/m4/live", "1")
    assert shell.ls("/sys/class/remoteproc") == ["remoteproc0"]


def test_names(operations, group):
    operations.mkdir(group, "m4", 0o755, None)
    _refused(errno.EEXIST, operations.mkdir, group, "m4", 0o755, None)
    _refused(errno.EINVAL, operations.mkdir, group, "m\n4", 0o755, None)
    _refused(errno.EINVAL, operations.mkdir, group, "m\udcff", 0o755, None)
    _refused(errno.ENOENT, operations.rmdir, group, "m7", None)
    _refused(errno.EPERM, operations.mkdir, group.lookup("m4"), "sub", 0o755, None)
    _refused(errno.EPERM, operations.unlink, group.lookup("m4"), "live", None)


def test_only_root_makes_processors(operations, group):
    caller = operations.caller(1000, 1000, os.getpid())
    _refused(errno.EACCES, operations.mkdir, group, "m4", 0o755, caller)


def test_it_is_hidden_where_a_board_has_none():
    with open_board(strict=True) as system:
        assert not Userspace(system.tree).exists(CONFIG)
    with open_board(strict=True, configfs=True) as system:
        assert Userspace(system.tree).exists(CONFIG)


def test_many_at_once(shell, operations, group):
    def use(number):
        operations.mkdir(group, f"p{number}", 0o755, None)
        shell.echo(f"{CONFIG}/p{number}/compatible", "rprocfs,sim")
        for _ in range(10):
            shell.echo(f"{CONFIG}/p{number}/live", "1")
            shell.echo(f"{CONFIG}/p{number}/live", "0")
        shell.echo(f"{CONFIG}/p{number}/live", "1")

    threads = [threading.Thread(target=use, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(shell.ls("/sys/class/remoteproc")) == 8
    names = {shell.cat(f"{CONFIG}/p{number}/dev_name") for number in range(8)}
    assert len(names) == 8


def _live(shell, operations, group, number):
    operations.mkdir(group, f"p{number}", 0o755, None)
    shell.echo(f"{CONFIG}/p{number}/compatible", "rprocfs,sim")
    shell.echo(f"{CONFIG}/p{number}/live", "1")


def test_as_many_as_there_may_be(system, shell, operations, group):
    for number in range(LIVE_MAX):
        _live(shell, operations, group, number)
    _refused(errno.ENOSPC, _live, shell, operations, group, LIVE_MAX)
    assert _log(system)[-1] == f"remoteproc_configfs p{LIVE_MAX}: {LIVE_MAX} are live already"
    shell.echo(f"{CONFIG}/p0/live", "0")
    shell.echo(f"{CONFIG}/p0/compatible", "rprocfs,cortex-m4")
    shell.echo(f"{CONFIG}/p0/engine", "steam")
    _refused(errno.ENXIO, shell.echo, f"{CONFIG}/p0/live", "1")  # and keeps no place
    shell.echo(f"{CONFIG}/p{LIVE_MAX}/live", "1")
    assert len(shell.ls("/sys/class/remoteproc")) == LIVE_MAX


def test_what_is_removed_is_freed(system, shell, operations, group):
    _live(shell, operations, group, 0)
    item = group.lookup("p0")
    seen = [weakref.ref(thing) for thing in (item, item.device)]
    del item
    shell.echo(f"{CONFIG}/p0/live", "0")
    operations.rmdir(group, "p0", None)
    gc.collect()
    assert [ref() for ref in seen] == [None, None]
    assert shell.ls(CONFIG) == shell.ls("/sys/class/remoteproc") == []


def test_open_of_a_device_that_goes_at_that_moment(system):
    """The node was found, then the processor was released: chrdev_open() answers ENXIO."""
    device = system.add_processor({"compatible": "rprocfs,sim"})
    opener = system.tree.root.lookup("dev").lookup("remoteproc0").opener
    device.platform_device_del()
    with pytest.raises(OSError, match="No such device or address"):
        opener(os.O_RDWR)


SESSION = """
cd "$0/sys/kernel/config/remoteproc"
mkdir m4 dsp
echo rprocfs,sim >m4/compatible
echo rprocfs,sim >dsp/compatible
echo 1 >m4/live
echo 1 >dsp/live
cat ../../../class/remoteproc/remoteproc*/name
! rmdir m4 2>/dev/null
echo 0 >m4/live
rmdir m4
ls
"""


@pytest.mark.parametrize("kind", KINDS)
def test_from_a_shell(system, mountpoint, kind):  # noqa: F811
    with transport.mount(system.tree, mountpoint, transport.MountOptions(kind)):
        done = subprocess.run(
            ["sh", "-ec", SESSION, mountpoint],
            capture_output=True, text=True, timeout=30, check=False,
        )  # fmt: skip
    assert (done.stdout, done.stderr) == ("m4\ndsp\ndsp\n", "")


def test_a_debugger_is_let_in_while_it_is_live(shell, operations, group, tmp_path):
    operations.mkdir(group, "m4", 0o700, None)
    item, path = f"{CONFIG}/m4", tmp_path / "gdb"
    shell.echo(f"{item}/compatible", "rprocfs,cortex-m4")
    shell.echo(f"{item}/engine", "unicorn")
    shell.echo(f"{item}/live", "1")
    shell.echo(f"{item}/gdb", f"{path}\n")
    assert shell.cat(f"{R0}/gdb") == shell.cat(f"{item}/gdb") == f"{path}\n"
    shell.echo(f"{item}/gdb-halt", "1")
    assert shell.cat(f"{R0}/gdb_halt") == "1\n"
    _refused(errno.EINVAL, shell.echo, f"{item}/gdb", "x")
    _refused(errno.EBUSY, shell.echo, f"{item}/engine", "qemu")
    shell.echo(f"{item}/gdb", "\n")
    assert shell.cat(f"{R0}/gdb") == "\n"
    shell.echo(f"{item}/live", "0")


def test_a_simulated_processor_lets_no_debugger_in(shell, operations, group):
    operations.mkdir(group, "sim", 0o700, None)
    shell.echo(f"{CONFIG}/sim/compatible", "rprocfs,sim")
    shell.echo(f"{CONFIG}/sim/live", "1")
    _refused(errno.EBUSY, shell.echo, f"{CONFIG}/sim/gdb", "/gdb")
    shell.echo(f"{CONFIG}/sim/live", "0")
