"""gdb on the Cortex-R5Fs of a Zynq UltraScale+: the session of test_gdb.py, each core its own."""

import re

import pytest

from rprocfs.arch.armv7r import features
from tests.drivers.gdb_session import NEEDS_GDB, Session, transcript
from tests.drivers.test_xlnx_r5_machine import REMOTEPROC, RPMSG

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
print/x *(unsigned *)0xf9001004
print/x $sctlr & 5
print/x $d15
stepi
delete
continue
backtrace
print/x $dfar
continue
"""

EXPECTED = """
Breakpoint 1 at : file debuggee_r5.c, line 25.
Breakpoint 1, measure (sensor=...) at debuggee_r5.c:25
25\t\tcounter = sensor;
#0  measure (sensor=...) at debuggee_r5.c:25
#1  main () at debuggee_r5.c:39
26\t\tGICD_REG(0xf00) = 1u << (16 + CORE) | SGI;
27\t\tcounter += 2;
$1 = 0
Hardware watchpoint 2: counter
Hardware watchpoint 2: counter
Old value = 5
New value = 7
measure (sensor=...) at debuggee_r5.c:28
28\t\tcounter = twice(counter);
$2 = 1
$3 = 8
Breakpoint 3 at : file debuggee_r5.c, line 16.
Breakpoint 3, twice (value=...) at debuggee_r5.c:16
16\t\tuint32_t sum = value;
measure (sensor=...) at debuggee_r5.c:28
28\t\tcounter = twice(counter);
Value returned is $4 = 14
$5 = 0xf8
$6 = 0x5
$7 = 0x0
28\t\tcounter = twice(counter);
Program received signal SIGSEGV, Segmentation fault.
broken () at debuggee_r5.c:31
31\tstatic uint32_t broken(void) { return REG(NOWHERE); }
#0  broken () at debuggee_r5.c:31
#1  main () at debuggee_r5.c:41
$8 = 0xf8f00000
Program terminated with signal SIGSEGV, Segmentation fault.
The program no longer exists.
"""


def halted(board, core, image, path, directory):
    """Start *image* on *core*, in front of whose first instruction a debugger comes at *path*."""
    (directory / image.name).write_bytes(image.read_bytes())
    board.shell.echo(f"{REMOTEPROC}{core}/gdb", str(path))
    board.shell.echo(f"{REMOTEPROC}{core}/gdb_halt", "1")
    board.start(core, image.name)
    assert board.state(core) == "running"


def lines(output):
    """The transcript, without what gdb shows of the reset vector."""
    return [text for text in transcript(output) if not re.search(r"__asm__|vectors \(\)", text)]


@NEEDS_GDB
@pytest.mark.parametrize(("core", "state"), [(0, "arm"), (1, "thumb")])
def test_a_session(zcu102, debuggee, core, state, tmp_path):
    path, image, board = tmp_path / "gdb", debuggee(core, state), zcu102()
    halted(board, core, image, path, tmp_path)
    other = 1 - core
    board.start(other, f"zynqmp-echo{other or ''}.elf")
    board.wait(lambda: board.shell.exists(f"{RPMSG}/virtio0.rpmsg-raw.-1.1025"))  # it runs
    with Session(image, SCRIPT.format(path=path), tmp_path) as session:
        said = lines(session.output())
    assert said == EXPECTED.strip().splitlines()
    assert "type mmufault" in board.log


def test_the_registers_that_gdb_is_told_of():
    described = re.findall(rb'name="(\w+)" bitsize="(\d+)"', features.DESCRIPTION)
    assert [(name.decode(), int(bits) // 8) for name, bits in described] == list(
        zip(features.NAMES, features.SIZES, strict=True)
    )


@NEEDS_GDB
def test_registers_and_steps_through_an_exception_and_an_it_block(zcu102, debuggee, tmp_path):
    """All registers are written and read; an SVC is stepped into, its return back."""
    path, image, board = tmp_path / "gdb", debuggee(0, "thumb"), zcu102()
    halted(board, 0, image, path, tmp_path)
    script = f"""
        target remote {path}
        break measure
        continue
        set $d3 = 2.5
        print $d3
        set $r4 = 0x1234
        print/x $r4
        print/x $mpidr & 0xff
        set {{unsigned}} 0x3ed40000 = 0xe7fedf01
        set {{unsigned}} 0x3ed40004 = 0x2101bf08
        set $pc = 0x3ed40000
        stepi
        print/x $pc & 0xfff
        print/x $cpsr & 0x1f
        print/x $spsr & 0x1f
        set $pc = 0x3ed40004
        set $cpsr = ($cpsr & ~0x1f) | 0x1f | 0x20 | 0x40000000
        set $pc = 0x3ed40004
        set $r1 = 7
        stepi
        print/x $pc & 0xfff
        print $r1
    """
    with Session(image, script, tmp_path) as session:
        said = [text for text in lines(session.output()) if text.startswith("$")]
    assert said[:3] == ["$1 = 2.5", "$2 = 0x1234", "$3 = 0x0"]
    assert said[3:6] == ["$4 = 0x8", "$5 = 0x13", "$6 = 0x1f"]
    assert said[6:] == ["$7 = 0x8", "$8 = 1"]
