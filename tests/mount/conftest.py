"""A sample tree, mounted in every way."""

import functools
import logging
import os
import shutil
import subprocess

import pytest

from rprocfs_fuse import transport
from rprocfs_fuse.mountpoint import find_mount, unmount
from tests.mount import memory, real
from tests.mount import sample as samples

KINDS = ["devfuse", "fusepy"]
#: Neither root's mounts nor a way around: uid 0 without CAP_SYS_ADMIN.
UNPRIVILEGED = ["setpriv", "--bounding-set", "-sys_admin", "--inh-caps", "-sys_admin"]


def needs_fuse():
    """A machine without FUSE skips, aloud; in CI that is a failure."""
    if os.path.exists("/dev/fuse"):
        return
    if os.environ.get("CI"):
        pytest.fail("/dev/fuse is missing")
    pytest.skip("/dev/fuse is missing: nothing of the mount is tested")


@functools.cache
def has_user_namespaces():
    done = subprocess.run(["unshare", "-r", "true"], capture_output=True, check=False)
    return done.returncode == 0


def needs_user_namespaces():
    """In a chroot the kernel refuses them, and some systems do everywhere: aloud, as above."""
    if not has_user_namespaces():
        missing = pytest.fail if os.environ.get("CI") else pytest.skip
        missing("no user namespace can be made: unshare -r true")


def needs(program):
    if shutil.which(program) is None:
        pytest.skip(f"{program} is not installed")
    if program == "setpriv":  # without the privilege, run makes one
        needs_user_namespaces()


def needs_run():
    """Only root can test `rprocfs run`: others skip, aloud."""
    needs_fuse()
    if os.geteuid():
        pytest.skip("not root: rprocfs run is tested as root, also what it does for users")


@pytest.fixture(params=["root", "user namespace"])
def before(request):
    """What is put in front of `rprocfs run`: nothing, or what takes root's privilege away."""
    needs_run()
    if request.param == "root":
        return []
    needs("setpriv")
    return UNPRIVILEGED


@pytest.fixture
def sample():
    return samples.Sample()


@pytest.fixture
def mountpoint(tmp_path):
    needs_fuse()
    directory = tmp_path / "mnt"
    directory.mkdir()
    yield directory
    while find_mount(str(directory)):  # a test that failed
        unmount(str(directory), lazy=True)


@pytest.fixture(params=KINDS)
def kind(request):
    return request.param


@pytest.fixture
def mounted(sample, mountpoint, kind):
    """The sample on a real mount, over each transport."""
    with transport.mount(sample.tree, mountpoint, transport.MountOptions(kind)):
        yield real.Real(mountpoint, kind)


@pytest.fixture(params=["memory", *KINDS])
def fs(request, sample):
    """The sample, with and without a mount."""
    if request.param == "memory":
        yield memory.Memory(sample.tree)
        return
    mountpoint = request.getfixturevalue("mountpoint")
    with transport.mount(sample.tree, mountpoint, transport.MountOptions(request.param)):
        yield real.Real(mountpoint, request.param)


@pytest.fixture(autouse=True)
def no_bugs(caplog):
    """A test in which a request failed unexpectedly fails."""
    yield
    found = [r for r in caplog.records if r.name.startswith("rprocfs_fuse")]
    assert not [r for r in found if r.levelno >= logging.ERROR]
