"""modprobe under rprocfs run: the board's modules, with kmod and without."""

import errno
import os
import subprocess
import sys

import pytest

from rprocfs_fuse.run import modules
from tests.mount.conftest import needs
from tests.mount.test_run import Runner

BOARD = """
[[remoteproc]]
compatible = "rprocfs,sim"
"""


@pytest.fixture
def runner(before, tmp_path):
    (tmp_path / "board.toml").write_text(BOARD)
    return Runner(tmp_path / "board.toml", before)


@pytest.fixture(params=["kmod", "none"])
def modprobe(request):
    """How the command is called: kmod's by its name, and ours as it is found without that."""
    if request.param == "kmod":
        needs("modprobe")
        return "modprobe"
    return f"{modules.PLACE}/bin/modprobe"


def test_modules_of_the_board(runner, modprobe):
    out = runner.sh(f"""
        for name in rpmsg_char rpmsg-ctrl virtio_rpmsg_bus rproc_sim; do {modprobe} $name; done
        {modprobe} -q virtio_console
        cat /sys/module/virtio_console/initstate
        {modprobe} virtio-console
        {modprobe} rpmsg_client_sample count=7
        cat /sys/module/rpmsg_client_sample/parameters/count
        {modprobe} -a rng_core virtio_rng
        ls -d /sys/module/virtio_rng
    """)
    assert out.splitlines() == ["live", "7", "/sys/module/virtio_rng"]


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        ("no_such_module", "FATAL: Module no_such_module not found in directory"),
        ("-r rpmsg_char", "FATAL: Module rpmsg_char is builtin."),
        ("rpmsg_client_sample count=x", "could not insert 'rpmsg_client_sample'"),
    ],
)
def test_what_cannot_be(runner, modprobe, words, complaint):
    done = runner.run("sh", "-c", f"{modprobe} {words}")
    assert done.returncode == 1
    assert complaint in done.stderr


def test_a_module_of_this_machine_is_not_loaded(runner, tmp_path):
    """Not even one that is none: what the kernel would say is not asked for."""
    (tmp_path / "host.ko").write_bytes(b"\x7fELF no module")
    script = f"""
import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
numbers = {{"x86_64": (313, 175, 176), "aarch64": (273, 105, 106)}}[os.uname().machine]
fd = os.open({str(tmp_path / "host.ko")!r}, os.O_RDONLY)
for number, *arguments in (
    (numbers[0], fd, b"", 0), (numbers[0], 99, b"", 0), (numbers[1], b"x", 1, b""),
    (numbers[2], b"ext4", 0), (numbers[2], b"virtio_console", 0),
):
    result = libc.syscall(number, *arguments)
    print(result, ctypes.get_errno())
"""
    shell = 'modprobe virtio_console; exec "$@"'
    done = runner.run("sh", "-c", shell, "-", sys.executable, "-c", script)
    codes = (errno.EPERM, errno.EBADF, errno.EPERM, errno.ENOENT, errno.EBUSY)
    assert done.stdout.splitlines() == [f"-1 {code}" for code in codes]


def test_who_has_not_the_privilege_loads_nothing(runner):
    done = runner.run("setpriv", "--bounding-set", "-sys_module", "--inh-caps", "-sys_module",
                      f"{modules.PLACE}/bin/modprobe", "virtio_console")  # fmt: skip
    assert (done.returncode, "Operation not permitted" in done.stderr) == (1, True)


def test_kmod_reads_the_index(tmp_path):
    needs("modprobe")
    where = tmp_path / "lib/modules" / os.uname().release
    where.mkdir(parents=True)
    names = ["a", "ab", "abc", "abd", "b_long_name", "b_long_other", "zzz"]
    lines = {name: f"kernel/{name}.ko:" for name in names}
    (where / "modules.dep.bin").write_bytes(modules.index(lines))
    for name in [*names, "c", "b_long", "abcd"]:
        command = ["modprobe", "-d", str(tmp_path), "-D", name]
        done = subprocess.run(command, check=False, capture_output=True, text=True)
        assert (done.returncode == 0) == (name in names), (name, done.stderr)


PROBES = ["sysctl kernel.ostype", "systemd-detect-virt || :", "lsmod || :", "uname -a", "df /dev"]


@pytest.mark.parametrize("probe", PROBES)
def test_probes_of_scripts(runner, probe):
    if not probe.endswith(":"):
        needs(probe.split()[0])
    assert runner.run("sh", "-ec", probe).returncode == 0
