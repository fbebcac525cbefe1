import json
import socket
import subprocess
import time
from pathlib import Path

import pytest

from rprocfs.system import System, bundled_firmware
from rprocfs.testing.driver_table import R0, Bench, Images
from rprocfs.testing.userspace import read, write
from tests.drivers.gdb_session import NEEDS_GDB, Session, Stub, transcript
from tests.engines.host import ROOT, SAFETY
from tests.engines.installed import ENGINES, NEEDS_QEMU

SOURCE = Path(__file__).with_name("debuggee.c")
ECHO = Images(f"{bundled_firmware()}/echo.elf", ("rpmsg-raw", "rpmsg-echo"), "echo")
M4 = {"compatible": "rprocfs,cortex-m4"}


@NEEDS_QEMU
def test_a_debugger_finds_the_firmware(tmp_path):
    path = tmp_path / "a,b.gdb"
    with Bench(M4 | {"gdb": str(path), "watchdog-ms": 1}, ECHO, tmp_path) as bench:
        assert bench.shell.cat(f"{R0}/gdb") == f"{path}\n"
        for _ in range(2):
            bench.start()
            with Stub(path) as stub:
                # The vector table: the stack, and the entry point.
                assert stub.ask(b"m21000000,4") == b"00001021"
                assert stub.ask(b"g")[15 * 8 : 16 * 8].endswith(b"21")
            bench.stop()
        assert "watchdog" not in bench.log
    assert not path.exists()


@pytest.mark.parametrize(
    ("properties", "complaint"),
    [
        ({"engine": "unicorn", "gdb": "gdb"}, "gdb gdb: has to be :PORT, or an absolute"),
        ({"engine": "qemu", "gdb": "/" + "x" * 107}, "or an absolute and shorter path"),
        ({"gdb": ":0"}, "gdb :0: is no port"),
        (
            {"compatible": "rprocfs,native", "gdb": ":1", "gdb-halt": True},
            "gdb-halt: the engine native cannot begin halted",
        ),
        ({"gdb": ":65536"}, "gdb :65536: is no port"),
        ({"gdb": "300.1.1.1:1234"}, "is no address of a host"),
        ({"gdb-halt": True}, "gdb-halt: needs gdb, or nothing lets it go on"),
    ],
)
def test_a_bad_description(properties, complaint, tmp_path):
    with System(firmware=tmp_path) as system:
        assert system.add_processor(M4 | properties).driver is None
        assert complaint in system.model.kmsg.records()[0].text


@pytest.mark.parametrize(
    ("address", "complaint"),
    [("192.0.2.1:1234", "Cannot assign requested address"), ("/no/gdb", "No such file or direct")],
)
def test_where_nothing_can_listen_it_does_not_start(address, complaint, tmp_path):
    with Bench(M4 | {"engine": "unicorn", "gdb": address}, ECHO, tmp_path) as bench:
        with pytest.raises(OSError, match=complaint):
            bench.start()
        assert bench.state == "offline"
        assert f"gdb {address}: {complaint}" in bench.log
        bench.shell.echo(f"{R0}/gdb", "\n")
        bench.start()
        with pytest.raises(OSError, match=complaint):
            bench.shell.echo(f"{R0}/gdb", address)
        assert bench.shell.cat(f"{R0}/gdb") == "\n"


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
        with Stub(path) as stub:
            # It halts a core that it attaches to; the heartbeat is one word of the memory.
            before = stub.ask(b"m21ff0000,4")
            time.sleep(0.3)
            assert stub.ask(b"m21ff0000,4") == before
            assert bench.state == "running"
            begin = time.monotonic()
            bench.stop()
            assert time.monotonic() - begin < SAFETY
        assert "crash" not in bench.log
        bench.start()


SCRIPT = """
target remote {path}
break measure
continue
backtrace
next
next
print interrupts
watch counter
continue
print interrupts
delete
print twice(4)
break twice
continue
finish
print/x *(unsigned *)0xe000e010
delete
continue
backtrace
continue
"""


#: The same on every engine.
EXPECTED = """
reset () at vsoc.c
Breakpoint 1 at : file debuggee.c, line 24.
Breakpoint 1, measure (sensor=...) at debuggee.c:24
24\t\tcounter = sensor;
#0  measure (sensor=...) at debuggee.c:24
#1  main () at debuggee.c:36
25\t\tSCB_ICSR = PENDSTSET;
26\t\tcounter += 2;
$1 = 0
Hardware watchpoint 2: counter
Hardware watchpoint 2: counter
Old value = 5
New value = 7
measure (sensor=...) at debuggee.c:27
27\t\tcounter = twice(counter);
$2 = 1
$3 = 8
Breakpoint 3 at : file debuggee.c, line 15.
Breakpoint 3, twice (value=...) at debuggee.c:15
15\t\tuint32_t sum = value;
measure (sensor=...) at debuggee.c:27
27\t\tcounter = twice(counter);
Value returned is $4 = 14
$5 = 0x0
Program received signal SIGSEGV, Segmentation fault.
vsoc_fail () at vsoc.c
#0  vsoc_fail () at vsoc.c
#1  <signal handler called>
#2  broken () at debuggee.c:30
#3  main () at debuggee.c:38
Program terminated with signal SIGSEGV, Segmentation fault.
The program no longer exists.
"""


def debuggee(engine, path, **more):
    """The properties of a processor with a debugger at *path*, and a watchdog."""
    found = {"compatible": "rprocfs,cortex-m3", "engine": engine, "watchdog-ms": 1200}
    return found | {"gdb": str(path), "firmware-name": "echo.elf"} | more


@pytest.fixture(scope="session")
def image(unstripped):
    return unstripped("arm-none-eabi-gcc", SOURCE, "-O0")


@NEEDS_GDB
@pytest.mark.parametrize("engine", ENGINES)
def test_a_session(engine, image, tmp_path):
    path = tmp_path / "gdb"
    properties = debuggee(engine, path, **{"gdb-halt": True})
    with Bench(properties, Images(image, (), ""), tmp_path) as b:
        b.shell.echo(f"{R0}/state", "start")
        assert b.state == "running"
        with Session(image, SCRIPT.format(path=path), tmp_path) as session:
            assert transcript(session.output()) == EXPECTED.strip().splitlines()
        assert "type mmufault" in b.log
        assert "watchdog" not in b.log


@NEEDS_GDB
@pytest.mark.parametrize("engine", ENGINES)
def test_switched_on_while_it_runs_and_a_debugger_that_vanishes(engine, tmp_path):
    path = tmp_path / "gdb"
    with Bench(M4 | {"engine": engine}, ECHO, tmp_path) as b:
        b.start()
        assert b.shell.cat(f"{R0}/gdb") == "\n"
        b.shell.echo(f"{R0}/gdb", f"{path}\n")
        echo = b.open("/dev/rpmsg0")
        for _ in range(3):
            with Stub(path) as stub:
                assert stub.ask(b"m21000000,4") == b"00001021"
                assert stub.ask(b"Z0,21000100,2") == b"OK"
            write(echo, b"hello")
            assert read(echo) == b"hello"  # it went on, and its breakpoints are gone
        b.shell.echo(f"{R0}/gdb", "\n")
        assert not path.exists()


@NEEDS_GDB
@pytest.mark.parametrize("engine", ENGINES)
def test_it_begins_halted_and_stops_so(engine, image, tmp_path):
    path = tmp_path / "gdb"
    properties = debuggee(engine, path, **{"gdb-halt": True})
    with Bench(properties, Images(image, (), ""), tmp_path) as b:
        for _ in range(2):
            b.shell.echo(f"{R0}/state", "start")
            assert b.state == "running"
            b.stop()
            assert b.state == "offline"
        b.shell.echo(f"{R0}/state", "start")
        b.shell.echo(f"{R0}/gdb", "\n")  # nobody can come any more: it goes on, and crashes
        b.wait(lambda: "crash detected" in b.log)
        assert b.shell.cat(f"{R0}/gdb_halt") == "1\n"


@NEEDS_GDB
@pytest.mark.parametrize("engine", ENGINES)
def test_monitor_reset(engine, image, tmp_path):
    """The firmware is loaded anew, and gdb stays."""
    path = tmp_path / "gdb"
    properties = debuggee(engine, path, **{"gdb-halt": True})
    script = f"""
        target remote {path}
        break measure
        continue
        set variable counter = 99
        monitor reset halt
        maintenance flush register-cache
        print counter
        backtrace
        continue
        backtrace 1
        monitor resume
        monitor halt
    """
    with Bench(properties, Images(image, (), ""), tmp_path) as b:
        b.shell.echo(f"{R0}/state", "start")
        with Session(image, script, tmp_path) as session:
            said = transcript(session.output())
        assert [line for line in said if "detached" not in line] == [
            "reset () at vsoc.c",
            "Breakpoint 1 at : file debuggee.c, line 24.",
            "Breakpoint 1, measure (sensor=...) at debuggee.c:24",
            "24\t\tcounter = sensor;",
            "$1 = 0",
            "#0  reset () at vsoc.c",
            "Breakpoint 1, measure (sensor=...) at debuggee.c:24",
            "24\t\tcounter = sensor;",
            "#0  measure (sensor=...) at debuggee.c:24",
        ]
        assert b.log.count("is now up") >= 2  # let go, it crashes


def test_the_peripherals_of_a_real_board(tmp_path):
    """The IPCC of an STM32MP157, whose channels are all masked by a reset (RM0436)."""
    image = Path(__file__).parents[1] / "firmware" / "stm32mp1-raw.elf"
    path = tmp_path / "gdb"
    properties = {"compatible": "st,stm32mp1-m4", "gdb": str(path), "gdb-halt": True}
    with Bench(properties, Images(image, (), ""), tmp_path) as b:
        b.shell.echo(f"{R0}/firmware", "echo.elf")
        b.shell.echo(f"{R0}/state", "start")
        with Stub(path) as stub:
            assert stub.ask(b"m4c001014,4") == b"3f003f00"  # C2MR: all masked by the reset
            assert stub.ask(b"M4c001014,4:3e003f00") == b"OK"
            assert stub.ask(b"m4c001014,4") == b"3e003f00"
            assert stub.ask(b"m4c100000,4") == b"E0e"  # there is nothing
            assert b.state == "running"
        b.stop()


@NEEDS_GDB
def test_the_launch_file_of_an_editor(image, tmp_path):
    """What cppdbg and Cortex-Debug send for examples/vscode, over a port."""
    text = (ROOT / "examples/vscode/.vscode/launch.json").read_text()
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    cppdbg, cortex = json.loads(text.replace("3333", str(port)))["configurations"]
    assert cppdbg["miDebuggerServerAddress"] == cortex["gdbTarget"]
    properties = debuggee("unicorn", f":{port}", **{"gdb-halt": True})
    commands = [
        "-gdb-set remotetimeout 120",
        f"-file-exec-and-symbols {image}",
        f"-target-select remote {cppdbg['miDebuggerServerAddress']}",
        *(f'-interpreter-exec console "{line}"' for line in cortex["overrideResetCommands"]),
        "-break-insert measure",
        "-exec-continue",
    ]
    with Bench(properties, Images(image, (), ""), tmp_path) as b:
        b.shell.echo(f"{R0}/state", "start")
        with subprocess.Popen(
            [cppdbg["miDebuggerPath"], "-nx", "--interpreter=mi"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        ) as gdb:  # fmt: skip
            gdb.stdin.write("\n".join(commands) + "\n")
            gdb.stdin.flush()
            said = ""
            for line in gdb.stdout:
                said += line
                assert not line.startswith("^error"), said
                if 'reason="breakpoint-hit"' in line:
                    break
            assert 'func="measure"' in said, said
            assert b.state == "running"  # it crashes as soon as it goes on
            gdb.stdin.write("-gdb-exit\n")
        assert b.log.count("is now up") >= 2
