"""Examples that are packages: beside rprocfs in a fresh environment they pass their own tests."""

import os
import shutil
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
EXAMPLES = ROOT / "examples"
EXAMPLE = EXAMPLES / "acme-soc"
#: Each package and how many tests it has.
PACKAGES = {"acme-soc": 30, "rpmsg-driver": 4}


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """The directory of the commands; what rprocfs depends on is that of these tests."""
    directory = tmp_path_factory.mktemp("acme")
    for name in PACKAGES:
        shutil.copytree(EXAMPLES / name, directory / name)
    subprocess.run(["git", "clone", "-q", ROOT, directory / "rprocfs"], check=True)
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "-q"]
    venv.create(directory / "venv", symlinks=True)
    python = directory / "venv/bin/python"
    packages = sysconfig.get_path(
        "purelib", vars={"base": str(directory / "venv"), "platbase": str(directory / "venv")}
    )
    Path(packages, "dependencies.pth").write_text(sysconfig.get_path("purelib"))
    for name in ("rprocfs", *PACKAGES):
        wheels = directory / f"wheel-{name}"
        subprocess.run(
            [*pip, "wheel", "--no-deps", "-w", wheels, directory / name],
            check=True,
        )
        subprocess.run(
            [*pip, "--python", python, "install", "--no-deps", *wheels.glob("*.whl")], check=True
        )
    return directory / "venv/bin"


def _run(installed, directory, *command):
    return subprocess.run(
        [installed / command[0], *command[1:]], cwd=directory, capture_output=True, text=True,
        env={"PATH": f"{installed}:{os.environ['PATH']}"}, timeout=280, check=False,
    )  # fmt: skip


@pytest.mark.parametrize("name", PACKAGES)
def test_its_tests(name, installed, tmp_path):
    """Among those of acme-soc is the driver table on both cores."""
    shutil.copytree(EXAMPLES / name / "tests", tmp_path / "tests")
    for board in (EXAMPLES / name).glob("*.toml"):
        shutil.copy(board, tmp_path)
    done = _run(installed, tmp_path, "python", "-m", "pytest", "-q", "-p", "no:cacheprovider")
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{PACKAGES[name]} passed" in done.stdout


def test_all_packages_are_here():
    assert set(PACKAGES) == {path.parent.name for path in EXAMPLES.glob("*/pyproject.toml")}


def test_its_board_is_listed_and_good(installed, tmp_path):
    listed = _run(installed, tmp_path, "rprocfs", "board", "list").stdout
    assert ["acme", "Acme evaluation board: both Cortex-M4 of a DS2"] in [
        line.split(maxsplit=1) for line in listed.splitlines()
    ]
    done = _run(installed, tmp_path, "rprocfs", "board", "check", "acme")
    assert (done.stdout, done.stderr) == ("acme: good, 2 processors: cm0, cm1\n", "")


def test_a_key_of_the_driver_has_its_type(installed, tmp_path):
    text = '[[remoteproc]]\ncompatible = "acme,ds2-cm4"\n"acme,delay-ms" = "long"\n'
    (tmp_path / "board.toml").write_text(text + '"acme,colour" = 1\n')
    done = _run(installed, tmp_path, "rprocfs", "board", "check", "board.toml")
    assert done.returncode == 1
    assert "board.toml:3: remoteproc[0].acme,delay-ms: must be a number" in done.stderr
    assert "board.toml:4: remoteproc[0].acme,colour: unknown key" in done.stderr


def test_the_package_is_small():
    files = [*(EXAMPLE / "acme_soc").glob("*.py"), EXAMPLE / "pyproject.toml"]
    assert sum(len(path.read_text().splitlines()) for path in files) < 250


@pytest.mark.skipif(
    shutil.which("arm-none-eabi-gcc") is None, reason="no arm-none-eabi-gcc: apt-get install it"
)
def test_the_images_are_those_of_the_sources(tmp_path):
    subprocess.run([EXAMPLE / "firmware" / "build", tmp_path], check=True)
    for name in ("acme-cm0.elf", "acme-cm1.elf"):
        assert (tmp_path / name).read_bytes() == (EXAMPLE / "acme_soc" / name).read_bytes()
