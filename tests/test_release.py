"""`scripts/release`: an sdist and a wheel with all that belongs in them, and nothing else."""

import email
import os
import re
import subprocess
import tarfile
import zipfile

import pytest

from tests.sessions import ROOT


@pytest.fixture(scope="module")
def release(tmp_path_factory):
    out = tmp_path_factory.mktemp("release")
    command = [ROOT / "scripts/release", out]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr + done.stdout
    return out, done.stdout


@pytest.fixture(scope="module")
def tracked():
    done = subprocess.run(
        ["git", "ls-tree", "-r", "--name-only", "HEAD"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return set(done.stdout.splitlines())


@pytest.fixture(scope="module")
def wheel(release):
    (path,) = release[0].glob("*.whl")
    with zipfile.ZipFile(path) as archive:
        yield archive


def test_twine_has_no_complaint(release):
    assert re.findall("PASSED|FAILED|WARNING", release[1]) == ["PASSED", "PASSED"]


def test_the_sdist_has_all_that_is_tracked(release, tracked):
    (path,) = release[0].glob("*.tar.gz")
    with tarfile.open(path) as archive:
        names = {member.name.partition("/")[2] for member in archive if member.isfile()}
    assert tracked - names == set()
    made = {name for name in names - tracked if ".egg-info/" not in name}
    assert made == {"PKG-INFO", "setup.cfg"}


def test_the_wheel_has_the_packages_and_nothing_else(wheel, tracked):
    names = {name for name in wheel.namelist() if ".dist-info/" not in name}
    packages = {name for name in tracked if name.startswith("rprocfs/")}
    packages |= {
        name.removeprefix("mount/") for name in tracked if name.startswith("mount/rprocfs_")
    }
    assert names == packages


def test_the_metadata(wheel):
    (name,) = (name for name in wheel.namelist() if name.endswith("/METADATA"))
    metadata = email.message_from_bytes(wheel.read(name))
    versions = re.findall(r"Python :: (3\.\d+)", str(metadata.get_all("Classifier")))
    assert versions == ["3.11", "3.12", "3.13", "3.14"]
    assert metadata["Requires-Python"] == ">=3.11"
    assert "remoteproc" in metadata["Keywords"]
    urls = dict(line.split(", ") for line in metadata.get_all("Project-URL"))
    assert {"Documentation", "Changelog", "Issues", "Source"} <= set(urls)
    links = re.findall(r"^\[.+\]: (\S+)$", metadata.get_payload(), re.MULTILINE)
    assert links
    assert all(link.startswith("https://") for link in links), links
    assert any(name.endswith("/LICENSE") for name in wheel.namelist())


def test_what_is_there_is_not_overwritten(tmp_path):
    (tmp_path / "rprocfs-0.0.tar.gz").touch()
    done = subprocess.run(
        [ROOT / "scripts/release", tmp_path], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert done.stderr.endswith("rprocfs-0.0.tar.gz is there already: take it away first\n")
    assert os.listdir(tmp_path) == ["rprocfs-0.0.tar.gz"]
