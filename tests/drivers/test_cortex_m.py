import errno
import os
import signal

import pytest

from rprocfs.system import System, bundled_firmware
from rprocfs.testing.driver_table import DEBUG, R0, RPMSG, TABLE, Bench, Images
from rprocfs.testing.images import IMAGES
from rprocfs.testing.userspace import read, write

ECHO = Images(f"{bundled_firmware()}/echo.elf", ("rpmsg-raw", "rpmsg-echo"), "echo")


@pytest.fixture(params=["rprocfs,cortex-m3", "rprocfs,cortex-m4"])
def bench(request, tmp_path):
    with Bench({"compatible": request.param}, ECHO, tmp_path) as bench:
        yield bench


@pytest.mark.parametrize("name", TABLE)
def test_driver_table(name, tmp_path):
    with Bench({"compatible": "rprocfs,cortex-m4"}, ECHO, tmp_path) as bench:
        TABLE[name](bench)


def test_both_cores_echo(bench):
    TABLE["echoes"](bench)


@pytest.fixture
def crasher(tmp_path):
    images = Images(f"{bundled_firmware()}/crash.elf", ("rpmsg-crash",), "")
    with Bench({"compatible": "rprocfs,cortex-m4"}, images, tmp_path) as bench:
        bench.start()
        bench.shell.echo(f"{R0}/recovery", "disabled")
        yield bench


@pytest.mark.parametrize("command", ["undef", "unmapped", "jump", "lockup", "reset", "crash"])
def test_it_crashes_on_command_and_comes_back(crasher, command):
    handle = crasher.open(f"{RPMSG}/{crasher.channels()[0]}/endpoint")
    write(handle, command.encode())
    crasher.wait(lambda: crasher.state == "crashed")
    assert "crash detected in cortex-m0: type" in crasher.log
    crasher.shell.echo(f"{R0}/recovery", "recover")
    assert crasher.state == "running"
    crasher.wait_channels()


def test_a_hanging_core_is_stopped(crasher):
    handle = crasher.open(f"{RPMSG}/{crasher.channels()[0]}/endpoint")
    write(handle, b"hang")
    crasher.stop()
    assert crasher.state == "offline"


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
    assert rproc.rproc_da_to_va(0x21FF0000, 4) is None
    assert len(rproc.rproc_da_to_va(0x21FEFFFC, 4)) == 4
    assert rproc.rproc_da_to_va(0x20FFFFFF, 4) is None


def test_an_unknown_engine(tmp_path):
    with System(firmware=tmp_path) as system:
        device = system.add_processor({"compatible": "rprocfs,cortex-m4", "engine": "steam"})
        assert device.driver is None
        assert "no engine steam" in system.model.kmsg.records()[0].text


def test_its_dump_holds_the_code_that_ran(bench):
    bench.start()
    bench.shell.echo(f"{R0}/coredump", "enabled")
    bench.shell.echo(f"{DEBUG}/crash", "1")
    bench.wait(lambda: bench.shell.exists(f"{R0}/devcoredump/data"))
    core = bench.shell.cat_bytes(f"{R0}/devcoredump/data")
    image = (bench.directory / "echo.elf").read_bytes()
    assert image[0x1000:0x1100] in core or image[0x100:0x180] in core
