"""A project of ``rprocfs firmware new``: written, built, checked, booted."""

import json
import os
import select
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from rprocfs.board import open_board
from rprocfs.cli import main
from rprocfs.commands.firmware import FLAVOURS
from rprocfs.system import bundled_firmware
from rprocfs_fuse import transport
from tests.mount.conftest import needs_fuse

ROOT = Path(__file__).parents[2]
ENGINES = [
    ("cortex-m3", "unicorn", ()),
    ("cortex-m4", "unicorn", ()),
    ("cortex-m4", "qemu", ("qemu-system-arm",)),
    ("rv32", "qemu", ("qemu-system-riscv32",)),
    ("native", "auto", ()),
]


@pytest.fixture
def project(tmp_path, capsys):
    def make(cpu):
        path = tmp_path / "project"
        assert main(["firmware", "new", "--cpu", cpu, str(path)]) == 0
        assert str(path) in capsys.readouterr().out
        return path

    return make


def needs(*programs):
    """Machines without them skip, aloud; in CI that is a failure."""
    for program in programs:
        if not shutil.which(program):
            missing = pytest.fail if os.environ.get("CI") else pytest.skip
            missing(f"no {program}: scripts/test installs it")


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """A directory with a project that was made, one for each processor."""
    known = {}

    def make(cpu):
        needs("make", FLAVOURS[cpu].compiler)
        if cpu not in known:
            path = tmp_path_factory.mktemp(cpu) / "project"
            assert main(["firmware", "new", "--cpu", cpu, str(path)]) == 0
            subprocess.run(["make", "-s", "-C", path], check=True)
            known[cpu] = path
        return known[cpu]

    return make


def until(condition):
    ends = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < ends
        time.sleep(0.01)


def read(fd):
    poll = select.poll()
    poll.register(fd, select.POLLIN)
    assert poll.poll(10_000)
    return os.read(fd, 512)


@pytest.mark.parametrize(("cpu", "engine", "programs"), ENGINES)
def test_a_project_boots_and_echoes(built, tmp_path, capsys, cpu, engine, programs):
    needs(*programs)
    needs_fuse()
    path = tmp_path / "project"
    shutil.copytree(built(cpu), path)
    capsys.readouterr()
    board = path / "board.toml"
    assert main(["check", "--board", str(board), "--json", str(path / "firmware.elf")]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["boots"]
    assert not report["findings"]
    if engine != "auto":
        with board.open("a") as file:
            file.write(f'engine = "{engine}"\n')
    mountpoint = path / "mnt"
    mountpoint.mkdir()
    with (
        open_board(str(board)) as system,
        transport.mount(system.tree, str(mountpoint), transport.MountOptions("devfuse")),
    ):
        (mountpoint / "sys/class/remoteproc/remoteproc0/state").write_text("start")
        channel = mountpoint / "sys/bus/rpmsg/devices/virtio0.rpmsg-raw.-1.1024/endpoint"
        until(channel.exists)
        fd = os.open(channel, os.O_RDWR)
        try:
            os.write(fd, b"hello")
            assert read(fd) == b"hello"
        finally:
            os.close(fd)
        trace = mountpoint / "sys/kernel/debug/remoteproc/remoteproc0/trace0"
        until(lambda: trace.read_text().endswith("echo: bytes 0x5\n"))
        assert trace.read_text().startswith("app: started\n")


@pytest.mark.parametrize("cpu", FLAVOURS)
def test_make_check_and_make_run(built, cpu):
    """As its README says; nothing is built a second time."""
    needs_fuse()
    path = built(cpu)
    image = (path / "firmware.elf").stat()
    done = subprocess.run(
        ["make", "-s", "-C", path, f"RPROCFS={sys.executable} -m rprocfs", "check", "run"],
        env=os.environ | {"PYTHONPATH": f"{ROOT}:{ROOT / 'mount'}"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert lines[0] == f"firmware.elf: boots on app (rprocfs,{cpu})"
    assert lines[-5:] == [
        "hello",
        "app: started",
        "rpmsg: up",
        "rpmsg: announced rpmsg-raw at 0x400",
        "echo: bytes 0x6",
    ]
    assert (path / "firmware.elf").stat().st_mtime_ns == image.st_mtime_ns


@pytest.mark.parametrize("cpu", FLAVOURS)
def test_what_is_written(project, cpu):
    path = project(cpu)
    names = {str(file.relative_to(path)) for file in path.rglob("*") if file.is_file()}
    assert names >= {"main.c", "Makefile", "README.md", "board.toml", "run.sh", "lib/vsoc.h"}
    assert len((path / "main.c").read_text().splitlines()) < 60
    for name in names - {"README.md", "board.toml"}:
        assert "SPDX-License-Identifier: MIT" in (path / name).read_text(), name
    assert f"{FLAVOURS[cpu].machine.platform_page.da:#010x}" in (path / "README.md").read_text()


def test_it_takes_an_empty_directory(tmp_path, capsys):
    assert main(["firmware", "new", str(tmp_path)]) == 0
    assert (tmp_path / "main.c").exists()
    capsys.readouterr()


def test_it_refuses_what_is_not_empty(tmp_path, capsys):
    (tmp_path / "main.c").write_text("mine")
    assert main(["firmware", "new", str(tmp_path)]) == 1
    assert capsys.readouterr().err == f"rprocfs: {tmp_path}: Directory not empty\n"
    assert [file.name for file in tmp_path.iterdir()] == ["main.c"]
    assert main(["firmware", "new", str(tmp_path / "main.c")]) == 1
    assert capsys.readouterr().err == f"rprocfs: {tmp_path / 'main.c'}: Not a directory\n"
    assert (tmp_path / "main.c").read_text() == "mine"


def test_a_cpu_that_there_is_not(tmp_path):
    with pytest.raises(SystemExit) as ended:
        main(["firmware", "new", "--cpu", "z80", str(tmp_path / "new")])
    assert ended.value.code == 2
    assert not (tmp_path / "new").exists()


def test_the_list_names_every_image(capsys):
    assert main(["firmware", "list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == sorted(
        name for name in os.listdir(bundled_firmware()) if name.endswith(".elf")
    )
    assert all(len(line.split()) > 3 for line in lines)
