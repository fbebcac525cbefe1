import errno
import os
import signal
import time

import pytest

from rprocfs.engines.qemu import engine as qemu_engine
from rprocfs.remoteproc.rproc import rproc_da_to_va
from rprocfs.system import System, bundled_firmware
from rprocfs.testing.driver_table import R0, TABLE, Bench, Images
from rprocfs.testing.firmware_table import FIRMWARE_TABLE
from rprocfs.testing.images import IMAGES
from rprocfs.testing.userspace import read, write
from tests.engines.installed import ENGINES, QEMU

CRASH = f"{bundled_firmware()}/crash.elf"
ECHO = Images(f"{bundled_firmware()}/echo.elf", ("rpmsg-raw", "rpmsg-echo"), "echo", CRASH)
M4 = {"compatible": "rprocfs,cortex-m4"}


@pytest.fixture(params=ENGINES)
def engine(request):
    return request.param


@pytest.fixture(params=["rprocfs,cortex-m3", "rprocfs,cortex-m4"])
def bench(request, engine, tmp_path):
    with Bench({"compatible": request.param, "engine": engine}, ECHO, tmp_path) as bench:
        yield bench


@pytest.mark.parametrize("name", FIRMWARE_TABLE)
def test_driver_table(name, engine, tmp_path):
    with Bench(M4 | {"engine": engine}, ECHO, tmp_path) as bench:
        FIRMWARE_TABLE[name](bench)


@pytest.mark.parametrize("name", ["echoes", "is_served_by_a_driver_that_is_bound_again"])
def test_both_cores(name, bench):
    TABLE[name](bench)


@pytest.fixture
def crasher(engine, request, tmp_path):
    images = Images(CRASH, ("rpmsg-crash",), "")
    more = getattr(request, "param", {})
    with Bench(M4 | {"engine": engine} | more, images, tmp_path) as bench:
        bench.start()
        bench.shell.echo(f"{R0}/recovery", "disabled")
        yield bench


@pytest.mark.parametrize("crasher", [{"watchdog-ms": 1500}], indirect=True)
def test_a_watchdog_leaves_a_heart_alone_that_beats(crasher):
    """Every 500 ms; what happens where it stops is in the crash matrix."""
    time.sleep(2)
    assert crasher.state == "running"


@pytest.mark.parametrize("crasher", [{"watchdog-ms": 1500}], indirect=True)
def test_a_watchdog_rests_with_its_core(crasher):
    crasher.stop()
    time.sleep(2)
    assert "watchdog" not in crasher.log


@pytest.mark.parametrize("recovery", ["enabled", "disabled"])
def test_a_killed_worker(bench, recovery):
    bench.start()
    bench.shell.echo(f"{R0}/recovery", recovery)
    os.kill(bench.system.remoteproc.rprocs[0].ops.worker.pid, signal.SIGKILL)
    if recovery == "disabled":
        bench.wait(lambda: bench.state == "crashed")
        bench.stop()
        assert bench.state == "offline"
    else:
        bench.wait(lambda: bench.log.count("is now up") == 2)
        bench.wait_channels()
        handle = bench.open("/dev/rpmsg0")
        write(handle, b"back")
        assert read(handle) == b"back"
    assert "killed by SIGKILL" in bench.log
    assert "crash detected in cortex-m0: type fatal error" in bench.log


def test_images_for_other_machines_are_refused(bench):
    for name in ("machine.elf", "elf64.elf"):
        (bench.directory / name).write_bytes(IMAGES[name].make())
        with pytest.raises(OSError, match="cannot run an image") as caught:
            bench.start(name)
        assert caught.value.errno == errno.EINVAL
        assert bench.state == "offline"


def test_the_platform_page_is_not_for_images(bench):
    rproc = bench.system.remoteproc.rprocs[0]
    assert rproc_da_to_va(rproc, 0x21FF0000, 4) is None
    assert len(rproc_da_to_va(rproc, 0x21FEFFFC, 4)) == 4
    assert rproc_da_to_va(rproc, 0x20FFFFFF, 4) is None


@pytest.mark.parametrize(
    ("properties", "complaint"),
    [({"engine": "steam"}, "no engine steam"), ({"watchdog-ms": -1}, "bad watchdog-ms -1")],
)
def test_a_bad_description(properties, complaint, tmp_path):
    with System(firmware=tmp_path) as system:
        device = system.add_processor(M4 | properties)
        assert device.driver is None
        assert complaint in system.model.kmsg.records()[0].text


def engine_of(bench):
    return type(bench.system.remoteproc.rprocs[0].ops.worker).__name__


@pytest.mark.parametrize("installed", [QEMU, "nothing"])
def test_the_engine_that_is_chosen(installed, tmp_path, monkeypatch):
    if installed == "nothing":
        monkeypatch.setenv("PATH", str(tmp_path))
    with Bench(M4, ECHO, tmp_path) as bench:
        bench.start()
        assert engine_of(bench) == ("UnicornWorker" if installed == "nothing" else "QemuWorker")


def test_an_engine_that_is_not_installed(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert qemu_engine.program() is None
    with Bench(M4 | {"engine": "qemu"}, ECHO, tmp_path) as bench:
        with pytest.raises(FileNotFoundError):
            bench.start()
        assert "cortex-m4: qemu-system-arm is not installed" in bench.log
        assert bench.state == "offline"
