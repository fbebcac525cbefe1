"""libudev, udevadm and pyudev on a board under rprocfs run."""

import os
import sys
from pathlib import Path

import pytest

from rprocfs.testing.images import IMAGES
from tests.mount.conftest import needs
from tests.mount.test_run import R0, Runner, gone, wait_until

TWO = """
[[remoteproc]]
compatible = "rprocfs,sim"
label = "m4"

[[remoteproc]]
compatible = "rprocfs,sim"
label = "dsp"
"""
DEVICE = "/devices/platform/rproc-sim.0/remoteproc/remoteproc0"


@pytest.fixture
def runner(before, tmp_path):
    (tmp_path / "board.toml").write_text(TWO)
    return Runner(tmp_path / "board.toml", before)


PLACES = """
/sys sysfs
/sys/class/remoteproc sysfs
/sys/devices/platform/rproc-sim.0 sysfs
/sys/bus/platform/devices/rproc-sim.0 sysfs
/sys/kernel/debug debugfs
/sys/kernel/debug/remoteproc/remoteproc0/name debugfs
/sys/kernel/config configfs
/dev tmpfs
/dev/remoteproc0 tmpfs
/dev/pts devpts
"""


def test_statfs_says_what_a_board_has(runner):
    runner.options = ["-o", "configfs"]
    places = dict(line.split() for line in PLACES.strip().splitlines())
    script = "".join(f"stat -f -c %T {place}; " for place in places)
    assert dict(zip(places, runner.sh(script).split(), strict=True)) == places


def test_statfs_of_an_open_file_and_by_other_names(runner):
    script = f"""
import ctypes, os
def magic(fd):
    buffer = ctypes.create_string_buffer(120)
    assert ctypes.CDLL(None).fstatfs(fd, buffer) == 0
    return hex(int.from_bytes(buffer.raw[:8], "little"))
state, kmsg = os.open("{R0}/state", os.O_PATH), os.open("/dev/kmsg", os.O_RDONLY)
print(magic(state), magic(kmsg), flush=True)
os.chdir("{R0}")
os.symlink("/sys/class/remoteproc", "/tmp/link-%d" % os.getpid())
try:
    for path in (".", "../..", "/tmp/link-%d" % os.getpid(), "/proc"):
        os.system("stat -f -c %%T %s" % path)
finally:
    os.unlink("/tmp/link-%d" % os.getpid())
"""
    done = runner.run(sys.executable, "-c", script)
    assert done.stderr == ""
    assert done.stdout.split() == ["0x62656572", "0x1021994", "sysfs", "sysfs", "sysfs", "proc"]


def test_devices_by_link(runner, tmp_path):
    (tmp_path / "link").symlink_to("/dev/remoteproc0")
    os.symlink(tmp_path / "link", tmp_path / "remoteproc7")
    out = runner.sh(f"stat -L -c %F {tmp_path}/remoteproc7; cd /dev; stat -c %F kmsg null pts")
    assert out == "character special file\n" * 3 + "directory\n"


def test_udevadm_knows_the_devices(runner):
    needs("udevadm")
    by_path = runner.sh(f"udevadm info -q property -p {R0}")
    assert by_path == runner.sh("udevadm info -q property -n /dev/remoteproc0")
    assert {
        f"DEVPATH={DEVICE}", "DEVNAME=/dev/remoteproc0", "DEVTYPE=remoteproc",
        "SUBSYSTEM=remoteproc",
    } <= set(by_path.split())  # fmt: skip
    chain = runner.sh(f"udevadm info -a -p {R0}")
    assert f"looking at device '{DEVICE}'" in chain
    assert 'ATTR{name}=="m4"' in chain
    assert 'DRIVERS=="rproc-sim"' in chain
    triggered = runner.sh("udevadm trigger --verbose --dry-run --subsystem-match=remoteproc")
    assert [line.rpartition("/")[2] for line in triggered.splitlines()] == [
        "remoteproc0",
        "remoteproc1",
    ]


PYUDEV = f"""
import pyudev
context = pyudev.Context()
for device in context.list_devices(subsystem="remoteproc"):
    print(device.sys_name, device.device_node, device.attributes.asstring("name"))
device = pyudev.Devices.from_device_file(context, "/dev/remoteproc1")
print(device.parent.sys_path, device.parent.driver)
monitor = pyudev.Monitor.from_netlink(context, source="kernel")
monitor.filter_by("remoteproc")
monitor.start()
open("{R0}/uevent", "w").write("change")
event = monitor.poll(timeout=10)
print(event.action, event.sys_name)
"""


def test_pyudev_lists_and_listens(runner):
    runner.options = ["--uevents"]
    done = runner.run(sys.executable, "-c", PYUDEV)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [
        "remoteproc0 /dev/remoteproc0 m4",
        "remoteproc1 /dev/remoteproc1 dsp",
        "/sys/devices/platform/rproc-sim.1 rproc-sim",
        "change remoteproc0",
    ]


RULES = """
SUBSYSTEM=="remoteproc", ATTR{name}=="dsp", SYMLINK+="remoteproc/pruss-core0", MODE="0640"
SUBSYSTEM=="rpmsg", KERNEL=="rpmsg[0-9]*", SYMLINK+="by-name/$attr{name}"
SUBSYSTEM=="devcoredump", ACTION=="add", \
    RUN+="/bin/sh -c 'echo $env{DEVPATH} > /dev/dumped; echo 1 > /sys$env{DEVPATH}/data'"
"""
BOARD = """
firmware-directory = "."

[[remoteproc]]
compatible = "rprocfs,sim"
label = "m4"
firmware-name = "good.elf"
services = "rpmsg-raw@1024"

[[remoteproc]]
compatible = "rprocfs,sim"
label = "dsp"
"""
UDEV = f"""
stat -c '%F %A' /dev/remoteproc1
readlink /dev/remoteproc/pruss-core0
udevadm info -q symlink -n /dev/remoteproc1
cd {R0}
echo enabled > coredump
echo start > state
while [ ! -e /dev/by-name ]; do udevadm settle; done
readlink /dev/by-name/rpmsg-raw
echo 1 > /sys/kernel/debug/remoteproc/remoteproc0/crash
while [ ! -s /dev/dumped ]; do udevadm settle; done
cat /dev/dumped
"""


@pytest.fixture
def udev(runner, tmp_path):
    needs("udevadm")
    (tmp_path / "good.elf").write_bytes(IMAGES["good.elf"].make())
    (tmp_path / "board.toml").write_text(BOARD)
    (tmp_path / "80-board.rules").write_text(RULES)
    runner.options = ["--udev", tmp_path / "80-board.rules"]
    return runner


def test_the_rules_of_a_board_with_the_real_udevd(udev):
    done = udev.run("sh", "-ec", UDEV)
    assert done.stdout.splitlines() == [
        "character special file crw-r-----",
        "../remoteproc1",
        "remoteproc/pruss-core0",
        "../rpmsg0",
        "/devices/virtual/devcoredump/devcd1",
    ]
    assert done.returncode == 0
    assert "board.rules" not in done.stderr


def test_a_rule_that_is_wrong_is_named(udev, tmp_path):
    (tmp_path / "80-board.rules").write_text('NO_SUCH_KEY=="x"\n')
    done = udev.run("true")
    assert "80-board.rules:1" in done.stderr
    assert "NO_SUCH_KEY" in done.stderr


def test_rules_that_are_not_there(udev, tmp_path):
    (tmp_path / "empty").mkdir()
    for name, text in (("missing", "No such file or directory"), ("empty", "no file is called")):
        udev.options = ["--udev", tmp_path / name]
        done = udev.run("true")
        assert (done.returncode, done.stdout) == (1, "")
        assert text in done.stderr
        assert done.stderr.count("\n") == 1


def test_nothing_is_left_of_udevd(udev):
    out = udev.run("pgrep", "-x", "systemd-udevd").stdout
    assert out
    wait_until(lambda: all(gone(pid) for pid in out.split()))
    assert not [line for line in Path("/proc/mounts").read_text().splitlines() if "rules" in line]


def test_the_modes_of_real_nodes_are_kept(udev):
    done = udev.run("sh", "-c", "chmod 777 /dev/null; echo x > /dev/null && echo written")
    assert done.stdout == "written\n"
    assert Path("/dev/null").stat().st_mode & 0o777 == 0o666


def test_the_same_in_a_changed_root(runner, tmp_path):
    needs("chroot")
    root = tmp_path / "root"
    places = " ".join(
        name for name in ("usr", "bin", "lib", "lib64", "sbin") if Path("/", name).exists()
    )
    out = runner.sh(f"""
        mkdir {root}; cd {root}
        for place in {places} dev sys proc; do mkdir $place; mount --rbind /$place $place; done
        chroot . sh -ec 'stat -f -c %T {R0}; cd /dev; stat -c %F remoteproc0 null'
    """)
    assert out == "sysfs\n" + "character special file\n" * 2
