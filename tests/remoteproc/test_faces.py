"""sysfs, debugfs and the character device of a processor."""

import errno
import os
import struct

import pytest

from rprocfs.lib.kstrtox import kstrtouint
from rprocfs.lib.string import strncmp_prefix
from rprocfs.remoteproc.cdev import RPROC_GET_SHUTDOWN_ON_RELEASE, RPROC_SET_SHUTDOWN_ON_RELEASE
from rprocfs.system import System
from rprocfs.testing.images import IMAGES
from rprocfs.testing.userspace import Userspace

R0 = "/sys/class/remoteproc/remoteproc0"
DEBUG = "/sys/kernel/debug/remoteproc/remoteproc0"


@pytest.fixture
def system(tmp_path):
    for name in ("good.elf", "elf64.elf", "carve-any.elf"):
        (tmp_path / name).write_bytes(IMAGES[name].make())
    with System(firmware=tmp_path) as system:
        system.add_processor({"compatible": "rprocfs,sim"})
        yield system


@pytest.fixture
def shell(system):
    return Userspace(system.tree)


def _errno(call, *args):
    try:
        call(*args)
    except OSError as failure:
        return failure.errno
    return 0


def _start(shell, image="good.elf"):
    shell.echo(f"{R0}/firmware", image)
    shell.echo(f"{R0}/state", "start")


def test_defaults(shell):
    texts = {name: shell.cat(f"{R0}/{name}") for name in shell.ls(R0) if name not in (
        "device", "subsystem", "power",
    )}  # fmt: skip
    devt = texts.pop("dev")
    assert devt.endswith(":0\n")
    assert texts == {
        "coredump": "disabled\n",
        "firmware": "rproc-sim0-fw\n",
        "name": "sim0\n",
        "recovery": "enabled\n",
        "state": "offline\n",
        "uevent": f"MAJOR={devt.split(':')[0]}\nMINOR=0\nDEVNAME=remoteproc0\nDEVTYPE=remoteproc\n",
    }


@pytest.mark.parametrize(
    "word", ["start\n\n", " start", "start ", "start\t", "START", "star", "start\r\n", "\n"]
)
def test_only_the_exact_words(shell, system, word):
    assert _errno(shell.echo, f"{R0}/state", word) == errno.EINVAL
    assert system.model.kmsg.records()[-1].text == (
        f"remoteproc remoteproc0: Unrecognised option: {word}"
    )


def test_a_nul_ends_the_word(shell):
    shell.echo(f"{R0}/firmware", "good.elf\njunk")
    assert shell.echo(f"{R0}/state", b"start\0junk") == 10
    assert shell.cat(f"{R0}/state") == "running\n"


@pytest.mark.parametrize("name", ["\n", "\nx", b"\0", ""])
def test_an_empty_firmware_name(shell, name):
    assert _errno(shell.echo, f"{R0}/firmware", name) == (errno.EINVAL if name else 0)
    assert shell.cat(f"{R0}/firmware") == "rproc-sim0-fw\n"


def test_coredump_words(shell):
    for word in ("enabled", "inline\n", "disabled"):
        shell.echo(f"{R0}/coredump", word)
        assert shell.cat(f"{R0}/coredump") == word.strip() + "\n"
    assert _errno(shell.echo, f"{R0}/coredump", "default") == errno.EINVAL
    assert _errno(shell.echo, f"{R0}/recovery", "maybe") == errno.EINVAL


def test_debugfs_modes(shell):
    modes = {name: shell.lookup(f"{DEBUG}/{name}").mode for name in shell.ls(DEBUG)}
    assert modes == {
        "vrings": 0o400,
        "carveout_memories": 0o400,
        "coredump": 0o600,
        "crash": 0o200,
        "name": 0o400,
        "recovery": 0o600,
        "resource_table": 0o400,
    }
    assert shell.cat(f"{DEBUG}/resource_table") == "No resource table found\n"
    assert shell.cat(f"{DEBUG}/carveout_memories") == ""


@pytest.mark.parametrize(
    ("file", "text", "code"),
    [
        ("recovery", "d", 0),
        ("recovery", "enabled\n", 0),
        ("recovery", "enabledx", errno.EINVAL),
        ("recovery", "", errno.EINVAL),
        ("recovery", "disabled\n\n\n", errno.EINVAL),
        ("recovery", "disabled and more", errno.EINVAL),
        ("coredump", "i", 0),
        ("coredump", "inline\n", 0),
        ("coredump", "junk", errno.EINVAL),
        ("crash", "", errno.EINVAL),
        ("crash", "x", errno.EINVAL),
        ("crash", "0x1\n", 0),
        ("crash", "4294967296", errno.ERANGE),
        ("name", "x", errno.EINVAL),
    ],
)
def test_debugfs_writes(shell, file, text, code):
    handle = shell.open(f"{DEBUG}/{file}")
    assert _errno(handle.write, text.encode(), 0) == code


def test_numbers_as_the_kernel_reads_them():
    assert [kstrtouint(text) for text in (b"0", b"010", b"0x1F\n", b"+7", b"4294967295")] == [
        0, 8, 31, 7, 4294967295,
    ]  # fmt: skip
    for text in (b"-1", b"1 ", b"08", b"1_0", b"0x", b"\n", b"++1", "\u0661".encode()):
        with pytest.raises(OSError, match="Invalid"):
            kstrtouint(text)


def test_the_resource_table_as_text(shell):
    _start(shell)
    text = shell.cat(f"{DEBUG}/resource_table")
    assert text.startswith(
        "Entry 0 is of type carveout\n  Device Address 0x10000000\n  Physical Address 0x"
    )
    assert "Entry 2 is of type vdev\n  ID 7\n  Notify ID" in text
    assert "  Status 0x7\n  Number of vrings 2\n  Reserved (should be zero) [0][0]\n\n" in text
    assert "    Number of buffers 16\n    Notify ID 1\n" in text


def test_carveouts_as_text(shell):
    _start(shell, "carve-any.elf")
    entries = shell.cat(f"{DEBUG}/carveout_memories").split("\n\n")
    assert len(entries) == 5
    lines = entries[0].split("\n")
    assert lines[0] == "Carveout memory entry:"
    assert [line.split(":")[0] for line in lines[1:]] == [
        "\tName", "\tVirtual address", "\tDMA address", "\tDevice address", "\tLength",
    ]  # fmt: skip


def test_a_trace_held_open_across_a_stop(shell):
    _start(shell)
    handle = shell.open(f"{DEBUG}/trace0", os.O_RDONLY)
    assert handle.read(100, 0).startswith(b"firmware boot")
    shell.echo(f"{R0}/state", "stop")
    assert _errno(handle.read, 1, 0) == errno.EIO
    _start(shell)
    assert _errno(handle.read, 1, 0) == errno.EIO


def test_strncmp():
    assert strncmp_prefix(b"st", "start")
    assert strncmp_prefix(b"start\0junk", "start")
    assert not strncmp_prefix(b"start\n", "start")
    assert not strncmp_prefix(b"st\0", "start")


def test_commands_of_the_character_device(shell, system):
    shell.echo(f"{R0}/firmware", "good.elf")
    node = "/dev/remoteproc0"
    for text in (b"start\n", b"", b"x" * 11, b"nonsense"):
        assert _errno(shell.open(node).write, text, 0) == errno.EINVAL
    assert shell.echo(node, "s") == 1
    assert shell.cat(f"{R0}/state") == "running\n"
    assert shell.echo(node, b"stop\0") == 5
    assert shell.cat(f"{R0}/state") == "offline\n"
    assert _errno(shell.open(node).read, 1, 0) == errno.EINVAL


def test_shutdown_on_release_belongs_to_the_processor(shell):
    _start(shell)
    first, second = shell.open("/dev/remoteproc0"), shell.open("/dev/remoteproc0")
    first.ioctl(RPROC_SET_SHUTDOWN_ON_RELEASE, 0, struct.pack("<i", 7))
    assert second.ioctl(RPROC_GET_SHUTDOWN_ON_RELEASE, 0, b"") == b"\1\0\0\0"
    assert _errno(first.ioctl, 0x1234, 0, b"") == errno.EINVAL
    second.release()
    assert shell.cat(f"{R0}/state") == "offline\n"
    first.release()


@pytest.mark.parametrize(("image", "size"), [("good.elf", 52), ("elf64.elf", 52)])
def test_a_coredump_is_an_elf_core(shell, system, image, size):
    _start(shell, image)
    shell.echo(f"{R0}/coredump", "enabled")
    shell.echo(f"{DEBUG}/crash", "0")
    system.settle()
    core = shell.cat_bytes(f"{R0}/devcoredump/data")
    ehdr = struct.unpack_from("<16s2H5I6H", core)
    assert ehdr[0] == b"\x7fELF\1\1\1" + bytes(9)
    assert ehdr[1:4] == (4, 40, 1)
    assert ehdr[5] == ehdr[8] == size
    phnum = ehdr[10]
    offset = size + 32 * phnum
    for number in range(phnum):
        phdr = struct.unpack_from("<8I", core, size + 32 * number)
        assert (phdr[0], phdr[1], phdr[6], phdr[7]) == (1, offset, 7, 0)
        assert phdr[2] == phdr[3]
        assert phdr[4] == phdr[5]
        offset += phdr[4]
    assert offset == len(core)
    assert shell.readlink(f"{R0}/devcoredump").endswith("/virtual/devcoredump/devcd1")
    assert shell.lookup(f"{R0}/devcoredump/data").mode == 0o600


def test_an_inline_dump_waits_for_its_reader(shell, system):
    _start(shell)
    shell.echo(f"{R0}/coredump", "inline")
    shell.echo(f"{DEBUG}/crash", "0")
    data = f"{R0}/devcoredump/data"
    while not shell.exists(data):
        pass
    assert shell.cat(f"{R0}/state") == "offline\n"
    assert b"firmware boot" in shell.cat_bytes(data)
    assert shell.cat(f"{R0}/state") == "offline\n"
    shell.echo(data, "1")
    system.settle()
    assert shell.cat(f"{R0}/state") == "running\n"


def test_one_dump_a_processor_and_none_once_disabled(shell, system):
    _start(shell)
    shell.echo(f"{R0}/coredump", "enabled")
    for _ in range(2):
        shell.echo(f"{DEBUG}/crash", "0")
        system.settle()
    assert shell.ls("/sys/class/devcoredump") == ["devcd1", "disabled"]
    assert _errno(shell.echo, "/sys/class/devcoredump/disabled", "2") == errno.EINVAL
    shell.echo("/sys/class/devcoredump/disabled", "1\n")
    assert shell.ls("/sys/class/devcoredump") == ["disabled"]
    shell.echo(f"{DEBUG}/crash", "0")
    system.settle()
    assert shell.ls("/sys/class/devcoredump") == ["disabled"]


def test_a_dump_nobody_fetches_goes(shell, system):
    system.devcoredump.timeout = 0.05
    _start(shell)
    shell.echo(f"{R0}/coredump", "enabled")
    shell.echo(f"{DEBUG}/crash", "0")
    system.settle()
    while shell.exists("/sys/class/devcoredump/devcd1"):
        pass
    assert not shell.exists(f"{R0}/devcoredump")
