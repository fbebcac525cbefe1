import re
import socket
import time

import pytest

from rprocfs.system import System, bundled_firmware
from rprocfs.testing.driver_table import R0, Bench, Images
from tests.engines.installed import NEEDS_QEMU

ECHO = Images(f"{bundled_firmware()}/echo.elf", ("rpmsg-raw", "rpmsg-echo"), "echo")
M4 = {"compatible": "rprocfs,cortex-m4"}


def ask(stub, packet):
    """A packet of the remote serial protocol, and the answer to it, not the news of the stop."""
    stub.sendall(b"+$%s#%02x" % (packet, sum(packet) & 0xFF))
    stream = b""
    while not (found := re.findall(rb"\$([^T#][^#]*)#..", stream)):
        stream += stub.recv(4096)
    return found[0]


@NEEDS_QEMU
def test_a_debugger_finds_the_firmware(tmp_path):
    path = tmp_path / "a,b.gdb"
    with Bench(M4 | {"gdb": str(path), "watchdog-ms": 1}, ECHO, tmp_path) as bench:
        assert bench.shell.cat(f"{R0}/gdb") == f"{path}\n"
        for _ in range(2):
            bench.start()
            with socket.socket(socket.AF_UNIX) as stub:
                stub.settimeout(20)
                stub.connect(str(path))
                # The vector table: the stack, and the entry point.
                assert ask(stub, b"m21000000,4") == b"00001021"
                assert ask(stub, b"g")[15 * 8 : 16 * 8].endswith(b"21")
            bench.stop()
        assert "watchdog" not in bench.log
    assert not path.exists()


@pytest.mark.parametrize(
    ("properties", "complaint"),
    [
        ({"engine": "unicorn", "gdb": "/tmp/gdb"}, "gdb: the engine unicorn has no stub"),
        ({"engine": "qemu", "gdb": "gdb"}, "gdb gdb: has to be absolute, and shorter"),
        ({"engine": "qemu", "gdb": "/" + "x" * 107}, "has to be absolute, and shorter"),
    ],
)
def test_a_bad_description(properties, complaint, tmp_path):
    with System(firmware=tmp_path) as system:
        assert system.add_processor(M4 | properties).driver is None
        assert complaint in system.model.kmsg.records()[0].text


def test_a_file_that_is_no_socket_is_left_alone(tmp_path):
    path = tmp_path / "app.elf"
    path.write_text("precious")
    (tmp_path / "link").symlink_to(path)
    for name in ("app.elf", "link"):
        properties = {"engine": "qemu", "gdb": str(tmp_path / name)}
        with System(firmware=tmp_path) as system:
            assert system.add_processor(M4 | properties).driver is None
            assert f"{name}: is there, and no socket" in system.model.kmsg.records()[0].text
    assert path.read_text() == "precious"
    assert (tmp_path / "link").is_symlink()


@NEEDS_QEMU
def test_a_core_that_a_debugger_halted_is_no_crash_and_stops_at_once(tmp_path):
    path = tmp_path / "gdb"
    with Bench(M4 | {"gdb": str(path), "watchdog-ms": 50}, ECHO, tmp_path) as bench:
        bench.start()
        with socket.socket(socket.AF_UNIX) as stub:
            stub.settimeout(20)
            stub.connect(str(path))
            # It halts a core that it attaches to; the heartbeat is one word of the memory.
            before = ask(stub, b"m21ff0000,4")
            time.sleep(0.3)
            assert ask(stub, b"m21ff0000,4") == before
            assert bench.state == "running"
            begin = time.monotonic()
            bench.stop()
            assert time.monotonic() - begin < 1
        assert "crash" not in bench.log
        bench.start()
