"""The wheel, in a fresh environment and an empty directory, does what the README shows."""

import os
import re
import subprocess
import sys
import sysconfig
import venv

import pytest

from tests import sessions
from tests.mount.conftest import needs_fuse
from tests.sessions import ROOT


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """Where the commands of the wheel are; what it depends on is that of the tests."""
    directory = tmp_path_factory.mktemp("wheel")
    source = directory / "source"
    subprocess.run(["git", "clone", "-q", ROOT, source], check=True)
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "-q"]
    subprocess.run([*pip, "wheel", "--no-deps", "-w", directory, source], check=True)
    (wheel,) = directory.glob("*.whl")
    venv.create(directory / "venv", symlinks=True)
    python = directory / "venv/bin/python"
    subprocess.run([*pip, "--python", python, "install", "--no-deps", wheel], check=True)
    packages = sysconfig.get_path(
        "purelib", vars={"base": str(directory / "venv"), "platbase": str(directory / "venv")}
    )
    with open(os.path.join(packages, "dependencies.pth"), "w") as file:
        file.write(sysconfig.get_path("purelib"))
    return directory / "venv/bin"


@pytest.fixture
def environment(installed):
    return {"PATH": f"{installed}:{os.environ['PATH']}", "PYTHONPATH": ""}


def test_the_sessions_of_the_readme(environment, tmp_path):
    needs_fuse()
    text = (ROOT / "README.md").read_text().replace("/tmp/board", str(tmp_path / "board"))
    text = re.sub(r"^\[ +[0-9.]+\]", "...", text, flags=re.MULTILINE)
    _, (session, run, *_others) = sessions.parse(text)
    sessions.play(session, tmp_path, environment, pause=0.3)
    sessions.play(run, tmp_path, environment)


@pytest.mark.skipif(os.geteuid() != 0, reason="mount(8) lets only root mount")
def test_mount(environment, tmp_path):
    """In a namespace of its own, whose /sbin has the helper."""
    needs_fuse()
    script = """
        mkdir helpers mnt
        cp /sbin/mount.* helpers || :
        rprocfs setup --root . mount-helper
        cp sbin/mount.fuse.rprocfs helpers
        mount --bind helpers /sbin
        mount -t fuse.rprocfs none mnt
        cat mnt/sys/class/remoteproc/remoteproc0/name
        umount mnt
    """
    done = subprocess.run(
        ["unshare", "-m", "sh", "-euc", script], cwd=tmp_path, env=os.environ | environment,
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert (done.stdout, done.stderr) == ("sbin/mount.fuse.rprocfs\nm4\n", "")


def test_the_kit_for_firmware(environment, tmp_path):
    run = ["sh", "-euc", "rprocfs firmware new app; ls app app/lib"]
    done = subprocess.run(run, cwd=tmp_path, env=os.environ | environment, capture_output=True,
                          text=True, timeout=60, check=False)  # fmt: skip
    assert done.stderr == ""
    assert {"main.c", "Makefile", "vsoc.c", "vsoc.h", "vsoc.ld"} <= set(done.stdout.split())
