"""A test's board is waited for: its files, its states, what it says, its channels."""

import errno
import re
import threading

import pytest

from rprocfs_fuse.testing.board import BoardError, RprocBoard
from rprocfs_fuse.testing.deadline import RprocTimeout, wait_until
from rprocfs_fuse.testing.failure import sections
from tests.mount.conftest import needs_fuse

NEVER = 0.1


@pytest.fixture(scope="module")
def shared():
    needs_fuse()
    with RprocBoard("-o", "console") as one:
        yield one


@pytest.fixture
def rproc(shared):
    processor = shared.rproc()
    yield processor
    if processor.state == "running":
        processor.stop()
    processor.close()


def bind(shared, name):
    """Have rpmsg_chrdev make a node for a channel that no driver wants."""
    device = shared.wait_for(f"sys/bus/rpmsg/devices/*.{name}.*")
    (device / "driver_override").write_text("rpmsg_chrdev")
    (shared.path / "sys/bus/rpmsg/drivers/rpmsg_chrdev/bind").write_text(device.name)


def test_looks_once_even_without_time():
    assert wait_until(lambda: "there", 0, lambda: "it") == "there"
    with pytest.raises(RprocTimeout, match=r"^waited 0 s for it$"):
        wait_until(lambda: None, 0, lambda: "it")


def test_what_is_false_is_found():
    assert wait_until(lambda: "", 0, lambda: "an empty line") == ""


def test_a_node_that_comes_later(shared, rproc):
    late = threading.Timer(0.1, rproc.boot, ["echo.elf"])
    late.start()
    assert shared.wait_for("/dev/rpmsg0") == shared.path / "dev/rpmsg0"
    late.join()
    assert shared.wait_for("sys/bus/rpmsg/devices/*.rpmsg-raw.*").is_dir()


def test_a_node_that_never_comes(shared):
    with pytest.raises(RprocTimeout, match=r"^waited 0.1 s for /dev/rpmsg9 to be there$"):
        shared.wait_for("dev/rpmsg9", NEVER)


def test_boot_and_states(rproc):
    rproc.boot("echo.elf")
    assert rproc.state == "running"
    rproc.wait_for_state("running")
    with pytest.raises(RprocTimeout, match="remoteproc0 to be crashed; it is running"):
        rproc.wait_for_state("crashed", NEVER)
    rproc.stop()
    rproc.wait_for_state("offline")


def test_an_image_that_is_missing_is_the_kernels_answer(rproc):
    with pytest.raises(OSError, match="No such file") as failed:
        rproc.boot("missing.elf")
    assert failed.value.errno == errno.ENOENT
    assert rproc.expect(r"request_firmware failed: (-\d+)", NEVER)[1] == "-2"


def test_expect_goes_on_behind_the_match_of_each_source(rproc):
    rproc.boot("echo.elf")
    rproc.expect("remote processor m4 is now up")
    assert rproc.expect(r"^echo: started$", source="trace")
    rproc.expect("creating channel rpmsg-raw", source="kernel")
    with pytest.raises(RprocTimeout, match="'is now up' on kernel, console, trace of remoteproc0"):
        rproc.expect("is now up", NEVER)
    with pytest.raises(RprocTimeout) as late:
        rproc.expect("no such thing", NEVER, source="trace")
    assert "trace: ..." in str(late.value)
    assert "kernel: ..." not in str(late.value)


def test_a_second_boot_is_heard_anew(rproc):
    for _ in range(2):
        rproc.boot("echo.elf")
        rproc.expect("echo: started", source="trace")
        rproc.expect("is now up", source="kernel")
        rproc.stop()
    rproc.boot("echo.elf")
    with pytest.raises(RprocTimeout):
        rproc.expect("stopped remote processor", NEVER)


def test_an_unknown_source(rproc):
    with pytest.raises(ValueError, match="remoteproc0 has no uart, but kernel, console, trace"):
        rproc.expect("x", source="uart")


def test_a_request(rproc):
    rproc.boot("echo.elf")
    channel = rproc.channel("rpmsg-raw")
    assert [channel.request(data) for data in (b"one", b"two")] == [b"one", b"two"]
    assert rproc.channel("rpmsg-raw") is channel, "opened twice, the node would be busy"
    with pytest.raises(RprocTimeout, match=r"^waited 0.1 s for a message on rpmsg-raw \(rpmsg0\)"):
        channel.receive(NEVER)
    channel.send(b"three")
    assert channel.receive() == b"three"


def test_a_channel_of_the_next_boot(rproc):
    rproc.boot("echo.elf")
    before = rproc.channel("rpmsg-raw")
    assert before.request(b"x") == b"x"
    rproc.stop()
    rproc.boot("echo.elf")
    assert before.gone
    assert rproc.channel("rpmsg-raw").request(b"y") == b"y"


def test_a_channel_that_the_test_closed(rproc):
    rproc.boot("echo.elf")
    with rproc.channel("rpmsg-raw") as first:
        first.request(b"x")
    assert rproc.channel("rpmsg-raw").request(b"y") == b"y"


def test_channels_without_a_node(shared, rproc):
    rproc.boot("echo.elf")
    rproc.expect("creating channel rpmsg-echo")
    with pytest.raises(RprocTimeout, match="has rpmsg-echo, rpmsg-raw"):
        rproc.channel("rpmsg-nix", NEVER)
    with pytest.raises(RprocTimeout, match="no driver that makes one is bound to it"):
        rproc.channel("rpmsg-echo", NEVER)
    bind(shared, "rpmsg-echo")
    assert rproc.channel("rpmsg-echo").request(b"bound") == b"bound"


def test_processors_by_name(shared):
    assert shared.processors() == ["remoteproc0", "remoteproc1"]
    for which, name in [(None, "remoteproc0"), ("sim", "remoteproc1"), ("remoteproc1",) * 2]:
        processor = shared.rproc(which)
        assert processor.name == name
        processor.close()
    with pytest.raises(BoardError, match=r"no processor r5; there are: remoteproc0 \(m4\), "):
        shared.rproc("r5")


def test_a_crash_is_shown_with_its_backtrace(shared, rproc):
    rproc.boot("crash.elf")
    bind(shared, "rpmsg-crash")
    rproc.channel("rpmsg-crash").send(b"undef")
    rproc.expect("recovering m4", source="kernel")
    rproc.wait_for_state("running")
    shown = dict(sections(shared))
    assert "crash detected in m4: type fatal error" in shown["Kernel log of the board"]
    report = shown["Processor remoteproc0"]
    assert re.search(r"^state: running\nfirmware: crash.elf$", report, re.MULTILINE)
    assert re.search(r"^m4: #0  0x2100\w+ in ", shown["Backtraces of the board"], re.MULTILINE)
    assert shown["Processor remoteproc1"].startswith("name: sim\nstate: offline")


def test_a_console_and_a_serial_port():
    needs_fuse()
    with RprocBoard("-o", "console", "--board", "stm32mp157") as board:
        rproc = board.rproc()
        rproc.boot("stm32mp1-echo.elf")
        assert rproc.expect(r"echo: the M4 runs at \d+ Hz\n", source="console")
        assert rproc.channel("rpmsg-tty").request(b"\x03\n\x11") == b"\x03\n\x11"


def test_a_board_shows_no_console_unless_asked():
    needs_fuse()
    with RprocBoard() as board:
        rproc = board.rproc()
        assert not (rproc.path / "console").exists()
        with pytest.raises(ValueError, match="has no console, but kernel, trace"):
            rproc.expect("x", source="console")
