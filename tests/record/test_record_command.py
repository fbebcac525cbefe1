"""``rprocfs record`` on boards of ``rprocfs run``, and what comes of the board files."""

import io
import os
import shutil
import sys
import tarfile
import tomllib
from pathlib import Path

import pytest

import rprocfs
from rprocfs.cli import main
from rprocfs.errors import CommandError
from rprocfs.record.command import SCRIPT, unpack
from rprocfs_fuse.testing.board import RprocBoard
from tests.mount.conftest import needs_fuse
from tests.record.sysfs import node, processor, put
from tests.sshd import served

PACKAGE = Path(rprocfs.__file__).parent
#: All that a shell can see of the processors; va of a carveout is another one each time.
LOOK = r"""
cd /sys
find class/remoteproc/* devices/platform/*.* devices/platform/*m4* devices/platform/ahb \
    bus/rpmsg devices/soc0 firmware/devicetree kernel/debug/remoteproc /dev/remoteproc* \
    /dev/rpmsg* /dev/ttyRPMSG* -printf '%M %u %g %l %p\n' 2>/dev/null | sort
for d in class/remoteproc/*/ class/remoteproc/*/device/ bus/rpmsg/devices/*/ devices/soc0/; do
    for f in name firmware state uevent modalias dst driver_override machine family; do
        [ -f $d$f ] && sed "s|^|$d$f: |" $d$f
    done
done
cat kernel/debug/remoteproc/*/carveout_memories kernel/debug/remoteproc/*/resource_table |
    grep -v Virtual
cd firmware/devicetree/base 2>/dev/null && find . -type f | sort | xargs md5sum
true
"""


def boot_and_record(board, firmware, processors, channels):
    """Boot the *processors*; the recording, and what the board looks like."""
    words = ["--uname", "-o", f"firmware={firmware}"] + (["--board", board] if board else [])
    with RprocBoard(*words) as there:
        for name, image in processors.items():
            here = there.path / "sys/class/remoteproc" / name
            if image:
                (here / "firmware").write_text(image)
            (here / "state").write_text("start")
        for channel in channels:
            there.wait_for(f"sys/bus/rpmsg/devices/*.{channel}", 60)
        done = there.run([sys.executable, "-I", str(SCRIPT)], capture_output=True, check=True)
        tree = there.run(LOOK, shell=True, capture_output=True, text=True, check=True).stdout
    return done.stdout, tree


@pytest.mark.parametrize(
    ("board", "processors", "channels"),
    [
        ("stm32mp157", {"remoteproc0": ""}, ["rpmsg-tty.-1.1024", "rpmsg-client-sample.-1.1025"]),
        ("imx8mm-evk", {"remoteproc0": ""}, ["rpmsg-crash.-1.1026", "rpmsg-client-sample.-1.1025"]),
        ("zcu102", {"remoteproc0": ""}, ["rpmsg-raw.-1.1025"]),
        ("am62x", {"remoteproc0": ""}, ["ti.ipc4.ping-pong.-1.13"]),
        ("beaglebone-pru", {"remoteproc1": ""}, ["rpmsg-pru.-1.30"]),
        (None, {"remoteproc0": "echo.elf"}, ["rpmsg-raw.-1.1024"]),
    ],
)
def test_a_recorded_board_looks_like_the_board(board, processors, channels, tmp_path):
    needs_fuse()
    firmware = PACKAGE / "boards/firmware" / board if board else PACKAGE / "firmware"
    first, tree = boot_and_record(board, firmware, processors, channels)
    recorded = tmp_path / "recorded.toml"
    recorded.write_bytes(first)
    second, again = boot_and_record(str(recorded), firmware, processors, channels)
    assert again == tree
    assert second.decode() == first.decode()
    assert "remoteproc0" in tree and ("channels seen" in first.decode() or b"services" in first)


@pytest.fixture
def root(tmp_path):
    root = tmp_path / "root"
    node(root, ".", model="A Board")
    node(root, "m4", compatible="st,stm32mp1-m4", name="m4")
    processor(root, 0, "m4", of_node="m4", driver="stm32-rproc", name="m4")
    put(root, "lib/firmware/app.elf", b"image")
    return root


def test_a_file_and_a_directory(root, tmp_path, capsys):
    assert main(["record", "--root", str(root), "-o", str(tmp_path / "one.toml")]) == 0
    assert tomllib.loads((tmp_path / "one.toml").read_text())["description"] == "A Board, recorded"
    assert main(["record", "--root", str(root), "--firmware", str(tmp_path / "all")]) == 0
    assert (tmp_path / "all/firmware/app.elf").read_bytes() == b"image"
    assert main(["board", "check", str(tmp_path / "all/board.toml")]) in (0, 1)
    capsys.readouterr()


def test_over_ssh(root, tmp_path, monkeypatch, capfd):
    """ssh hands its words to a shell on the board."""
    ssh = tmp_path / "bin/ssh"
    ssh.parent.mkdir()
    ssh.write_text(
        f'#!/bin/sh\n[ "$1 $2 $3" = "-T -- the-board" ] || exit 9\nshift 3\n'
        f'PATH="{Path(sys.executable).parent}:$PATH" exec sh -c "$* --root {root}"\n'
    )
    ssh.chmod(0o755)
    monkeypatch.setenv("PATH", f"{ssh.parent}:{os.environ['PATH']}")
    assert main(["record", "--ssh", "the-board"]) == 0
    assert 'description = "A Board, recorded"' in capfd.readouterr().out
    assert main(["record", "--ssh", "the-board", "--firmware", str(tmp_path / "all")]) == 0
    assert (tmp_path / "all/firmware/app.elf").exists()
    assert main(["record", "--ssh=-oProxyCommand=x"]) == 1
    assert "not recorded (exit status 9)" in capfd.readouterr().err


def test_over_a_real_sshd(sshd_config, tmp_path, monkeypatch):
    needs_fuse()
    config, key = sshd_config
    real = shutil.which("ssh")
    with served(config, "am62x") as port:
        (tmp_path / "config").write_text(
            f"Host the-board\nHostName 127.0.0.1\nPort {port}\nUser root\nIdentityFile {key}\n"
            f"UserKnownHostsFile {tmp_path}/known\nStrictHostKeyChecking accept-new\n"
        )
        (tmp_path / "ssh").write_text(f'#!/bin/sh\nexec {real} -F {tmp_path}/config "$@"\n')
        (tmp_path / "ssh").chmod(0o755)
        monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
        assert main(["record", "--ssh", "the-board", "--firmware", str(tmp_path / "all")]) == 0
    text = (tmp_path / "all/board.toml").read_text()
    assert "Texas Instruments AM625 SK, recorded" in text
    assert list((tmp_path / "all/firmware").iterdir())


def test_failures_are_one_line(tmp_path, capfd):
    empty = tmp_path / "empty"
    empty.mkdir()
    out = tmp_path / "out.toml"
    assert main(["record", "--root", str(empty), "-o", str(out)]) == 1
    assert not out.exists()
    assert capfd.readouterr().err == (
        "record: sys/class/remoteproc: no processor, and no devicetree\n"
        "rprocfs: not recorded (exit status 1)\n"
    )


def test_the_script_can_be_taken_along(tmp_path, capfdbinary):
    assert main(["record", "--print-script"]) == 0
    assert capfdbinary.readouterr().out == SCRIPT.read_bytes()


def _tar(*members):
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as tar:
        for name, kind in members:
            about = tarfile.TarInfo(name)
            about.type, about.linkname = kind, "/etc"
            tar.addfile(about)
    return data.getvalue()


@pytest.mark.parametrize(
    "member",
    [
        ("../evil", tarfile.REGTYPE),
        ("/etc/evil", tarfile.REGTYPE),
        ("firmware/../../evil", tarfile.REGTYPE),
        ("firmware", tarfile.SYMTYPE),
        ("firmware/null", tarfile.CHRTYPE),
        ("other", tarfile.REGTYPE),
    ],
)
def test_a_board_that_sends_something_else(member, tmp_path):
    with pytest.raises(CommandError, match="which is no image"):
        unpack(_tar(member), tmp_path / "out")
    assert not (tmp_path / "evil").exists()
    assert not (tmp_path / "out").exists()


def test_a_link_that_is_there_is_not_followed(tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out/firmware").symlink_to("/tmp")
    with pytest.raises(CommandError, match="leads out of"):
        unpack(_tar(("firmware/x", tarfile.REGTYPE)), tmp_path / "out")


def test_noise_is_no_recording(tmp_path):
    with pytest.raises(CommandError, match="no tar file"):
        unpack(b"Welcome to the board!\n" * 100, tmp_path)
