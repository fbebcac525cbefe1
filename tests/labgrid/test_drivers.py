"""The drivers: the same tests on a board of rprocfs by its own, and on one behind sshd."""

import subprocess

import pexpect
import pytest
from labgrid import Environment
from labgrid.driver.exception import ExecutionError

from tests.labgrid.conftest import environment
from tests.mount.conftest import needs_fuse


@pytest.fixture
def rproc(target):
    driver = target.get_driver("RemoteprocDriver", name="m4")
    driver.load()
    yield driver
    if driver.get_state() == "running":
        driver.stop()


@pytest.fixture
def files(target):
    return target.get_driver("FileTransferProtocol")


def test_an_image_is_loaded_booted_and_stopped(rproc):
    assert (rproc.get_name(), rproc.get_state(), rproc.get_firmware()) == (
        "m4", "offline", "fw-m4.elf",
    )  # fmt: skip
    rproc.boot()
    assert rproc.get_state() == "running"
    rproc.stop()
    rproc.wait_for_state("offline")


def test_what_the_kernel_refuses_is_said_with_its_log(rproc):
    with pytest.raises(ExecutionError) as caught:
        rproc.boot("missing.elf")
    assert caught.value.msg.startswith("m4: start > state: ")
    assert any("request_firmware failed: -2" in line for line in caught.value.stdout)


def test_a_message_there_and_back(target, rproc):
    rproc.boot()
    second = target.get_driver("RemoteprocDriver", name="second")
    second.boot("echo.elf")
    assert second.wait_for_channel("rpmsg-raw") == "/dev/rpmsg0"
    data = bytes(range(256))
    assert second.request("rpmsg-raw", data) == data
    assert second.get_channels()["rpmsg-echo"] is None
    assert "rpmsg-tty" not in second.get_channels()
    assert rproc.get_channels()["rpmsg-tty"] == "/dev/ttyRPMSG0"
    second.stop()


def test_what_does_not_come_is_said(rproc):
    rproc.boot()
    with pytest.raises(ExecutionError) as caught:
        rproc.wait_for_channel("nothing", timeout=0.1)
    assert caught.value.msg == (
        "m4: waited 0.1 s for it to have a device for channel nothing; it is running"
    )
    with pytest.raises(ExecutionError, match=r"waited 0.1 s for it to trace 'nothing'"):
        rproc.expect_trace("nothing", timeout=0.1)


def test_a_trace_buffer(rproc):
    rproc.boot()
    assert rproc.expect_trace(r"^echo: (\w+)")[1] in rproc.get_trace()


def test_a_crash_and_its_dump(rproc, tmp_path):
    rproc.set_coredump("enabled")
    rproc.set_recovery("disabled")
    rproc.boot()
    rproc.crash()
    rproc.wait_for_state("crashed")
    rproc.set_recovery("enabled")
    rproc.wait_for_state("running")
    rproc.get_coredump(str(tmp_path / "dump"))
    assert (tmp_path / "dump").read_bytes()[:4] == b"\x7fELF"
    rproc.set_coredump("disabled")
    with pytest.raises(ExecutionError, match=r"waited 0.1 s for it to leave a dump"):
        rproc.get_coredump(str(tmp_path / "dump"), timeout=0.1)


@pytest.fixture
def console(target):
    """Activates a console by its name, until the test is over."""
    active = []
    yield lambda name: active.append(name) or target.get_driver("ConsoleProtocol", name=name)
    for name in active:
        target.deactivate("ConsoleProtocol", name=name)


def test_a_terminal_of_rpmsg(console, rproc):
    rproc.boot()
    assert rproc.request("rpmsg-tty", b"hello") == b"hello"
    tty = console("tty")
    tty.sendline("over it")
    tty.expect("over it")
    with pytest.raises(pexpect.TIMEOUT):
        tty.read(timeout=0.1)


def test_the_console_of_the_processor(console, rproc):
    uart = console("uart")
    rproc.boot()
    uart.expect(r"the M4 runs at \d+ Hz")


def test_a_processor_by_its_number(rproc):
    label = rproc.remoteproc
    try:
        for rproc.remoteproc in ("remoteproc0", "m4"):
            assert rproc.get_name() == "m4"
        rproc.remoteproc = "dsp"
        rproc.on_activate()
        with pytest.raises(ExecutionError, match="the board has no processor dsp, but m4, second"):
            rproc.get_name()
    finally:
        rproc.remoteproc = label


def test_files_go_there_and_back(files, tmp_path):
    (tmp_path / "one").write_bytes(data := bytes(range(256)) * 300)
    files.put(str(tmp_path / "one"), "/lib/firmware/")
    files.get("/lib/firmware/one", str(tmp_path / "two"))
    assert (tmp_path / "two").read_bytes() == data


LOCAL = """
imports: [rprocfs_labgrid]
targets:
  main:
    resources:
      RprocfsBoard: {board: %s}
    drivers:
      RprocfsPowerDriver: {}
      RprocfsCommandDriver: {}
"""


def test_power(tmp_path):
    needs_fuse()
    with environment(tmp_path, LOCAL % "''") as main:
        power, command = main.get_driver("PowerProtocol"), main.get_driver("CommandProtocol")
        assert not power.get()
        assert command.run("true") == ([], ["the board is off: power it on"], 126)
        power.on()
        power.on()
        assert power.get()
        command.run_check("echo 1 > /lib/firmware/seen")
        assert command.run("cat /lib/firmware/seen; echo no >&2; exit 3") == (["1"], ["no"], 3)
        power.cycle()
        assert command.run("test -e /lib/firmware/seen")[2] == 1
        with pytest.raises(subprocess.TimeoutExpired):
            command.run("exec sleep 1000", timeout=0.1)
        command.poll_until_success("! pgrep -x sleep", sleepduration=0)
        power.off()
        power.off()
        assert not power.get()


def test_a_board_that_cannot_be_made(tmp_path):
    needs_fuse()
    with environment(tmp_path, LOCAL % "nothing.toml") as main:
        power = main.get_driver("PowerProtocol")
        with pytest.raises(ExecutionError) as caught:
            power.on()
        assert caught.value.msg.startswith("board nothing.toml: power on: rprocfs: nothing")


def test_the_environment_names_what_it_does_not_know(tmp_path):
    (tmp_path / "env.yaml").write_text(LOCAL.replace("board:", "bored:") % "''")
    with pytest.raises(Exception, match="bored"):
        Environment(str(tmp_path / "env.yaml")).get_target()
