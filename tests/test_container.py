"""The Containerfile of docs/howto/on-a-linux-system.md: it builds, and a board boots in it."""

import os
import platform
import re
import shutil
import subprocess

import pytest

from tests.mount.conftest import needs_fuse
from tests.sessions import ROOT

PAGE = ROOT / "docs/howto/on-a-linux-system.md"
#: The certificates that pip here is told to trust, and their place in a container.
CERTIFICATE, THERE = os.environ.get("PIP_CERT"), "/etc/ssl/certs/ca-certificates.crt"
BOOT = """
cat /sys/class/remoteproc/remoteproc0/name
echo echo.elf > /sys/class/remoteproc/remoteproc0/firmware
echo start > /sys/class/remoteproc/remoteproc0/state
cat /sys/class/remoteproc/remoteproc0/state
"""


def needs_tools():
    """A machine without them skips, aloud; in CI that is a failure."""
    absent = [tool for tool in ("buildah", "mmdebstrap") if shutil.which(tool) is None]
    if absent or os.geteuid():
        missing = pytest.fail if os.environ.get("CI") else pytest.skip
        missing(f"no {' and no '.join(absent)}" if absent else "not root")


@pytest.fixture
def buildah(tmp_path):
    """Runs buildah on a storage of its own; returns what it prints.

    Neither an overlay nor a container's namespaces and cgroups are had everywhere tests run.
    """
    storage = [
        "--storage-driver",
        "vfs",
        "--root",
        tmp_path / "root",
        "--runroot",
        tmp_path / "run",
    ]

    def run(*words, **how):
        done = subprocess.run(
            ["buildah", *storage, *words], capture_output=True, text=True, check=False, **how
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    yield run
    run("rm", "--all")
    run("rmi", "--all", "--force")


def base(buildah, here):
    """What debian:stable-slim is, of the release of this machine."""
    tree, release = here / "base.tar", platform.freedesktop_os_release()["VERSION_CODENAME"]
    packages = "--include=apt,ca-certificates"  # which could not install over a mount
    mmdebstrap = ["mmdebstrap", "--quiet", "--variant=essential", packages, release, tree]
    done = subprocess.run(mmdebstrap, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    scratch = buildah("from", "scratch").strip()
    buildah("add", scratch, tree, "/")
    buildah("commit", scratch, "base")
    tree.unlink()
    return "base"


def test_the_containerfile_of_the_page(buildah, tmp_path):
    needs_tools()
    needs_fuse()
    text = re.search(r":caption: Containerfile\n\n(.*?)```", PAGE.read_text(), re.DOTALL)[1]
    (tmp_path / "Containerfile").write_text(text)
    subprocess.run(["git", "clone", "-q", ROOT, tmp_path / "source"], check=True)
    trust = [f"--volume={CERTIFICATE}:{THERE}:ro"] if CERTIFICATE else []
    buildah(
        "bud", "--isolation=chroot", "--from", base(buildah, tmp_path),
        *trust, "--tag", "board", "--file", tmp_path / "Containerfile", tmp_path / "source",
    )  # fmt: skip
    container = buildah("from", "board").strip()
    entry = re.search(r"ENTRYPOINT \[(.*)\]", text)[1].replace('"', "").split(", ")
    said = buildah(
        "run", "--isolation=chroot", "--cap-add=CAP_SYS_ADMIN", container,
        "--", *entry, "sh", "-c", BOOT,
    )  # fmt: skip
    assert said.split() == ["m4", "running"]
